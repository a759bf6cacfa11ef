"""A connection's clients keep to the settings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from apps.github_simulator.testing import simulator
from apps.integrations.errors import InvalidApiUrl, OutOfTime
from apps.integrations.models import ApiLane, RepoSync
from apps.integrations.services.clients import Clients, app_client, configured_app, transport_to
from apps.integrations.services.github_app import AppKey
from apps.integrations.services.github_rest import GitHubRest
from apps.utils import clock
from tests.integrations.github.answers import FreeLane, a_page, a_pull_request, answer
from tests.integrations.recorded import recorded
from tests.integrations.services.scripted import ScriptedTransport, scripted
from tests.integrations.syncing import attempt, begin, tracked


def test_the_settings_decide_who_is_reached_without_tls(settings: Settings) -> None:
    """A token goes in the clear to the hosts that SYNC_PLAIN_HTTP_HOSTS names, and to no other."""
    settings.SYNC_PLAIN_HTTP_HOSTS = frozenset({"github-simulator"})
    transport_to("http://github-simulator:8010", token="any")
    with pytest.raises(InvalidApiUrl, match="use https"):
        transport_to("http://api.github.com", token="any")


def test_a_request_ends_before_its_turn_does(settings: Settings) -> None:
    """Every transport has the deadline that the lane's lease is made for."""
    settings.SYNC_REQUEST_SECONDS = 7.0
    assert transport_to("https://api.github.com", token="any").deadline_seconds == 7.0
    within = [transport_to("https://api.github.com", token="any", within=seconds) for seconds in (3.0, 30.0)]
    assert [each.deadline_seconds for each in within] == [3.0, 7.0]


@pytest.mark.django_db
def test_an_attempt_has_spent_what_those_before_it_have_and_what_its_clients_have() -> None:
    """Requests of both, and points of GraphQL's."""
    graphql, _ = scripted(lambda _asked: answer(a_page(a_pull_request(1))))
    rest = GitHubRest(transport=ScriptedTransport(rest=lambda: recorded("repository_rest")), lane=FreeLane())
    clients = Clients(graphql=graphql, rest=rest, requests_before=7, points_before=3)
    assert clients.spent() == {"requests": 7, "points": 3}
    list(graphql.pull_requests("octocat/hello-world"))
    rest.repository("octocat/hello-world")
    assert clients.spent() == {"requests": 9, "points": 4}


def test_an_app_takes_an_id_and_a_key(settings: Settings) -> None:
    """Of whom there is only one, nobody can ask; that is said before anybody is."""
    settings.SYNCTRACE_GITHUB_APP_ID, settings.SYNCTRACE_GITHUB_APP_PRIVATE_KEY = "4711", "a key"
    assert configured_app() == AppKey(app_id="4711", private_key="a key")
    for app_id, key in (("", "a key"), ("4711", ""), ("", "")):
        settings.SYNCTRACE_GITHUB_APP_ID, settings.SYNCTRACE_GITHUB_APP_PRIVATE_KEY = app_id, key
        assert configured_app() is None
        with pytest.raises(ImproperlyConfigured, match="SYNCTRACE_GITHUB_APP_PRIVATE_KEY"):
            app_client("https://api.github.com", lane=FreeLane())


class _Watched(clock.SteppedClock):
    """Calls `look` whenever somebody sleeps."""

    def __init__(self, at: datetime, look: Callable[[], None]) -> None:
        super().__init__(at)
        self._look = look

    def sleep(self, seconds: float, *, meanwhile: Callable[[], None] | None = None) -> None:
        """Look, and advance the clock."""
        self._look()
        super().sleep(seconds, meanwhile=meanwhile)


@pytest.mark.django_db(transaction=True)
def test_an_attempt_s_row_says_what_it_waits_for_while_it_does() -> None:
    """Until when, and what it has cost so far; another's row says nothing of that."""
    with simulator(synthetic=2) as github:
        ours, _ = (begin(tracked(github, "synthetic/repo-0", slug=slug, token=slug)) for slug in ("ours", "others"))
        now, seen = clock.now(), list[RepoSync]()
        others = list(RepoSync.objects.exclude(pk=ours.pk).values())
        ApiLane.objects.filter(account=ours.connection.account).delete()
        until = now + timedelta(seconds=5)
        ApiLane.objects.create(account=ours.connection.account, blocked_until=until, blocked_reason="secondary")
        RepoSync.objects.filter(pk=ours.pk).update(requests=7, points=3)
        github.add_faults({"fault": "secondary_limit", "match": {"operation": "PullRequests"}, "retry_after": 5})

        def look() -> None:
            seen.append(RepoSync.objects.get(pk=ours.pk))

        with clock.using(_Watched(now, look)):
            attempt(ours)
    first, *_, last = seen
    assert (first.wait_reason, first.due_at, first.requests, first.points) == ("secondary", until, 7, 3)
    assert (last.wait_reason, last.requests) == ("secondary", 9)  # by REST and, refused, by GraphQL
    assert last.due_at >= first.due_at
    assert RepoSync.objects.get(pk=ours.pk).wait_reason == ""
    assert list(RepoSync.objects.exclude(pk=ours.pk).values()) == others


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
