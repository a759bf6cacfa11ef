"""A queued repository's place is said in the same words wherever somebody looks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_django import Settings

from apps.console.results import results_of
from apps.console.terminal.standing import state_of
from apps.integrations.models import Admission, ApiLane, PipelineRun, RepoSync
from apps.integrations.onboarding_pipeline import start_run
from apps.integrations.runs import admission, attempts
from apps.integrations.runs.attempts import Attempt
from apps.integrations.runs.queue import queues_of, tell_places, tell_waiting, waits_of
from apps.repositories.models import GitHubConnection, TrackedRepository
from apps.teams.models import Team
from apps.utils import clock

pytestmark = pytest.mark.django_db


def _rows(slug: str, *names: str, account: str = "github.com/one", share: int = 1) -> list[RepoSync]:
    team = Team.objects.create(slug=slug, name=slug.title(), share=share)
    connected = GitHubConnection.objects.create(team=team, account=account, encrypted_token=b"")
    tracked = [TrackedRepository.objects.create(team=team, connection=connected, full_name=name) for name in names]
    return list(start_run(team=team, repositories=tracked, since=None).repo_syncs.order_by("pk"))


def _places() -> dict[str, str]:
    rows = list(RepoSync.objects.select_related("run", "connection", "repository").order_by("pk"))
    tell_places(rows)
    return {row.repository.full_name: state_of(row) for row in rows}


def test_a_queued_repository_says_behind_what_it_stands(time: clock.SteppedClock) -> None:
    """Its number in its account's queue, in which teams take turns, and who is at work there."""
    _rows("bakers", "b/1", "b/2", "b/3")
    time.sleep(1)
    _rows("smiths", "s/1")
    _rows("others", "o/1", account="github.com/two")
    (first, _) = admission.admit()
    assert _places()["b/1"] == "queued: the next free worker takes it"
    assert attempts.claim(first, traceparent=None)
    held = "for github.com/one, where b/1 of Bakers is at work"
    assert _places() == {
        "b/1": "syncing",
        "b/2": f"queued: number 1 {held}",
        "b/3": f"queued: number 3 {held}",
        "s/1": f"queued: number 2 {held}",
        "o/1": "queued: the next free worker takes it",
    }


def test_an_account_s_queue_is_its_first_and_how_many_follow() -> None:
    """First who is admitted and waits for a worker; who is at work is in no queue, nor is an account that has none."""
    _rows("bakers", "b/1", "b/2", "b/3", "b/4")
    _rows("smiths", "s/1", "s/2", account="github.com/two")
    _rows("others", "o/1", account="github.com/three")
    (_, *admitted) = admission.admit()
    for each in admitted:
        assert attempts.claim(each, traceparent=None)
    accounts = ["github.com/one", "github.com/two", "github.com/three"]
    queues = queues_of(accounts, most=2, sees=lambda _team_id: True)
    shown = {
        account: ([(row.repository.full_name, state_of(row)) for row in queue.first], queue.more)
        for account, queue in queues.items()
    }
    assert shown == {
        "github.com/one": (
            [
                ("b/1", "queued: the next free worker takes it"),
                ("b/2", "queued: number 1 for github.com/one, where b/1 of Bakers is at work"),
            ],
            2,
        ),
        "github.com/two": ([("s/2", "queued: number 1 for github.com/two, where s/1 of Smiths is at work")], 0),
    }


def test_a_blocked_account_says_until_when() -> None:
    """Its queue stands still for all."""
    (row, _) = _rows("bakers", "b/1", "b/2")
    until = clock.now() + timedelta(minutes=5)
    ApiLane.objects.create(account="github.com/one", blocked_until=until, blocked_reason="secondary")
    waits = f"which waits for GitHub's secondary limit until {until:%H:%M:%S}Z"
    assert _places() == {
        "b/1": f"queued: number 1 for github.com/one, {waits}",
        "b/2": f"queued: number 2 for github.com/one, {waits}",
    }
    assert [result.outcome for result in results_of(row.run)] == ["queued", "queued"]


def _waits(attempt: Attempt) -> list[tuple[str, float, float, str | None, str | None]]:
    """What the admitted attempt waited for: why, from and to how many seconds after it was due, behind whom, which limit."""
    row = RepoSync.objects.select_related("run", "connection", "admission").get(pk=attempt.repo_sync_id)
    return [
        (
            wait.reason,
            (wait.started_at - row.due_at).total_seconds(),
            (wait.ended_at - row.due_at).total_seconds(),
            None if wait.behind is None else wait.behind.repository.full_name,
            wait.limit,
        )
        for wait in waits_of(row)
    ]


