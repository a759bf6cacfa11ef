"""The page for an error shows no secret of the settings or the environment."""

from __future__ import annotations

import sys

import pytest
from django.http import HttpRequest
from django.test import RequestFactory
from django.views.debug import technical_500_response
from pytest_django import Settings


@pytest.mark.parametrize("name", ["CELERY_BROKER_URL", "DATABASE_URL", "GITHUB_TOKEN", "OTEL_EXPORTER_OTLP_HEADERS"])
def test_no_address_with_a_password_is_shown(name: str, settings: Settings) -> None:
    """Neither as a setting nor among the request's variables, where a server puts its environment."""
    secret = "-".join(("s3cr3t", "of", "mine"))  # the page shows this source too
    settings.DEBUG = True
    setattr(settings, name, f"redis://:{secret}@host/0")
    request = RequestFactory().get("/")
    request.META[name] = f"redis://:{secret}@host/0"
    page = _page(request)
    assert "on purpose" in page
    assert name in page
    assert secret not in page


def _page(request: HttpRequest) -> str:
    """Return the page of an error whose traceback begins here, so that no local variable of the test is in it."""
    try:
        raise ValueError("on purpose")
    except ValueError:
        return technical_500_response(request, *sys.exc_info()).content.decode()
