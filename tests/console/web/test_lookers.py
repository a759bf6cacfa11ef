"""Whoever looks on and loses the right to is refused within a second, though the database is not asked for each request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.handlers.asgi import ASGIRequest
from django.db import connection
from django.http import StreamingHttpResponse
from django.test import AsyncRequestFactory, Client, RequestFactory
from pytest_django import DjangoAssertNumQueries

from apps.console.web import stream
from apps.console.web.lookers import lookers
from apps.console.web.sight import Sight
from apps.integrations.models import PipelineRun
from apps.teams.models import Membership
from apps.utils import clock
from tests.console.web.people import People, make_run

pytestmark = pytest.mark.django_db
_WITHIN = 1.5
"""Seconds: one between two looks, and what a busy machine takes."""


@pytest.fixture
def run(people: People) -> PipelineRun:
    """A run of the core team."""
    return make_run(people.team, {"state": "running"})


def _signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def _refused_after(client: Client, address: str) -> tuple[int, float]:
    """Ask until the answer is another than 200, and return it with the seconds that took."""
    began = time.monotonic()
    while (status := client.get(address).status_code) == 200 and time.monotonic() - began < 10:
        time.sleep(0.05)
    return status, time.monotonic() - began


def test_who_signs_out_is_refused_at_once(people: People, run: PipelineRun) -> None:
    """Also with the cookie that the browser had."""
    client, address = _signed_in(people.member), f"/runs/{run.pk}/spans.jsonl"
    assert client.get(address).status_code == 200
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert client.post("/sign-out/").status_code == 302
    client.cookies[settings.SESSION_COOKIE_NAME] = cookie
    assert client.get(address).status_code == 302


def _leaves_the_team(user: User) -> None:
    Membership.objects.filter(user=user).delete()


def _is_deactivated(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def _is_removed(user: User) -> None:
    User.objects.filter(pk=user.pk).delete()


def _has_another_password(user: User) -> None:
    user.set_password("another horse, another staple")
    user.save()


def _session_is_deleted(_user: User) -> None:
    Session.objects.all().delete()


def _session_ends(_user: User) -> None:
    Session.objects.update(expire_date=clock.now() - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (_leaves_the_team, 404),
        (_is_deactivated, 302),
        (_is_removed, 302),
        (_has_another_password, 302),
        (_session_is_deleted, 302),
        (_session_ends, 302),
    ],
)
def test_what_somebody_loses_elsewhere_is_noticed_within_a_second(
    people: People, run: PipelineRun, change: Callable[[User], None], status: int
) -> None:
    """As another process does it: this one is told nothing, and reads it."""
    client, address = _signed_in(people.member), f"/runs/{run.pk}/spans.jsonl"
    assert client.get(address).status_code == 200
    change(people.member)
    refused, seconds = _refused_after(client, address)
    assert refused == status
    assert seconds < _WITHIN


@pytest.mark.slow
def test_a_role_and_a_team_that_are_given_are_seen_within_a_second(people: People) -> None:
    """What is kept is what `Sight` says, whichever way it is read."""
    request = RequestFactory().get("/")
    request.COOKIES = {name: morsel.value for name, morsel in _signed_in(people.member).cookies.items()}
    request.user = people.member
    assert lookers.sight_of(request) == Sight.of(people.member)
    Membership.objects.filter(user=people.member).update(role=Membership.Role.OWNER)
    Membership.objects.create(user=people.member, team=people.other_team)
    time.sleep(1)
    assert lookers.sight_of(request) == Sight.of(people.member)
    User.objects.filter(pk=people.member.pk).update(is_staff=True)
    time.sleep(1)
    assert lookers.sight_of(request) == Sight(teams=None, owned=frozenset())


@pytest.mark.slow
def test_however_many_look_on_they_are_read_about_at_once(
    people: People, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """One statement a second for all of them; none in between."""
    requests = [RequestFactory().get("/") for _ in range(50)]
    for request in requests:
        request.COOKIES = {name: morsel.value for name, morsel in _signed_in(people.member).cookies.items()}
        request.user = people.member
    seen = Sight.of(people.member)
    assert [lookers.sight_of(request) for request in requests] == [seen] * 50
    time.sleep(1)
    with django_assert_num_queries(1):
        assert [lookers.sight_of(request) for request in requests] == [seen] * 50


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_a_stream_ends_when_its_session_sees_something_else(people: People, run: PipelineRun) -> None:
    """Nothing more is sent of a team that was left."""
    cookie = _signed_in(people.member).cookies[settings.SESSION_COOKIE_NAME].value
    request = AsyncRequestFactory().get("/events", {"page": f"/runs/{run.pk}/"})
    request.COOKIES = {settings.SESSION_COOKIE_NAME: cookie}
    request.user = people.member

    def close() -> None:
        connection.close()  # that of the thread this runs in

    def leave() -> None:
        _leaves_the_team(people.member)
        run.repo_syncs.update(prs_done=77)
        close()

    async def look() -> tuple[str, str]:
        assert isinstance(request, ASGIRequest)
        answer = await stream.events(request)
        assert isinstance(answer, StreamingHttpResponse)
        sent = aiter(answer)
        before = ""
        while "event: part" not in before:
            before += (await asyncio.wait_for(anext(sent), 60)).decode()
        await asyncio.to_thread(leave)
        after = [each.decode() async for each in sent]
        await sync_to_async(close)()
        reader, _ = stream._readers[asyncio.get_running_loop()]
        assert reader._task is not None
        await reader._task  # nobody is subscribed any more
        return before, "".join(after)

    _, after = asyncio.run(asyncio.wait_for(look(), 90))
    assert "event: part" not in after
