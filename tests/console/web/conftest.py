"""People of two teams, one of them signed in, and what a page says to them."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client

from tests.console.web.people import People, make_people


@pytest.fixture
def people(db: None) -> People:
    """Two teams."""
    return make_people()


@pytest.fixture
def owner(people: People, client: Client) -> Client:
    """An owner of the core team, signed in."""
    client.force_login(people.owner)
    return client


def text_of(client: Client, address: str) -> str:
    """Return what a page says, with a blank for each of its marks but those of times, and single ones."""
    html = client.get(address).content.decode()
    assert re.search(r"[0-9a-f]{16}\d{4}-\d\d-\d\dT", html) is None, "a sentence with a time is not `timed`"
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", re.sub(r"</?time\b[^>]*>", "", unescape(html))))
