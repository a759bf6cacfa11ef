"""What may begin is admitted, in a fair order, and nothing twice."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise

import pytest
from django.conf import settings
from django.db import connection
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from apps.integrations import onboarding_pipeline as pipeline
from apps.integrations.errors import ServerError
from apps.integrations.models import Admission, ApiLane, PipelineRun, RepoSync
from apps.integrations.runs import admission, attempts
from apps.integrations.runs.admission import Missed
from apps.integrations.runs.attempts import Attempt
from apps.repositories.models import GitHubConnection, TrackedRepository
from apps.teams.models import Team
from apps.utils import clock

STALE = float(settings.SYNC_STALE_SECONDS)
SLICE = timedelta(seconds=settings.SYNC_SLICE_SECONDS)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def time() -> Iterator[clock.SteppedClock]:
    """Time stands still until somebody sleeps."""
    stepped = clock.SteppedClock(clock.now())
    with clock.using(stepped):
        yield stepped


def _rows(slug: str, account: str, count: int, *, share: int = 1, backfill: bool = False) -> list[RepoSync]:
    """The rows of a new run over so many new repositories."""
    team, _ = Team.objects.get_or_create(slug=slug, defaults={"name": slug, "share": share})
    connected, _ = GitHubConnection.objects.get_or_create(team=team, account=account, defaults={"encrypted_token": b""})
    before = TrackedRepository.objects.count()
    tracked = TrackedRepository.objects.bulk_create(
        TrackedRepository(team=team, connection=connected, full_name=f"o/{before + number}") for number in range(count)
    )
    run = pipeline.start_run(team=team, repositories=tracked, since=None)
    if backfill:
        PipelineRun.objects.filter(pk=run.pk).update(kind=PipelineRun.Kind.BACKFILL)
        run.repo_syncs.update(is_backfill=True)
    return list(run.repo_syncs.order_by("pk"))


def _admitted() -> list[int]:
    """The rows that are admitted now, and begun by a worker at once."""
    found = admission.admit()
    for each in found:
        assert attempts.claim(each, traceparent=None) is not None
    return [each.repo_sync_id for each in found]


def _own(row: RepoSync | int) -> Attempt:
    known = RepoSync.objects.get(pk=row if isinstance(row, int) else row.pk)
    return Attempt(known.pk, known.attempt)


def _complete(row: RepoSync | int) -> None:
    attempts.complete(_own(row), disposition=RepoSync.Disposition.SYNCED)


def _wanted(row: RepoSync, *, at_work: timedelta) -> bool:
    return admission.is_wanted(
        RepoSync.objects.select_related("run", "repository__connection").get(pk=row.pk), at_work=at_work
    )


def test_one_attempt_of_an_account_asks_and_its_successor_begins_when_it_hands_over() -> None:
    """The oldest first; of two in flight one writes, and a third waits until that has ended."""
    first, second, third = _rows("bakers", "github.com/one", 3)
    other = _rows("bakers", "github.com/two", 1)[0]
    assert _admitted() == [first.pk, other.pk]
    assert _admitted() == []
    admission.hand_over(_own(first))
    assert _admitted() == [second.pk]
    admission.hand_over(_own(second))
    assert _admitted() == []
    _complete(first)
    admission.hand_over(_own(second))
    assert _admitted() == [third.pk]


def test_with_one_attempt_an_account_nothing_is_handed_over(settings: Settings) -> None:
    """The next begins when it has ended."""
    settings.SYNC_ATTEMPTS_PER_ACCOUNT = 1
    first, second = _rows("bakers", "github.com/one", 2)
    assert _admitted() == [first.pk]
    admission.hand_over(_own(first))
    assert _admitted() == []
    _complete(first)
    assert _admitted() == [second.pk]


def test_a_message_that_was_not_admitted_begins_nothing() -> None:
    """As one of an earlier version, or of an attempt that stood back."""
    first, second = _rows("bakers", "github.com/one", 2)
    assert _admitted() == [first.pk]
    assert attempts.claim(Attempt(second.pk, 1), traceparent=None) is None


@pytest.mark.parametrize("end", ["retry", "park", "stand back", "fail", "complete", "die"])
def test_however_an_attempt_ends_its_place_is_free(end: str, time: clock.SteppedClock) -> None:
    """For the next row of its account; the row itself is admitted again when it is due, before those behind it."""
    first, second, third = _rows("bakers", "github.com/one", 3)
    assert _admitted() == [first.pk]
    own, soon = _own(first), clock.now() + timedelta(seconds=5)
    match end:
        case "retry":
            attempts.release_for_retry(own, ServerError("no"), failures=1, countdown=5.0)
        case "park":
            attempts.park(own, until=soon, reason="primary")
        case "stand back":
            attempts.stand_back(own)
        case "fail":
            attempts.fail(own, ServerError("no"), disposition=RepoSync.Disposition.FAILED)
        case "complete":
            attempts.complete(own, disposition=RepoSync.Disposition.SYNCED)
        case "die":
            time.sleep(STALE + 1)
            attempts.bury_dead()
    goes_first = first if end in ("stand back", "die") else second
    assert _admitted() == [goes_first.pk]
    time.sleep(6)
    _complete(goes_first)
    followers = {"stand back": second, "die": second, "retry": first, "park": first}
    assert _admitted() == [followers.get(end, third).pk]


def test_a_parked_account_admits_nothing_and_holds_no_worker(time: clock.SteppedClock) -> None:
    """Neither while it is blocked nor while a budget is used up, of whatever resource; others are not concerned."""
    _rows("bakers", "github.com/one", 3)
    other = _rows("smiths", "github.com/two", 1)[0]
    soon = clock.now() + timedelta(seconds=60)
    lane = ApiLane.objects.create(account="github.com/one", blocked_until=soon)
    assert _admitted() == [other.pk]
    for budget in ({"graphql_remaining": 0, "graphql_reset_at": soon}, {"core_remaining": 0, "core_reset_at": soon}):
        ApiLane.objects.filter(pk=lane.pk).update(**{"blocked_until": None, "graphql_remaining": None, **budget})
        assert _admitted() == []
    ApiLane.objects.update(core_remaining=None, graphql_remaining=0, graphql_reset_at=soon)
    time.sleep(60)
    assert _admitted() == []  # GitHub's clock and ours differ
    time.sleep(1)
    assert len(_admitted()) == 1


def test_recent_runs_go_before_backfills_whoever_came_first() -> None:
    """Of any team with that account."""
    old = _rows("bakers", "github.com/one", 2, backfill=True)
    recent = _rows("smiths", "github.com/one", 1)
    assert _admitted() == [recent[0].pk]
    _complete(recent[0])
    assert _admitted() == [old[0].pk]


def test_a_backfill_stands_back_at_once_for_a_recent_run_of_its_account() -> None:
    """And for nothing else; a recent run does not."""
    (backfill, _) = _rows("bakers", "github.com/one", 2, backfill=True)
    _admitted()
    _rows("bakers", "github.com/two", 1)
    assert not _wanted(backfill, at_work=timedelta())
    (recent, behind) = _rows("bakers", "github.com/one", 2)
    assert _wanted(backfill, at_work=timedelta())
    attempts.stand_back(_own(backfill))
    assert recent.pk in _admitted()
    assert not _wanted(recent, at_work=2 * SLICE)
    RepoSync.objects.filter(pk=behind.pk).update(due_at=clock.now() + SLICE)
    _complete(recent)
    assert _admitted() == [backfill.pk]
    assert not _wanted(backfill, at_work=SLICE)  # what is not due yet wants nothing


def test_after_its_slice_an_attempt_stands_back_for_another_team_of_its_account(time: clock.SteppedClock) -> None:
    """Which is admitted then, though the one that stands back has the older row."""
    (big, _) = _rows("bakers", "github.com/one", 2)
    _admitted()
    time.sleep(1)
    (other,) = _rows("smiths", "github.com/one", 1)
    assert not _wanted(big, at_work=SLICE / 2)
    assert _wanted(big, at_work=SLICE)
    time.sleep(1)
    attempts.stand_back(_own(big))
    assert _admitted() == [other.pk]
    _complete(other)
    assert _admitted() == [big.pk]


def test_after_its_slice_an_attempt_leaves_its_worker_to_one_that_waits(time: clock.SteppedClock) -> None:
    """A recent run's to a recent run's, for its queue may have workers of its own."""
    (big,) = _rows("bakers", "github.com/one", 1)
    _admitted()
    _rows("bakers", "github.com/two", 1, backfill=True)
    assert len(admission.admit()) == 1
    time.sleep(10)
    assert not _wanted(big, at_work=SLICE)
    _rows("smiths", "github.com/three", 1)
    assert len(admission.admit()) == 1
    assert not _wanted(big, at_work=SLICE)  # one that was admitted just now need not wait long
    time.sleep(1)
    assert not _wanted(big, at_work=SLICE)
    time.sleep(0.001)
    assert _wanted(big, at_work=SLICE)
    assert not _wanted(big, at_work=SLICE / 2)


def test_few_messages_wait_for_a_worker_and_each_beginning_admits_the_next(settings: Settings) -> None:
    """Rows are a fair queue, Celery's are first in, first out; and backfills do not take the places of recent runs."""
    settings.SYNC_READY_ATTEMPTS = 2
    for number in range(4):
        _rows("bakers", f"github.com/old-{number}", 1, backfill=True)
    assert len(admission.admit()) == 2
    for number in range(4):
        _rows("bakers", f"github.com/new-{number}", 1)
    ready = admission.admit()
    assert len(ready) == 2
    assert admission.admit() == []
    assert attempts.claim(ready[0], traceparent=None) is not None
    assert len(admission.admit()) == 1


