"""However an attempt ends, its row says so and what it cost, and the caller learns what follows."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, LiteralString

import psycopg
import psycopg.sql
import pytest
from django.conf import settings as configured
from django.db import connection
from pytest_django import Settings

from apps.github_simulator.testing import SimulatedGitHub, simulator
from apps.integrations.errors import AttemptDied, ServerError, Superseded, Unauthorized
from apps.integrations.models import RepoSync
from apps.integrations.runs import admission, attempts
from apps.integrations.runs.attempts import Attempt
from apps.integrations.services import sync_attempt
from apps.integrations.services.sync_attempt import Completed, End, Failed, Retrying, Unmarked, Waiting, attempt_sync
from apps.repositories.accounts import save_connection
from apps.repositories.models import TrackedRepository
from apps.utils import clock
from tests.acceptance.worker import wait_until
from tests.integrations.syncing import TOKEN, begin, claim, held, stored, tracked

NAME = "synthetic/repo-0"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def github() -> Iterator[SimulatedGitHub]:
    """Two pages of pull requests; no list of the first has more than a hundred members."""
    with simulator(synthetic=74) as simulated:
        yield simulated


@pytest.fixture
def row(github: SimulatedGitHub) -> RepoSync:
    """A row whose first attempt is to come."""
    return begin(tracked(github, NAME))


def _attempt(row: RepoSync) -> End:
    end = attempt_sync(*claim(row))
    row.refresh_from_db()
    return end


@contextmanager
def _interrupted_attempt(row: RepoSync, github: SimulatedGitHub) -> Iterator[list[End]]:
    """An attempt in a thread of its own, which has committed one of two pages when the block begins; how it ended."""
    github.add_faults({"fault": "delay", "match": {"operation": "PullRequests"}, "nth": 2, "delay_ms": 1_000})
    ends: list[End] = []

    def work() -> None:
        try:
            ends.append(attempt_sync(*claim(row)))
        finally:
            connection.close()

    attempt = threading.Thread(target=work)
    attempt.start()
    wait_until(lambda: RepoSync.objects.get(pk=row.pk).prs_done > 0)
    yield ends
    attempt.join(30)


def _on_the_server(statement: LiteralString | psycopg.sql.Composed, *values: Any) -> None:
    """Run a statement in another database than the tests'."""
    names = ("user", "password", "host", "port")
    parameters = {name: value for name, value in connection.get_connection_params().items() if name in names}
    with psycopg.connect(**parameters, dbname="postgres", autocommit=True) as server:
        server.execute(statement, values or None)


