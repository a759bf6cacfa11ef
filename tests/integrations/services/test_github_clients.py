"""A connection's clients keep to the settings."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from apps.integrations.connections import rest_client
from apps.integrations.errors import InvalidApiUrl
from apps.integrations.services.github_clients import transport_to


def test_the_settings_decide_who_is_reached_without_tls(settings: Settings) -> None:
    """A token goes in the clear to the hosts that SYNC_PLAIN_HTTP_HOSTS names, and to no other."""
    settings.SYNC_PLAIN_HTTP_HOSTS = frozenset({"github-simulator"})
    rest_client(api_url="http://github-simulator:8010", token="any", account="github-simulator:8010/me")
    with pytest.raises(InvalidApiUrl, match="use https"):
        rest_client(api_url="http://api.github.com", token="any", account="api.github.com/me")


def test_a_request_ends_before_its_turn_does(settings: Settings) -> None:
    """Every transport has the deadline that the lane's lease is made for."""
    settings.SYNC_REQUEST_SECONDS = 7.0
    assert transport_to("https://api.github.com", token="any").deadline_seconds == 7.0