@pytest.mark.parametrize(("milliseconds", "waited"), [(0, []), (9, []), (10, [("start", 0.0, 0.01, None, None)])])
def test_who_is_admitted_within_10_ms_has_not_waited(
    milliseconds: int, waited: list[object], time: clock.SteppedClock
) -> None:
    """Nor has one whose message is sent again waited another time."""
    _rows("bakers", "b/1")
    time.sleep(milliseconds / 1000)
    (first,) = admission.admit()
    assert _waits(first) == waited
    Admission.objects.update(sent_at=clock.now() + timedelta(minutes=5))
    assert _waits(first) == []


def test_a_wait_for_another_attempt_with_the_account_is_said_to_be_one(time: clock.SteppedClock) -> None:
    """Also when that one has ended."""
    _rows("bakers", "b/1", "b/2")
    (first,) = admission.admit()
    time.sleep(1)
    assert attempts.claim(first, traceparent=None)
    time.sleep(5)
    attempts.complete(first, disposition=RepoSync.Disposition.SYNCED)
    (second,) = admission.admit()
    assert _waits(second) == [("account", 0.0, 6.0, "b/1", None)]


def test_who_was_at_work_before_a_repository_was_due_kept_it_from_nothing(time: clock.SteppedClock) -> None:
    """Though it was the last that worked with the account."""
    (_, second) = _rows("bakers", "b/1", "b/2")
    (attempt,) = admission.admit()
    assert attempts.claim(attempt, traceparent=None)
    attempts.complete(attempt, disposition=RepoSync.Disposition.SYNCED)
    time.sleep(60)
    RepoSync.objects.filter(pk=second.pk).update(due_at=clock.now())
    time.sleep(5)
    (attempt,) = admission.admit()
    assert attempt.repo_sync_id == second.pk
    assert _waits(attempt) == [("unnoticed", 0.0, 5.0, None, None)]


def test_a_repository_that_stood_back_waits_behind_nobody_but_others(time: clock.SteppedClock, settings: Settings) -> None:
    """It was the last that worked with its account itself, until it queues: a worker did not lack for that."""
    settings.SYNC_READY_ATTEMPTS = 2
    _rows("bakers", "b/1")
    (first,) = admission.admit()
    assert attempts.claim(first, traceparent=None)
    attempts.stand_back(first)
    time.sleep(3)
    (again,) = admission.admit()
    assert _waits(again) == [("unnoticed", 0.0, 3.0, None, None)]


def test_another_account_s_limit_keeps_nobody_waiting(time: clock.SteppedClock) -> None:
    """Nor does it stand before one's own."""
    _limited({"blocked_until": 60, "blocked_reason": "secondary"}, account="github.com/a-first")
    _rows("bakers", "b/1")
    _limited({"blocked_until": 10, "blocked_reason": "primary"})
    time.sleep(10)
    (first,) = admission.admit()
    assert _waits(first) == [("limit", 0.0, 10.0, None, "primary")]


_LIMITS = [
    ({"blocked_until": 30, "blocked_reason": "secondary"}, "secondary", 30.0),
    ({"graphql_remaining": 0, "graphql_reset_at": 30}, "primary", 31.0),
    ({"core_remaining": 0, "core_reset_at": 30}, "primary", 31.0),
]


def _limited(limit: dict[str, int | str], account: str = "github.com/one") -> None:
    """Let a limit of the account's hold until so many seconds from now."""
    values = {
        name: clock.now() + timedelta(seconds=value) if isinstance(value, int) and value else value
        for name, value in limit.items()
    }
    ApiLane.objects.update_or_create(account=account, defaults=values)


@pytest.mark.parametrize(("limit", "reason", "held"), _LIMITS, ids=["blocked", "points", "requests"])
def test_a_wait_for_a_limit_is_said_to_be_one(
    limit: dict[str, int | str], reason: str, held: float, time: clock.SteppedClock
) -> None:
    """Of whatever kind, for as long as it held; what followed was that nobody looked."""
    _rows("bakers", "b/1")
    _limited(limit)
    assert admission.admit() == []
    time.sleep(34)
    (first,) = admission.admit()
    assert _waits(first) == [("limit", 0.0, held, None, reason), ("unnoticed", held, 34.0, None, None)]


@pytest.mark.parametrize(("limit", "reason", "held"), _LIMITS, ids=["blocked", "points", "requests"])
def test_who_queues_behind_one_that_meets_a_limit_waits_for_both(
    limit: dict[str, int | str], reason: str, held: float, time: clock.SteppedClock
) -> None:
    """First for that one, and from when it was parked for the limit, though the repository has never asked."""
    _rows("bakers", "b/1", "b/2")
    (first,) = admission.admit()
    assert attempts.claim(first, traceparent=None)
    time.sleep(5)
    _limited(limit)
    attempts.park(first, until=clock.now() + timedelta(hours=1), reason=reason)
    assert admission.admit() == []
    time.sleep(held)
    (second,) = admission.admit()
    assert second.repo_sync_id != first.repo_sync_id
    assert _waits(second) == [("account", 0.0, 5.0, "b/1", None), ("limit", 5.0, 5.0 + held, None, reason)]