def _lose_connections() -> None:
    """What the database's restart does to those who are connected, but for this thread."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database(), pg_backend_pid()")
        ours = cursor.fetchone()
    _on_the_server("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> %s", *ours)


@contextmanager
def _no_new_connections() -> Iterator[None]:
    """The database takes none, as one that is starting up."""
    name = psycopg.sql.Identifier(connection.settings_dict["NAME"])
    change = psycopg.sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}")
    _on_the_server(change.format(name, psycopg.sql.Literal(False)))
    try:
        yield
    finally:
        _on_the_server(change.format(name, psycopg.sql.Literal(True)))


def test_a_complete_sync_says_how_many_pull_requests_there_are(row: RepoSync, github: SimulatedGitHub) -> None:
    """On the row and to the caller."""
    end = _attempt(row)
    assert isinstance(end, Completed)
    assert end.result.prs_synced == row.prs_done == 74
    assert (row.state, stored(row.repository)) == ("completed", held(github, NAME))


@pytest.mark.slow
def test_a_restarted_database_costs_an_attempt_and_nothing_more(
    row: RepoSync, github: SimulatedGitHub, settings: Settings
) -> None:
    """Every connection ends in the middle of it; the attempt is marked on a new one, and the next goes on at the cursor."""
    settings.SYNC_REQUEST_SECONDS = 2.0  # the lane that could not be left is free when its lease ends
    with _interrupted_attempt(row, github) as ends:
        _lose_connections()
    (end,) = ends
    assert isinstance(end, Retrying)
    row.refresh_from_db()
    assert (row.state, row.attempt, row.failures) == ("retrying", 1, 1)
    assert 0 < row.prs_done < 74
    assert isinstance(_attempt(row), Completed)
    assert (row.state, row.attempt, stored(row.repository)) == ("completed", 2, held(github, NAME))


def test_a_lost_connection_is_not_what_the_end_is_written_on(row: RepoSync, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server ended it in the middle of a statement; the attempt is marked on a new one."""

    def lose_connection(**_: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr(sync_attempt, "sync_pull_requests", lose_connection)
    assert isinstance(_attempt(row), Retrying)
    assert (row.state, row.failures, row.error_type) == ("retrying", 1, "OperationalError")


def test_an_error_that_stays_is_retried_and_then_fails(row: RepoSync, github: SimulatedGitHub) -> None:
    """Each attempt but the last says when another follows; all their requests stand on the row."""
    github.add_faults({"fault": "server_error", "match": {"operation": "PullRequests"}, "times": None})
    before = github.stats()["requests"]
    ends = [_attempt(row) for _ in range(6)]
    after = github.stats()["requests"]
    retries = [(end.failures, end.countdown) for end in ends if isinstance(end, Retrying)]
    assert retries == [(1, 2), (2, 4), (3, 8), (4, 16), (5, 32)]
    assert isinstance(ends[5], Failed)
    assert isinstance(ends[5].error, ServerError)
    assert (row.state, row.disposition, row.error_type, row.attempt) == ("failed", "failed", "server_error", 6)
    assert row.requests == sum(after.values()) - sum(before.values()) == 12


def test_a_committed_page_begins_the_count_of_failures_again(row: RepoSync, github: SimulatedGitHub) -> None:
    """As long as there is progress, a sync goes on."""
    github.add_faults({"fault": "server_error", "match": {"operation": "PullRequests", "continued": False}, "times": 3})
    github.add_faults({"fault": "server_error", "match": {"operation": "PullRequests", "continued": True}, "times": 1})
    ends = [_attempt(row) for _ in range(4)]
    assert [end.failures for end in ends if isinstance(end, Retrying)] == [1, 2, 3, 1]


def test_a_refused_token_is_not_tried_again(row: RepoSync, github: SimulatedGitHub) -> None:
    """It would be refused again; the row says what to do."""
    github.expire_token(TOKEN)
    end = _attempt(row)
    assert isinstance(end, Failed)
    assert isinstance(end.error, Unauthorized)
    assert (row.state, row.disposition, row.error_type, row.attempt) == ("failed", "forbidden", "unauthorized", 1)


CONTRADICTIONS = ["bad_credentials", "not_found", "sso", "ip_allow_list", "access_blocked"]


@pytest.mark.parametrize("fault", CONTRADICTIONS)
@pytest.mark.parametrize(
    "match", [{"operation": "PullRequests"}, {"endpoint": "/repos/{owner}/{repo}"}], ids=["GraphQL", "REST"]
)
def test_a_refusal_that_contradicts_what_was_known_is_asked_once_more(
    fault: str, match: dict[str, str], row: RepoSync, github: SimulatedGitHub
) -> None:
    """A server of GitHub's that is behind refuses what another has just given: one more request, and no lost repository."""
    TrackedRepository.objects.update(github_id=1)  # it was synced before
    github.add_faults({"fault": fault, "match": match})
    before = sum(github.stats()["requests"].values())
    assert isinstance(_attempt(row), Completed)
    assert (row.state, row.attempt, stored(row.repository)) == ("completed", 1, held(github, NAME))
    assert row.requests == sum(github.stats()["requests"].values()) - before


@pytest.mark.parametrize("fault", CONTRADICTIONS)
def test_a_refusal_that_is_said_twice_is_final(fault: str, row: RepoSync, github: SimulatedGitHub) -> None:
    """In the middle of a history, too, with what is stored kept."""
    github.add_faults({"fault": fault, "match": {"operation": "PullRequests"}, "nth": 2, "times": 2})
    assert isinstance(_attempt(row), Failed)
    assert (row.state, row.disposition) == ("failed", "gone" if fault == "not_found" else "forbidden")
    assert row.prs_done == 25


def test_a_repository_that_was_never_seen_is_looked_for_once(row: RepoSync, github: SimulatedGitHub) -> None:
    """Nothing contradicts it; the token was seen to work when it was connected."""
    github.add_faults({"fault": "not_found", "match": {"endpoint": "/repos/{owner}/{repo}"}})
    assert isinstance(_attempt(row), Failed)
    assert (row.disposition, row.requests) == ("gone", 1)


def test_a_token_that_is_replaced_meanwhile_costs_an_attempt(row: RepoSync, github: SimulatedGitHub) -> None:
    """The account was connected again and the old token revoked: the next attempt takes the new one."""
    claimed, own = claim(row)
    new = f"{TOKEN}2"
    github.add_token(new, account=github.account_of(TOKEN))
    used = claimed.repository.connection
    save_connection(team=used.team, api_url=used.api_url, account=used.account, token=new)
    github.expire_token(TOKEN)
    assert isinstance(attempt_sync(claimed, own), Retrying)
    assert isinstance(_attempt(row), Completed)
    assert (row.state, row.attempt, stored(row.repository)) == ("completed", 2, held(github, NAME))


def test_attempts_that_die_one_after_the_other_fail_in_the_end(row: RepoSync) -> None:
    """What kills a worker each time is not tried for ever: the sixth successor says so, and asks GitHub for nothing."""
    long_ago = clock.now() - timedelta(seconds=configured.SYNC_STALE_SECONDS + 1)
    RepoSync.objects.update(state="running", attempt=6, failures=5, alive_at=long_ago)
    attempts.bury_dead()
    end = _attempt(row)
    assert isinstance(end, Failed)
    assert isinstance(end.error, AttemptDied)
    assert (row.state, row.error_type, row.requests) == ("failed", "attempt_died", 0)


def test_an_attempt_after_one_that_died_goes_on(row: RepoSync) -> None:
    """As long as there were not too many in a row."""
    RepoSync.objects.update(state="running", attempt=5, failures=4, alive_at=clock.now() - timedelta(days=1))
    attempts.bury_dead()
    assert isinstance(_attempt(row), Completed)
    assert (row.state, row.failures, row.error_type) == ("completed", 0, "")


def test_an_attempt_that_was_let_begin_is_made_unless_the_one_before_died(row: RepoSync) -> None:
    """However often the repository has failed: whoever admitted it may have allowed more."""
    RepoSync.objects.update(failures=6, error_type=ServerError.error_type, state="retrying")
    assert isinstance(_attempt(row), Completed)


def test_a_killed_attempt_s_cost_is_on_its_row_up_to_the_last_page(row: RepoSync, github: SimulatedGitHub) -> None:
    """Written with the page: whoever is killed says nothing at the end. It was about to store the closing query's."""

    def killed() -> None:
        raise KeyboardInterrupt

    before = sum(github.stats()["requests"].values())
    (own,) = admission.admit()
    claimed = attempts.claim(own, traceparent=None)
    assert claimed is not None
    with pytest.raises(KeyboardInterrupt):
        attempt_sync(claimed, own, send_admitted=killed)
    row.refresh_from_db()
    assert (row.prs_done, row.requests) == (74, sum(github.stats()["requests"].values()) - before - 1)


@pytest.mark.parametrize(("waiting", "ready", "sent"), [(0, 2, 1), (1, 2, 2), (1, 3, 1)])
def test_who_takes_a_worker_sends_for_another_if_as_many_waited_as_may(
    waiting: int, ready: int, sent: int, row: RepoSync, github: SimulatedGitHub, settings: Settings
) -> None:
    """They could not be admitted before; whoever has asked GitHub all it needs sends for its successor in any case."""
    settings.SYNC_READY_ATTEMPTS = ready
    (own,) = admission.admit()
    claimed = attempts.claim(own, traceparent=None)
    assert claimed is not None
    for number in range(waiting):
        begin(tracked(github, NAME, slug=f"others-{number}", token=f"token-{number}"))
    assert len(admission.admit()) == waiting
    calls: list[int] = []
    end = attempt_sync(claimed, own, send_admitted=lambda: calls.append(1))
    assert isinstance(end, Completed)
    assert end.has_handed_over
    assert len(calls) == sent


def test_an_attempt_that_stands_back_queues_again(row: RepoSync, github: SimulatedGitHub, settings: Settings) -> None:
    """Behind whom it has left its place to, at its cursor, with its cost and without a failure."""
    settings.SYNC_SLICE_SECONDS = 0.0
    other = begin(tracked(github, NAME, slug="smiths"))
    RepoSync.objects.filter(pk=row.pk).update(admitted_at=clock.now())
    before = sum(github.stats()["requests"].values())
    end = _attempt(row)
    assert isinstance(end, Waiting)
    assert (row.state, row.due_at <= clock.now(), row.failures, row.prs_done) == ("queued", True, 0, 25)
    assert row.requests == sum(github.stats()["requests"].values()) - before
    assert [attempt.repo_sync_id for attempt in admission.admit()] == [other.pk]
    other.refresh_from_db()
    assert (other.state, other.requests) == ("queued", 0)


def test_a_parked_attempt_is_free_of_its_worker_and_has_its_cost(row: RepoSync, github: SimulatedGitHub) -> None:
    """The row says for what it waits and until when; nobody starts it before, and no failure is counted."""
    github.add_faults({"fault": "primary_limit", "match": {"operation": "PullRequests"}, "nth": 2, "reset_in": 600})
    before = github.stats()["requests"]
    end = _attempt(row)
    after = github.stats()["requests"]
    assert end == Waiting(row.due_at)
    assert (row.state, row.wait_reason, row.failures, row.prs_done) == ("waiting", "primary", 0, 25)
    assert row.requests == sum(after.values()) - sum(before.values())
    assert timedelta(minutes=9) < row.due_at - clock.now() < timedelta(minutes=11)
    assert admission.admit() == []
    with clock.using(clock.SteppedClock(row.due_at)):
        assert admission.admit() == [Attempt(row.pk, 2)]


def test_an_attempt_that_was_overtaken_marks_nothing(row: RepoSync) -> None:
    """Its successor says how the sync went."""
    claimed, own = claim(row)
    RepoSync.objects.update(attempt=2)
    with pytest.raises(Superseded):
        attempt_sync(claimed, own)
    row.refresh_from_db()
    assert (row.state, row.attempt, row.prs_done, row.error_type) == ("running", 2, 0, "")


def test_an_end_that_the_database_does_not_take_is_left_to_the_sweep(row: RepoSync, github: SimulatedGitHub) -> None:
    """The database is down for longer than the attempt: its row shows no more signs of life."""
    with _interrupted_attempt(row, github) as ends, _no_new_connections():
        _lose_connections()
        wait_until(lambda: bool(ends))
    (end,) = ends
    assert isinstance(end, Unmarked)
    row.refresh_from_db()
    assert (row.state, row.attempt, row.failures) == ("running", 1, 0)
    with clock.using(clock.SteppedClock(clock.now() + timedelta(seconds=configured.SYNC_STALE_SECONDS + 1))):
        attempts.bury_dead()
        assert admission.admit() == [Attempt(row.pk, 2)]