def test_a_lost_message_is_sent_again_after_a_while(time: clock.SteppedClock) -> None:
    """By one of two sweeps, and again when that much time has passed; not once a worker has begun, nor before it is sent."""
    (row,) = _rows("bakers", "github.com/one", 1)
    (first,) = admission.admit()
    time.sleep(STALE + 1)
    assert admission.lost() == []
    admission.sent(first)
    sent_at = clock.now()
    time.sleep(STALE)
    assert admission.lost() == []
    time.sleep(1)
    found_at = clock.now()
    assert [admission.lost(), admission.lost()] == [[Missed(first, sent_at, "lost")], []]
    time.sleep(STALE + 1)
    assert admission.lost() == [Missed(Attempt(row.pk, 1), found_at, "lost")]
    assert attempts.claim(first, traceparent=None) is not None
    time.sleep(STALE + 1)
    assert admission.lost() == []


def test_what_could_not_be_sent_is_lost_at_once(time: clock.SteppedClock) -> None:
    """It was never on its way, and counts from its admission; the other account's is."""
    _rows("bakers", "github.com/one", 1)
    _rows("smiths", "github.com/two", 1)
    first, second = admission.admit()
    admitted_at = clock.now()
    admission.sent(second)
    time.sleep(1)
    admission.not_sent(first)
    assert admission.lost() == [Missed(first, admitted_at, "unsent")]