@pytest.mark.parametrize("limit", [each[0] for each in _LIMITS], ids=["blocked", "points", "requests"])
def test_a_limit_that_was_over_while_another_asked_kept_nobody_waiting(
    limit: dict[str, int | str], time: clock.SteppedClock
) -> None:
    """That one waited for it in place, and went on."""
    _rows("bakers", "b/1", "b/2")
    (first,) = admission.admit()
    assert attempts.claim(first, traceparent=None)
    _limited(limit)
    time.sleep(40)
    attempts.complete(first, disposition=RepoSync.Disposition.SYNCED)
    (second,) = admission.admit()
    assert _waits(second) == [("account", 0.0, 40.0, "b/1", None)]


def test_a_wait_for_workers_is_said_to_be_one(time: clock.SteppedClock, settings: Settings) -> None:
    """Where as many wait for one as may; where it can be proven neither that they did nor that not, that is said."""
    settings.SYNC_READY_ATTEMPTS = 1
    _rows("bakers", "b/1")
    _rows("smiths", "s/1", account="github.com/two")
    (first,) = admission.admit()
    time.sleep(5)
    assert attempts.claim(first, traceparent=None)
    (second,) = admission.admit()
    assert _waits(second) == [("workers", 0.0, 5.0, None, None)]
    settings.SYNC_READY_ATTEMPTS = 2
    assert _waits(second) == [("unknown", 0.0, 5.0, None, None)]
    settings.SYNC_READY_ATTEMPTS = 3
    assert _waits(second) == [("unnoticed", 0.0, 5.0, None, None)]


@pytest.mark.parametrize(
    ("rows", "standing"),
    [
        ([("queued", ""), ("queued", "")], "waiting"),
        ([("running", ""), ("queued", "")], "running"),
        ([("running", "lane"), ("waiting", "primary")], "waiting"),
        ([("running", "lane"), ("running", "")], "running"),
        ([("retrying", ""), ("completed", "")], "waiting"),
        ([("completed", ""), ("failed", "")], "running"),
    ],
)
def test_a_run_waits_if_nothing_of_it_works(rows: list[tuple[str, str]], standing: str) -> None:
    """Whatever another run does; one that has no repository left to sync is at its next phase, and works."""
    ours, others = _rows("bakers", "b/1", "b/2"), _rows("smiths", "s/1", "s/2")
    for row, (state, wait_reason) in zip(ours, rows, strict=True):
        RepoSync.objects.filter(pk=row.pk).update(state=state, wait_reason=wait_reason)
    RepoSync.objects.filter(pk=others[0].pk).update(state="running")
    runs = [ours[0].run, others[0].run]
    tell_waiting(runs)
    assert [run.standing for run in runs] == [standing, "running"]
    RepoSync.objects.filter(pk=others[0].pk).update(wait_reason="secondary")
    tell_waiting(runs)
    assert [run.standing for run in runs] == [standing, "waiting"]


@pytest.mark.parametrize(
    ("state", "later", "word"),
    [
        ("queued", False, "queued"),
        ("running", False, "syncing"),
        ("retrying", True, "backing off"),
        ("retrying", False, "queued"),
        ("waiting", True, "waiting"),
        ("waiting", False, "queued"),
        ("failed", False, "failed"),
    ],
)
def test_each_state_has_one_word(state: str, later: bool, word: str) -> None:
    """One that is due again queues, whatever it has waited for."""
    due_at = clock.now() + timedelta(seconds=60 if later else 0)
    assert RepoSync(state=state, due_at=due_at).standing == word


def test_a_run_whose_start_no_worker_has_taken_waits_for_that(time: clock.SteppedClock) -> None:
    """For however long, if nobody anywhere was at work meanwhile; otherwise somebody could have looked, and did not."""
    _rows("bakers", "b/1")
    RepoSync.objects.update(due_at=clock.now())
    PipelineRun.objects.update(started_at=clock.now())
    time.sleep(30)
    (first,) = admission.admit()
    assert _waits(first) == [("start", 0.0, 30.0, None, None)]
    _rows("smiths", "s/1", account="github.com/two")
    RepoSync.objects.exclude(pk=first.repo_sync_id).update(state="running", alive_at=clock.now())
    assert _waits(first) == [("unnoticed", 0.0, 30.0, None, None)]
