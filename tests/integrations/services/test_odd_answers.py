"""Whatever an answer holds, an attempt stores what it has or fails with an error of ours: none is a library's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.integrations.errors import SyncError
from apps.integrations.github.nodes import Response
from apps.integrations.services.clients import clients_for
from apps.integrations.services.github_graphql_sync import sync_pull_requests
from apps.repositories.models import GitHubConnection, TrackedRepository
from apps.teams.models import Team
from apps.utils import clock
from tests.integrations.github.answers import NEWEST, a_list, paths_in, whole_document
from tests.integrations.services.scripted import ScriptedTransport
from tests.integrations.syncing import begin, claim

pytestmark = pytest.mark.django_db(transaction=True)
against_the_database = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
_numbers = count()

_PLAIN = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
_DATES = st.sampled_from(
    ["0000-01-01", "0001-01-01", "1969-12-31", "2016-12-31", "2999-01-01", "9999-12-31", "10000-01-01"]
).flatmap(lambda day: st.sampled_from([f"{day}T00:00:00Z", f"{day}T23:59:60Z", f"{day}T23:59:59.999999999-23:59", day]))
_TEXTS = st.text(alphabet="a5-\x00\ud800\U0001f600", max_size=5) | st.sampled_from(["x" * 3_000, "\U0001f600" * 700])
ODD = st.recursive(
    _PLAIN | _DATES | _TEXTS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_TEXTS, inner, max_size=2)
)

_DATES_OF_HEADERS = st.sampled_from(
    [
        "Thu, 01 Jan 2026 12:00:30 GMT",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Sat, 01 Jan 0100 00:00:00 +2359",
        "Thu, 99999999999999999999 Jan 2026 00:00:00 GMT",
    ]
)
_NUMBERS_OF_HEADERS = st.sampled_from(["0", "1", "-1", "5000", "-99999999999", "99999999999"])
_RESETS = st.sampled_from(["0", "1769817600", "253402300799", "253402300800", "-62135596800"])  # also the calendar's edges
_NO_LIMITS = st.integers(-(2**70), 2**70).map(str) | st.sampled_from(["", "many", "1.5", "60, 60"])
_LIMIT_HEADERS = ["retry-after", "date", *(f"x-ratelimit-{name}" for name in ("limit", "remaining", "used", "reset"))]
HEADERS = st.dictionaries(st.sampled_from(_LIMIT_HEADERS), _NO_LIMITS | _DATES_OF_HEADERS) | st.fixed_dictionaries(
    {
        "date": _DATES_OF_HEADERS,
        "x-ratelimit-limit": _NUMBERS_OF_HEADERS,
        "x-ratelimit-remaining": _NUMBERS_OF_HEADERS,
        "x-ratelimit-reset": _RESETS,
        "x-ratelimit-resource": st.sampled_from(["core", "graphql", "search", ""]),
    },
    optional={
        "retry-after": _NUMBERS_OF_HEADERS | _DATES_OF_HEADERS,
        "x-github-sso": st.text("=;,/:o", max_size=9),
    },
)


def _refusal(data: dict[str, Any], errors: list[object]) -> bytes:
    return json.dumps({**data, "errors": errors}).encode()


def _rest_refusal(message: object) -> bytes:
    return json.dumps({"message": message, "documentation_url": "https://docs.github.com"}).encode()


_ERRORS = st.fixed_dictionaries({}, optional=dict.fromkeys(("type", "message", "path", "extensions", "code"), ODD))
BODIES = st.one_of(
    st.sampled_from(
        [b"", b"<html>Whoa there!</html>", b'{"data"', b"null", b"[]", b'{"data": null}', b'{"data": {}}', b"\xff\xfe"]
    ),
    st.builds(_rest_refusal, ODD | st.sampled_from(["API rate limit exceeded", "Bad credentials"])),
    st.builds(
        _refusal, st.sampled_from([{}, {"data": None}, {"data": {"repository": None}}]), st.lists(_ERRORS, max_size=2)
    ),
)


def _ok(document: object) -> Response:
    return Response(status=200, headers={}, body=json.dumps(document).encode())


def _whole() -> dict[str, Any]:
    document = whole_document()
    document["data"]["repository"]["newest"] = {"nodes": [{"updatedAt": "2026-01-30T00:00:00Z"}]}
    return document


@pytest.fixture
def attempt() -> Iterator[Callable[..., None]]:
    """Make an attempt at a repository of its own, of which GraphQL's and REST's answers are given."""
    team = Team.objects.create(slug="bakers", name="Bakers")

    def make(*, page: Callable[[], Response], rest: Callable[[str], Response]) -> None:
        number = next(_numbers)
        connection = GitHubConnection.objects.create(  # with a lane that no other answer has closed
            team=team, account=f"api.github.com/ada-{number}", encrypted_token=b"", token_fingerprint=str(number)
        )
        name = f"octocat/hello-{number}"
        repository = TrackedRepository.objects.create(team=team, connection=connection, full_name=name)
        numbers = {"data": {"repository": {"pullRequests": a_list([{"number": 1}])}}}

        def graphql(request: dict[str, Any]) -> Response:
            return _ok(numbers) if request["operation"] == "PullRequestNumbers" else page()

        claimed, own = claim(begin(repository))
        transport = ScriptedTransport(graphql=graphql, rest=lambda: rest(name))
        with suppress(SyncError):
            sync_pull_requests(row=claimed, attempt=own, clients=clients_for(claimed, attempt=own, transport=transport))

    with clock.using(clock.SteppedClock(NEWEST)):
        yield make


def _described(name: str) -> dict[str, Any]:
    return {"id": 1, "full_name": name, "archived": False, "private": False, "fork": False}


@given(path=st.sampled_from(paths_in(_whole())), odd=ODD)
@against_the_database
def test_an_odd_value_anywhere_in_a_page_is_stored_or_an_error_of_ours(
    path: tuple[Any, ...], odd: object, attempt: Callable[..., None]
) -> None:
    """None is the database's, or Python's."""
    document = _whole()
    container: Any = document
    for key in path[:-1]:
        container = container[key]
    container[path[-1]] = odd
    attempt(page=lambda: _ok(document), rest=lambda name: _ok(_described(name)))


@given(key=st.sampled_from(sorted(_described(""))), odd=ODD)
@against_the_database
def test_an_odd_value_of_a_repository_is_stored_or_an_error_of_ours(
    key: str, odd: object, attempt: Callable[..., None]
) -> None:
    """As one of a page."""
    attempt(page=lambda: _ok(_whole()), rest=lambda name: _ok({**_described(name), key: odd}))


@given(status=st.integers(100, 599) | st.sampled_from([200, 202, 301, 403, 429, 502, 503]), headers=HEADERS, body=BODIES)
@against_the_database
def test_any_answer_in_place_of_the_page_is_an_error_of_ours(
    status: int, headers: dict[str, str], body: bytes, attempt: Callable[..., None]
) -> None:
    """Whatever it says of limits and of the time, which the account's lane keeps."""
    odd = Response(status=status, headers=headers, body=body, seconds=0.5)
    attempt(page=lambda: odd, rest=lambda name: _ok(_described(name)))
    attempt(page=lambda: _ok(_whole()), rest=lambda _name: odd)
