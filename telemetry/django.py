"""Requests to Django are spans, each the root of a trace of our own, linked to the caller's span if it names one.

Anybody can send a ``traceparent``: joining it would let outsiders choose our sampling and mix our traces with theirs.
"""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.trace import Span

from telemetry import _boundary

_HEALTH_CHECKS = "/healthz$"
_EXCLUDED = ("OTEL_PYTHON_DJANGO_EXCLUDED_URLS", "OTEL_PYTHON_EXCLUDED_URLS")


def instrument() -> None:
    """Django's requests are spans, once, where there is a Django project; health checks are not, unless the environment
    says which requests are left out.
    """
    if not (settings.configured or os.environ.get("DJANGO_SETTINGS_MODULE")):
        return
    _boundary.install()
    instrumentor = DjangoInstrumentor()
    if instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.uninstrument()  # whoever was first did not know our hook
    options: dict[str, Any] = {"request_hook": _link_caller}
    if not any(name in os.environ for name in _EXCLUDED):
        options["excluded_urls"] = _HEALTH_CHECKS
    instrumentor.instrument(**options)


def _link_caller(span: Span, request: HttpRequest) -> None:
    caller = _boundary.caller(request.headers)
    if caller.is_valid:
        span.add_link(caller)
