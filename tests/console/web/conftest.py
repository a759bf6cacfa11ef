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
    """Return what a page says, with a blank for each of its marks, and single ones."""
    answer = client.get(address)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", unescape(answer.content.decode())))
