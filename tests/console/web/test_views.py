"""The web page tells a newcomer what runs here and what to do next."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from pytest_django import Settings

_JAEGER = "http://127.0.0.1:16686"


def test_the_page_leads_to_jaeger_and_to_a_first_sync(client: Client, settings: Settings) -> None:
    """Jaeger and its searches are links, and the command that starts a sync is there to copy."""
    settings.SYNCTRACE_JAEGER_URL = _JAEGER
    page = client.get("/").content.decode()
    links = _links(page)
    assert _JAEGER in links
    tags = "%7B%22span.name%22%3A%22sync.pipeline%22%7D"
    assert f"{_JAEGER}/search?service=synctrace&tags={tags}&lookback=7d&limit=50" in links
    assert "python manage.py sync OWNER/NAME" in page


def test_the_page_names_the_commands_as_they_are_called_here(client: Client, settings: Settings) -> None:
    """Under compose they are services of it."""
    settings.SYNCTRACE_COMMAND = "docker compose run --rm"
    page = client.get("/").content.decode()
    assert "docker compose run --rm sync OWNER/NAME" in page
    assert "docker compose run --rm createsuperuser" in page
    assert "manage.py" not in page


def test_without_jaeger_the_page_says_where_the_spans_are(client: Client, settings: Settings) -> None:
    """No link leads to nowhere."""
    settings.SYNCTRACE_JAEGER_URL = ""
    page = client.get("/").content.decode()
    assert "traces.jsonl" in page
    assert [link for link in _links(page) if "search" in link or not link.startswith("/")] == []


@pytest.mark.django_db
def test_every_link_of_the_page_leads_somewhere(client: Client, settings: Settings) -> None:
    """The admin asks who you are; health answers."""
    settings.SYNCTRACE_JAEGER_URL = ""
    answers = {link: client.get(link).status_code for link in _links(client.get("/").content.decode())}
    assert answers.pop("/healthz") == 200
    assert set(answers.values()) == {302}


def test_the_page_needs_nothing_from_elsewhere(client: Client) -> None:
    """No script, no font, no picture of another host."""
    page = client.get("/").content.decode()
    assert "<script" not in page
    assert "src=" not in page
    assert "@import" not in page


def test_the_admin_has_its_own_style(client: Client) -> None:
    """Static files are found where the web serves them from."""
    assert finders.find("admin/css/base.css")
    assert finders.find("utils/admin.css")


@pytest.mark.django_db
def test_health_is_ok_while_the_database_answers(client: Client) -> None:
    """A load balancer gets 200 and a word."""
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok")


def test_pages_are_only_read(client: Client) -> None:
    """Nothing can be posted to them."""
    assert client.post("/").status_code == 405


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found.append(dict(attrs)["href"] or "")


def _links(page: str) -> list[str]:
    parser = _Links()
    parser.feed(page)
    return parser.found