def test_what_nobody_has_sent_is_sent_within_seconds(time: clock.SteppedClock) -> None:
    """Whoever admitted it died; what was sent, or has begun, is none of that."""
    rows = (
        _rows("bakers", "github.com/one", 1),
        _rows("smiths", "github.com/two", 1),
        _rows("tailors", "github.com/three", 1),
    )
    first, second, third = admission.admit()
    admitted_at = clock.now()
    assert len(rows) == 3
    admission.sent(second)
    assert attempts.claim(third, traceparent=None) is not None
    assert admission.unsent() == []
    time.sleep(3)
    assert admission.unsent() == [Missed(first, admitted_at, "unsent")]
    admission.sent(first)
    assert admission.unsent() == []


def _admission(attempt: Attempt) -> Admission:
    return Admission.objects.get(repo_sync=attempt.repo_sync_id)


def test_what_is_noted_of_a_message_is_noted_of_its_attempt_alone(time: clock.SteppedClock) -> None:
    """That it was sent, could not be sent, or was lost, and when; the one beside it is as it was."""
    _rows("bakers", "github.com/one", 1)
    _rows("smiths", "github.com/two", 1)
    first, second = admission.admit()
    assert [_admission(each).sent_at for each in (first, second)] == [None, None]
    time.sleep(1)
    admission.sent(Attempt(second.repo_sync_id, 2))  # of another attempt
    admission.sent(first)
    assert [_admission(each).sent_at for each in (first, second)] == [clock.now(), None]
    admission.sent(second)
    assert admission.lost() == []
    time.sleep(1)
    admission.not_sent(first)
    assert _admission(second).sent_at == clock.now() - timedelta(seconds=1)
    assert [each.attempt for each in admission.lost()] == [first]
    assert [_admission(each).sent_at for each in (first, second)] == [clock.now(), clock.now() - timedelta(seconds=1)]


def test_whoever_has_something_to_send_has_two_seconds_for_it(time: clock.SteppedClock) -> None:
    """At their end it may still be under way; what is older goes first."""
    _rows("bakers", "github.com/one", 1)
    (first,) = admission.admit()
    time.sleep(2)
    assert admission.unsent() == []
    _rows("smiths", "github.com/two", 1)
    (second,) = admission.admit()
    time.sleep(0.001)
    assert [each.attempt for each in admission.unsent()] == [first]
    time.sleep(2)
    assert [each.attempt for each in admission.unsent()] == [first, second]


