"""The web page tells a newcomer what runs here and what to do next."""

from __future__ import annotations

import pytest
from django.test import Client


def test_the_page_leads_to_jaeger_and_to_a_first_sync(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address of Jaeger is a link, and the command that starts a sync is there to copy."""
    monkeypatch.setenv("SYNCTRACE_JAEGER_URL", "http://127.0.0.1:16686")
    page = client.get("/").content.decode()
    assert '<a href="http://127.0.0.1:16686">' in page
    assert "python manage.py sync OWNER/NAME" in page


@pytest.mark.parametrize("address", ["", "javascript:alert(1)"])
def test_no_link_is_made_of_what_is_no_address(client: Client, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Without an address of Jaeger, the page says where the spans are instead."""
    monkeypatch.setenv("SYNCTRACE_JAEGER_URL", address)
    page = client.get("/").content.decode()
    assert "javascript" not in page
    assert "traces.jsonl" in page


@pytest.mark.django_db
def test_health_is_ok_while_the_database_answers(client: Client) -> None:
    """A load balancer gets 200 and a word."""
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok")


def test_pages_are_only_read(client: Client) -> None:
    """Nothing can be posted to them."""
    assert client.post("/").status_code == 405
