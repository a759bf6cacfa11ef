"""What a sweep found missing takes the time until then, unless spans say that nothing was missing."""

from __future__ import annotations

import pytest

from telemetry.reading import Span
from tests.explain.told import attempt, call, message, root, seconds, span, step, told, wait


def missing(start: float, end: float, reason: str, *, number: int | None = 1, repo: int | None = 1) -> Span:
    """Return what a sweep recorded of a repository's attempt, or of a phase's step."""
    names = {"run_id": 1} if repo is None else {"run_id": 1, "repo_id": repo}
    has = {"sync.missing.reason": reason, **({} if number is None else {"sync.attempt": number}), **names}
    return span("sync.missing", start, end, outcome="completed", has=has)


def test_a_message_that_was_lost_is_dead_until_that_is_found() -> None:
    """Before it, it was on its way, and what was sent instead waits for a worker."""
    queued = wait("sync.queue.wait", 0.0, 0.5, has={"sync.queue.reason": "workers"})
    sent = [message(0.5, 0.5, repo=1), missing(0.75, 4.0, "lost")]
    begun = attempt(5.0, 6.0, call(5.0, 6.0), waited=0.75)
    parts = {"queue": 1.75, "dead_until_found": 3.25, "github_answering": 1.0}
    assert seconds(told(root(6.0), queued, sent, begun, end=6.0)) == parts


def test_a_message_that_nobody_says_was_lost_is_unexplained() -> None:
    """The repository was admitted, and the message that its attempt came of was sent much later: nobody knows why."""
    queued = wait("sync.queue.wait", 0.0, 0.5, has={"sync.queue.reason": "workers"})
    begun = attempt(30.0, 31.0, waited=2.0)
    parts = {"queue": 2.5, "unexplained": 27.5, "our_own_work": 1.0}
    assert seconds(told(root(31.0), queued, begun, end=31.0)) == parts
    asked = attempt(0.0, 0.5, outcome="retrying", has={"retry.countdown": 2.0})
    again = attempt(30.0, 31.0, number=2, waited=2.0)
    parts = {"our_own_work": 1.5, "back_off": 2.0, "unexplained": 25.5, "queue": 2.0}
    assert seconds(told(root(31.0), asked, again, end=31.0)) == parts
    at_once = {"queue": 30.0, "our_own_work": 1.0}
    assert seconds(told(root(31.0), queued, attempt(30.0, 31.0, waited=25.0), end=31.0)) == at_once


def test_a_message_that_was_only_late_was_in_the_queue() -> None:
    """The attempt says when its message was sent: before a sweep took it for lost, however often."""
    queued = wait("sync.queue.wait", 0.0, 0.5, has={"sync.queue.reason": "workers"})
    taken_for_lost = [missing(0.5, 4.0, "lost"), missing(4.0, 8.0, "lost")]
    late = attempt(9.0, 10.0, waited=8.5)
    assert seconds(told(root(10.0), queued, taken_for_lost, late, end=10.0)) == {"queue": 9.0, "our_own_work": 1.0}
    second = attempt(9.0, 10.0, waited=5.0)
    parts = {"queue": 5.5, "dead_until_found": 3.5, "our_own_work": 1.0}
    assert seconds(told(root(10.0), queued, taken_for_lost, second, end=10.0)) == parts


def test_a_message_that_was_sent_again_and_lost_says_nothing_of_one_that_was_only_late() -> None:
    """The attempt waited in the queue from the first one on, whatever became of the second."""
    queued = wait("sync.queue.wait", 0.0, 6.0, has={"sync.queue.reason": "workers"})
    sent_again = [missing(7.0, 21.0, "lost"), message(22.0, 22.5, repo=1)]
    late = attempt(24.0, 25.0, waited=17.0)
    expected = {"queue": 24.0, "our_own_work": 1.0}
    assert seconds(told(root(25.0), queued, sent_again, late, end=25.0)) == expected


def test_a_message_that_comes_when_its_work_is_done_says_nothing_of_it() -> None:
    """It was late, and what was sent instead was taken before it; so the first to begin tells."""
    worked, first = attempt(0.0, 1.0), step(6.0, 7.0, waited=0.5)
    lost = missing(1.0, 5.0, "lost", repo=None)
    late = [*step(8.0, 8.5, waited=7.0), *step(20.0, 20.5, waited=19.0)]
    expected = {"our_own_work": 2.0, "dead_until_found": 4.0, "queue": 1.0}
    assert seconds(told(root(7.0), worked, lost, first, late, end=7.0)) == expected