def test_what_is_admitted_says_when_and_what_is_not_says_nothing(time: clock.SteppedClock) -> None:
    """On its row, by which its account's and its team's next turn is found, and among the admissions."""
    first, second = _rows("bakers", "github.com/one", 2)
    time.sleep(5)
    assert admission.admit() == [Attempt(first.pk, 1)]
    found = RepoSync.objects.order_by("pk").values_list("pk", "admitted_at", "attempt", "state")
    assert list(found) == [(first.pk, clock.now(), 0, "queued"), (second.pk, None, 0, "queued")]
    (admitted,) = Admission.objects.values("repo_sync_id", "attempt", "account", "place", "admitted_at", "sent_at")
    assert admitted == {
        "repo_sync_id": first.pk,
        "attempt": 1,
        "account": "github.com/one",
        "place": 1,
        "admitted_at": clock.now(),
        "sent_at": None,
    }


def test_what_waits_for_a_worker_is_counted_by_its_kind(settings: Settings) -> None:
    """Recent runs and backfills may each have workers of their own; who has begun waits no more."""
    settings.SYNC_READY_ATTEMPTS = 3
    for number in range(2):
        _rows("bakers", f"github.com/new-{number}", 1)
    (backfill,) = _rows("bakers", "github.com/old", 1, backfill=True)
    first, second, _ = admission.admit()
    assert [admission.ready(is_backfill=is_backfill) for is_backfill in (False, True)] == [2, 1]
    recent = RepoSync.objects.get(pk=second.repo_sync_id)
    assert [admission.is_short_of_workers(row) for row in (recent, backfill)] == [True, False]
    assert attempts.claim(first, traceparent=None) is not None
    assert [admission.ready(is_backfill=is_backfill) for is_backfill in (False, True)] == [1, 1]
    assert not admission.is_short_of_workers(recent)


def test_an_attempt_hands_its_own_place_over_for_the_first_that_is_free(settings: Settings) -> None:
    """Of its own account; one that writes already keeps the place that it has, and so does one without a free place."""
    settings.SYNC_ATTEMPTS_PER_ACCOUNT = 3
    rows = _rows("bakers", "github.com/one", 4)
    _rows("smiths", "github.com/two", 2)

    def places(account: str) -> list[int]:
        return list(Admission.objects.filter(account=account).order_by("pk").values_list("place", flat=True))

    _admitted()
    assert not admission.hand_over(Attempt(rows[0].pk, 2))  # no attempt of this account
    assert places("github.com/one") == [1]
    assert admission.hand_over(_own(rows[0]))
    assert (places("github.com/one"), places("github.com/two")) == ([2], [1])
    assert not admission.hand_over(_own(rows[0]))
    assert _admitted() == [rows[1].pk]
    assert places("github.com/one") == [2, 1]
    assert admission.hand_over(_own(rows[1]))
    assert _admitted() == [rows[2].pk]
    assert not admission.hand_over(_own(rows[2]))
    assert (places("github.com/one"), places("github.com/two")) == ([2, 3, 1], [1])
    _complete(rows[0])
    assert admission.hand_over(_own(rows[2]))
    assert (places("github.com/one"), places("github.com/two")) == ([3, 2], [1])


def test_a_run_that_is_called_off_frees_its_places_and_no_others() -> None:
    """Neither another run's of the same team nor those of another."""
    (row,) = _rows("bakers", "github.com/one", 1)
    (beside,) = _rows("bakers", "github.com/two", 1)
    (other,) = _rows("smiths", "github.com/three", 1)
    assert len(admission.admit()) == 3
    admission.withdraw_run(row.run)
    assert set(Admission.objects.values_list("repo_sync", flat=True)) == {beside.pk, other.pk}


@pytest.mark.parametrize("state", ["waiting", "retrying", "queued"])
def test_what_is_not_due_or_of_a_run_that_has_ended_is_not_admitted(state: str, time: clock.SteppedClock) -> None:
    """It is at the moment it is due; and what an attempt is at work on, or has ended, never is."""
    (row,) = _rows("bakers", "github.com/one", 1)
    for number, at_work in enumerate(["running", "completed", "failed", "cancelled"]):
        (other,) = _rows("smiths", f"github.com/other-{number}", 1)
        RepoSync.objects.filter(pk=other.pk).update(state=at_work)
    (ended,) = _rows("bakers", "github.com/two", 1)
    PipelineRun.objects.filter(pk=ended.run_id).update(state="failed")
    RepoSync.objects.filter(pk=row.pk).update(state=state, due_at=clock.now() + timedelta(seconds=3))
    assert _admitted() == []
    time.sleep(2.999)
    assert _admitted() == []
    time.sleep(0.001)
    assert _admitted() == [row.pk]


