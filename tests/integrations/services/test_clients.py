"""A connection's clients keep to the settings."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from apps.github_simulator.testing import simulator
from apps.integrations.connections import rest_client
from apps.integrations.errors import InvalidApiUrl, OutOfTime
from apps.integrations.models import RepoSync
from apps.integrations.services.clients import transport_to
from tests.integrations.syncing import attempt, begin, tracked


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


@pytest.mark.django_db(transaction=True)
def test_an_attempt_that_goes_on_and_on_is_ended_in_any_pool(settings: Settings) -> None:
    """With threads, Celery has no time limits; the attempt looks at the clock itself when it shows life."""
    settings.SYNC_ATTEMPT_SECONDS, settings.SYNC_STALE_SECONDS = 0.0, 0.0
    with simulator(synthetic=1) as github:
        row = begin(tracked(github, "synthetic/repo-0"))
        with pytest.raises(OutOfTime, match="after 0 s"):
            attempt(row)
        assert github.stats()["requests"]["graphql"] == 0
    assert RepoSync.objects.get().error_type == "out_of_time"