def test_an_attempt_that_could_not_begin_is_missing_from_when_it_ended() -> None:
    """Its message was taken, and the database was away: nobody knew of it until the sweep missed it."""
    queued = wait("sync.queue.wait", 0.0, 0.5, has={"sync.queue.reason": "workers"})
    refused = attempt(2.0, 2.5, outcome="failed")[:1]
    again = attempt(6.0, 7.0, waited=0.75)
    found = missing(0.5, 5.0, "lost")
    parts = {"queue": 3.0, "our_own_work": 1.5, "dead_until_found": 2.5}
    assert seconds(told(root(7.0), queued, refused, found, again, end=7.0)) == parts


def test_an_attempt_that_fell_silent_is_missing_from_its_last_sign_of_life() -> None:
    """By its spans, which may tell of a later one than its row; also where its own never came."""
    first = attempt(0.0, 5.0, call(0.0, 5.0), outcome="died")
    second = attempt(9.0, 10.0, number=2, waited=0.5)
    found = missing(1.0, 8.0, "silent")
    parts = {"github_answering": 5.0, "dead_until_found": 3.0, "queue": 1.0, "our_own_work": 1.0}
    assert seconds(told(root(10.0), first, found, second, end=10.0)) == parts
    unmarked = attempt(0.0, 5.0, call(0.0, 5.0), outcome="retrying", has={"retry.countdown": 2.0})
    assert seconds(told(root(10.0), unmarked, found, second, end=10.0)) == parts


def test_an_attempt_that_was_taken_for_dead_and_lived_was_at_work() -> None:
    """Until it ended, after the sweep had looked."""
    first = attempt(0.0, 9.0, call(0.0, 9.0))
    assert seconds(told(root(9.0), first, missing(1.0, 8.0, "silent"), end=9.0)) == {"github_answering": 9.0}


@pytest.mark.parametrize("reason", ["lost", "unsent"])
def test_a_step_whose_message_nobody_took_or_sent_is_missing_too(reason: str) -> None:
    """Before a run's first step, and between two of them."""
    worked, first = attempt(0.0, 1.0), step(6.0, 7.0, waited=0.5)
    second = step(14.0, 15.0, waited=0.25)
    found = [missing(1.0, 5.0, reason, repo=None), missing(7.0, 13.0, reason, repo=None)]
    parts = {"our_own_work": 3.0, "dead_until_found": 10.0, "queue": 2.0}
    assert seconds(told(root(15.0), worked, found, first, second, end=15.0)) == parts


def test_a_step_of_which_nothing_was_heard_is_missing_and_one_that_failed_backs_off() -> None:
    """It had said that it would be made again."""
    worked, second = attempt(0.0, 1.0), step(10.0, 11.0, number=2, waited=0.5)
    found = missing(1.0, 9.0, "unheard", repo=None)
    died = [span(each.name, 1.0, 2.0, outcome="died", status="ERROR", has=each.attributes) for each in step(1.0, 2.0)]
    assert seconds(told(root(11.0), worked, died, found, second, end=11.0)) == {
        "our_own_work": 3.0,
        "dead_until_found": 7.0,
        "queue": 1.0,
    }
    failed = step(1.0, 2.0, status="ERROR")
    assert seconds(told(root(11.0), worked, failed, found, second, end=11.0)) == {
        "our_own_work": 3.0,
        "back_off": 7.5,
        "queue": 0.5,
    }


def test_a_run_that_nobody_let_go_on_is_dead_until_a_sweep_does() -> None:
    """From when the last repository's attempt ended, whose row had ended before."""
    worked = [*attempt(0.0, 1.0), *attempt(0.0, 4.0, repo=2)]
    found = missing(3.0, 6.0, "unadvanced", number=None, repo=2)
    assert seconds(told(root(8.0), worked, found, step(7.0, 8.0, waited=1.0), end=8.0)) == {
        "our_own_work": 5.0,
        "dead_until_found": 2.0,
        "queue": 1.0,
    }


def test_a_run_that_a_sweep_let_go_on_before_its_last_attempt_could_is_not_missing() -> None:
    """That attempt was about to, and the sweep sends what follows."""
    found = missing(3.0, 3.5, "unadvanced", number=None)
    assert seconds(told(root(7.0), attempt(0.0, 4.0), found, step(6.0, 7.0, waited=1.5), end=7.0)) == {
        "our_own_work": 5.0,
        "queue": 2.0,
    }


def test_what_is_missing_in_a_run_that_goes_on_is_dead_until_it_was_found() -> None:
    """And what follows is open."""
    found = missing(1.0, 5.0, "unsent", repo=None)
    assert seconds(told(attempt(0.0, 1.0), found, end=6.0, is_running=True)) == {
        "our_own_work": 1.0,
        "dead_until_found": 4.0,
        "open_now": 1.0,
    }


def test_what_was_missing_for_no_time_is_nothing() -> None:
    """Also where nothing else is told of its repository."""
    assert seconds(told(root(2.0), attempt(0.0, 2.0), missing(1.0, 1.0, "lost", repo=2), end=2.0)) == {"our_own_work": 2.0}