def test_the_places_of_a_run_that_has_ended_are_freed() -> None:
    """Whoever ended it, its account goes on with others."""
    (row,) = _rows("bakers", "github.com/one", 1)
    assert len(admission.admit()) == 1
    (beside,) = _rows("tailors", "github.com/two", 1)
    assert len(admission.admit()) == 1
    PipelineRun.objects.filter(pk=row.run_id).update(state="failed")
    (other,) = _rows("smiths", "github.com/one", 1)
    assert admission.admit() == []
    admission.withdraw_ended()
    assert list(Admission.objects.values_list("repo_sync", flat=True)) == [beside.pk]
    assert _admitted() == [other.pk]


def test_a_repository_that_was_connected_anew_queues_for_its_new_account() -> None:
    """From its next attempt on."""
    (row,) = _rows("bakers", "github.com/one", 1)
    (other,) = _rows("bakers", "github.com/two", 1)
    _admitted()
    TrackedRepository.objects.filter(pk=row.repository_id).update(connection=other.connection)
    attempts.stand_back(_own(row))
    assert _admitted() == []
    _complete(other)
    assert _admitted() == [row.pk]
    assert Admission.objects.get().account == "github.com/two"


@pytest.mark.django_db(transaction=True)
def test_many_processes_at_once_admit_each_attempt_once_and_one_an_account() -> None:
    """However their statements interleave."""
    for number in range(5):
        _rows("bakers", f"github.com/{number}", 16)
    asking: list[int] = []
    done: Counter[int] = Counter()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(25):
                for each in admission.admit():
                    assert attempts.claim(each, traceparent=None) is not None
                    done[each.repo_sync_id] += 1
                    asking.append(Admission.objects.filter(place=Admission.ASKING).count())
                    admission.hand_over(each)
                    attempts.complete(each, disposition=RepoSync.Disposition.SYNCED)
        except BaseException as error:  # noqa: BLE001  # the test fails with it
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    while found := _admitted():
        for row in found:
            done[row] += 1
            _complete(row)
    assert set(done.values()) == {1}
    assert len(done) == 80
    assert max(asking) <= 5
    assert not Admission.objects.exists()


def _served(rounds: int, time: clock.SteppedClock, team_of: Callable[[int], str]) -> list[str]:
    """The teams in the order in which an account with one place serves them, a second each."""
    order = []
    for _ in range(rounds):
        (row,) = _admitted()
        order.append(team_of(row))
        time.sleep(1)
        _complete(row)
    return order


@hypothesis_settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shares=st.lists(st.integers(1, 5), min_size=2, max_size=4))
@pytest.mark.slow
def test_teams_with_one_account_are_served_by_their_shares(shares: list[int], time: clock.SteppedClock) -> None:
    """Over any stretch of time about as often as their shares say; none waits longer than its share allows."""
    Team.objects.all().delete()
    team_of = {
        row.pk: f"team-{number}"
        for number, share in enumerate(shares)
        for row in _rows(f"team-{number}", "github.com/one", 30, share=share)
    }
    rounds = 30
    order = _served(rounds, time, team_of.__getitem__)
    for number, share in enumerate(shares):
        places = [-1, *(at for at, team in enumerate(order) if team == f"team-{number}"), rounds]
        starved = max(after - before for before, after in pairwise(places))
        fair = sum(shares) / share
        assert abs(order.count(f"team-{number}") - rounds / fair) <= 0.2 * rounds / fair + 2
        assert starved <= 2 * fair + len(shares)


def test_workers_are_shared_between_teams_not_between_accounts(settings: Settings, time: clock.SteppedClock) -> None:
    """A team with ten accounts gets no more of one worker than a team with one."""
    settings.SYNC_READY_ATTEMPTS = 1
    team_of: dict[int, str] = {}
    for number in range(10):
        team_of |= {row.pk: "many" for row in _rows("many", f"github.com/{number}", 10)}
    team_of |= {row.pk: "one" for row in _rows("one", "github.com/ten", 40)}
    order = Counter(_served(30, time, team_of.__getitem__))
    assert abs(order["one"] - order["many"]) <= 2


@pytest.mark.parametrize("account", ["github.com/one", "github.com/two"])
def test_of_equal_claims_the_one_that_grows_faster_is_first(
    account: str, settings: Settings, time: clock.SteppedClock
) -> None:
    """Twice as long ago for half the share: to an account's place, or to the only worker."""
    settings.SYNC_READY_ATTEMPTS = 1
    team_of = {row.pk: "small" for row in _rows("small", "github.com/one", 2)}
    assert _served(1, time, team_of.__getitem__) == ["small"]
    team_of |= {row.pk: "large" for row in _rows("large", account, 2, share=2)}
    assert _served(3, time, team_of.__getitem__) == ["large", "large", "small"]
