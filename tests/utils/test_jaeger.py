"""Addresses of Jaeger's pages."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from pytest_django import Settings

from apps.utils.jaeger import search_page, trace_page

_TRACE = "0af7651916cd43dd8448eb211c80319c"


def test_a_trace_has_a_page(settings: Settings) -> None:
    """Where a person sees its spans."""
    settings.SYNCTRACE_JAEGER_URL = "https://jaeger.example/ui"
    assert trace_page(_TRACE) == f"https://jaeger.example/ui/trace/{_TRACE}"


def test_a_search_is_by_attributes_too(settings: Settings) -> None:
    """Jaeger takes them as a JSON object of texts."""
    settings.SYNCTRACE_JAEGER_URL = "http://127.0.0.1:16686"
    page = urlsplit(search_page(service="sync trace", operation="sync.repo", tags={"team_id": "7"}))
    assert page.path == "/search"
    asked = parse_qs(page.query)
    assert asked["service"] == ["sync trace"]
    assert asked["tags"] == ['{"span.name":"sync.repo","team_id":"7"}']


def test_without_jaeger_there_is_no_page(settings: Settings) -> None:
    """And so no link."""
    settings.SYNCTRACE_JAEGER_URL = ""
    assert (trace_page(_TRACE), search_page(service="a", operation="b")) == ("", "")
