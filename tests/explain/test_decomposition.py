"""A run's time is decomposed exactly: each part by its evidence, and what has none is unexplained."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.explain.told import attempt, call, limit, message, moment, root, seconds, span, step, taken, told, wait, write


def test_what_an_attempt_does_is_told_apart() -> None:
    """GitHub, limits in place, the lane, the database, and our own work around them."""
    spans = attempt(
        0.0,
        20.0,
        call(1.0, 4.0),
        write(4.0, 4.5),
        span("sync.lane.wait", 5.0, 5.75, outcome="completed"),
        call(5.75, 6.0),
        limit(6.0, 13.0, "primary"),
        limit(13.0, 15.0, "secondary"),
        limit(15.0, 16.0, "retry_after"),
        call(16.0, 18.0),
    )
    assert seconds(told(root(20.0), spans, end=20.0)) == {
        "github_answering": 5.25,
        "primary_wait": 7.0,
        "secondary_wait": 3.0,
        "lane": 0.75,
        "database": 0.5,
        "our_own_work": 3.5,
    }


def test_what_is_inside_a_call_is_github_s() -> None:
    """The span of the HTTP library below it is no other part."""
    asked = call(1.0, 4.0)
    spans = attempt(0.0, 5.0, asked)
    inner = span("POST", 1.5, 3.5, parent=asked.span_id)
    assert seconds(told(root(5.0), spans, inner, end=5.0)) == {"github_answering": 3.0, "our_own_work": 2.0}


def test_a_back_off_is_the_countdown_and_what_follows_a_queue() -> None:
    """With the span that is recorded for it, and by the attempt's word alone where there is none."""
    first = attempt(0.0, 2.0, call(0.0, 2.0), outcome="retrying", has={"retry.countdown": 8.0})
    second = attempt(11.0, 12.0, call(11.0, 12.0), number=2, waited=0.5)
    expected = {"github_answering": 3.0, "back_off": 8.0, "queue": 1.0}
    assert seconds(told(root(12.0), first, second, end=12.0)) == expected
    recorded = [wait("sync.backoff", 2.0, 10.0), wait("sync.queue.wait", 10.0, 10.5)]
    assert seconds(told(root(12.0), first, recorded, second, end=12.0)) == expected


@pytest.mark.parametrize(("reason", "part"), [("primary", "primary_wait"), ("secondary", "secondary_wait")])
def test_a_repository_that_is_parked_waits_for_its_limit(reason: str, part: str) -> None:
    """Until GitHub lets it go on; then it queues."""
    first = attempt(
        0.0, 1.0, limit(0.5, 0.5, reason, outcome="waiting"), outcome="waiting", has={"waiting.until": moment(601)}
    )
    second = attempt(603.0, 604.0, number=2, waited=1.0)
    expected = {part: 600.0, "queue": 2.0, "our_own_work": 2.0}
    assert seconds(told(root(604.0), first, second, end=604.0)) == expected
    recorded = wait("sync.parked", 1.0, 601.0, has={"sync.rate_wait.reason": reason})
    assert seconds(told(root(604.0), first, recorded, second, end=604.0)) == expected


def test_a_span_that_only_leads_to_another_trace_stands_for_no_time() -> None:
    """The run's first step follows what its repositories did, and not that span."""
    link = span("sync.run.link", 0.1, 0.1, has={"run_id": 1})
    worked = [attempt(0.0, 5.0, call(0.0, 5.0)), step(5.0, 6.0)]
    expected = seconds(told(root(6.0), *worked, end=6.0))
    assert expected == {"github_answering": 5.0, "our_own_work": 1.0}
    assert seconds(told(root(6.0), link, *worked, end=6.0)) == expected


def test_who_stands_back_queues() -> None:
    """It waits for nothing else."""
    first = attempt(0.0, 1.0, outcome="waiting", has={"waiting.until": moment(1)})
    second = attempt(5.0, 6.0, number=2, waited=0.25)
    assert seconds(told(root(6.0), first, second, end=6.0)) == {"our_own_work": 2.0, "queue": 4.0}


def test_an_attempt_that_died_is_dead_until_the_next_is_sent() -> None:
    """Its own time counts until its last sign of life; the next one's message then waits for a worker."""
    first = attempt(0.0, 3.0, call(1.0, 3.0), outcome="died")
    second = attempt(95.0, 96.0, number=2, waited=2.0)
    assert seconds(told(root(96.0), first, second, end=96.0)) == {
        "our_own_work": 2.0,
        "github_answering": 2.0,
        "dead_until_found": 90.0,
        "queue": 2.0,
    }


def test_an_attempt_that_left_only_what_had_ended_in_it_was_dead_from_then_on() -> None:
    """Its own spans never came."""
    gone = attempt(0.0, 10.0, call(1.0, 2.0), write(2.0, 3.0))[2:]
    second = attempt(90.0, 91.0, number=2)
    assert seconds(told(root(91.0), gone, second, end=91.0)) == {
        "our_own_work": 2.0,
        "github_answering": 1.0,
        "database": 1.0,
        "dead_until_found": 87.0,
    }


def test_an_attempt_that_left_nothing_is_missed_by_its_number() -> None:
    """The second attempt is the first that is there: the time before it is that of the one that died."""
    started = wait("sync.queue.wait", 0.0, 0.5, has={"sync.queue.reason": "start"})
    second = attempt(60.5, 61.0, number=2, waited=0.5)
    assert seconds(told(root(61.0), started, second, end=61.0)) == {
        "our_own_work": 1.0,
        "dead_until_found": 59.5,
        "queue": 0.5,
    }


def test_a_message_that_nobody_answered_is_missed() -> None:
    """Of a phase's step that was killed each time, until its run failed: only its messages are there."""
    messages = [message(1.0, 1.25), message(30.0, 30.25, number=2)]
    assert seconds(told(root(60.0), attempt(0.0, 1.5), messages, end=60.0)) == {
        "our_own_work": 1.5,
        "dead_until_found": 58.5,
    }


def test_a_message_whose_attempt_left_only_children_waited_for_its_worker() -> None:
    """The attempt was at work by then, and died later."""
    gone = attempt(1.0, 10.0, call(1.0, 2.0))[2:]
    second = attempt(50.0, 51.0, number=2)
    assert seconds(told(root(51.0), message(0.0, 0.0, repo=1), gone, second, end=51.0)) == {
        "queue": 1.0,
        "github_answering": 1.0,
        "dead_until_found": 48.0,
        "our_own_work": 1.0,
    }


def test_an_attempt_that_was_called_off_leaves_its_row_to_be_found() -> None:
    """As one whose process was told to end at once."""
    called_off = attempt(0.0, 5.0, outcome="cancelled")
    assert seconds(told(root(12.0), called_off, attempt(11.0, 12.0, number=2, waited=1.0), end=12.0)) == {
        "our_own_work": 6.0,
        "dead_until_found": 5.0,
        "queue": 1.0,
    }


def test_an_attempt_between_that_left_nothing_is_missed_too() -> None:
    """After the back-off that the one before it had asked for."""
    first = attempt(0.0, 1.0, outcome="retrying", has={"retry.countdown": 4.0})
    third = attempt(50.0, 51.0, number=3)
    assert seconds(told(root(51.0), first, third, end=51.0)) == {
        "our_own_work": 2.0,
        "back_off": 4.0,
        "dead_until_found": 45.0,
    }


def test_an_attempt_that_stood_still_and_was_overtaken_was_dead_meanwhile() -> None:
    """It woke up in the middle of a call and found that another had taken over."""
    frozen = attempt(0.0, 200.0, write(1.0, 2.0), call(2.0, 200.0), outcome="cancelled")
    second = attempt(92.0, 100.0, number=2)
    assert seconds(told(root(100.0), frozen, second, end=100.0)) == {
        "our_own_work": 9.0,
        "database": 1.0,
        "dead_until_found": 90.0,
    }


def test_an_attempt_that_was_sent_again_was_in_the_queue_until_then() -> None:
    """Its message waited too long for a worker, or was lost: nobody had begun it, and nobody had died."""
    messages = [message(0.0, 0.0, repo=1, number=1), message(20.0, 20.0, repo=1, number=1)]
    late = attempt(40.0, 41.0, waited=0.25)
    delivered_twice = attempt(41.25, 41.75)[:1]
    assert seconds(told(root(42.0), messages, late, delivered_twice, end=41.0)) == {"queue": 40.0, "our_own_work": 1.0}


def test_an_attempt_that_was_begun_and_left_nothing_was_dead() -> None:
    """Its message was not sent again: the next one's was."""
    messages = [message(0.0, 0.0, repo=1, number=1)]
    second = attempt(40.0, 41.0, number=2, waited=0.25)
    assert seconds(told(root(41.0), messages, second, end=41.0)) == {
        "dead_until_found": 39.75,
        "queue": 0.25,
        "our_own_work": 1.0,
    }


def test_a_link_to_another_trace_takes_no_time() -> None:
    """It stands where a run's backfills were begun, and is nobody's work."""
    link = span("sync.run.link", 1.5, 1.5, outcome="completed", has={"run_id": 1})
    steps = [*step(1.0, 2.0), *step(62.0, 63.0, number=2)]
    time = told(root(63.0), attempt(0.0, 1.0), steps, link, end=63.0)
    assert seconds(time) == {"our_own_work": 3.0, "dead_until_found": 60.0}


def test_the_start_of_a_run_is_its_own_work_and_a_long_one_is_unexplained() -> None:
    """Nobody knows what kept it."""
    assert seconds(told(root(2.0), attempt(1.0, 2.0, waited=0.75), end=2.0)) == {"our_own_work": 1.25, "queue": 0.75}
    assert seconds(told(root(9.0), attempt(8.0, 9.0, waited=0.5), end=9.0)) == {
        "unexplained": 7.5,
        "queue": 0.5,
        "our_own_work": 1.0,
    }


def test_phases_follow_what_ended_last() -> None:
    """The slower repository, then one step after the other; a message's wait is a queue."""
    fast, slow = attempt(0.0, 3.0), attempt(0.0, 10.0, call(0.0, 10.0), repo=2)
    first, second = step(10.5, 12.0, write(11.0, 12.0), waited=0.75), step(12.25, 14.0, waited=0.25)
    assert seconds(told(root(14.0), fast, slow, first, second, end=14.0)) == {
        "github_answering": 10.0,
        "queue": 0.75,
        "our_own_work": 2.25,
        "database": 1.0,
    }


def test_a_step_that_failed_backs_off_and_one_that_vanished_is_dead() -> None:
    """The sweep starts both again."""
    attempts = attempt(0.0, 1.0)
    failed = [step(1.0, 2.0, status="ERROR"), step(62.0, 63.0, number=2)]
    assert seconds(told(root(63.0), attempts, *failed, end=63.0)) == {"our_own_work": 3.0, "back_off": 60.0}
    assert seconds(told(root(63.0), attempts, step(62.0, 63.0, number=2), end=63.0)) == {
        "our_own_work": 2.0,
        "dead_until_found": 61.0,
    }


def test_a_queue_behind_a_repository_of_the_same_run_is_that_one_s_time() -> None:
    """What would have to be faster is the other; the sum over workers has both."""
    first = attempt(0.0, 10.0, call(0.0, 10.0))
    queued = wait("sync.queue.wait", 0.0, 10.0, repo=2, has={"sync.queue.reason": "account", "sync.queue.behind": "o/1"})
    second = attempt(10.0, 15.0, call(10.0, 15.0), repo=2)
    time = told(root(15.0), first, queued, second, end=15.0)
    assert seconds(time) == {"github_answering": 15.0}
    assert taken(time.over_workers) == {
        "github_answering": 15.0,
        "queue": 10.0,
    }


def test_a_queue_behind_one_that_waits_for_a_limit_is_that_wait() -> None:
    """What decided was the limit, also where the runs that follow, over the same repositories, are decomposed as one."""
    first = attempt(0.0, 10.0, call(0.0, 2.0), limit(2.0, 9.0, "primary"), call(9.0, 10.0))
    queued = wait("sync.queue.wait", 0.0, 10.0, repo=2, has={"sync.queue.reason": "account", "sync.queue.behind": "o/1"})
    second = attempt(10.0, 15.0, call(10.0, 15.0), repo=2)
    expected = {"github_answering": 8.0, "primary_wait": 7.0}
    assert seconds(told(root(15.0), first, queued, second, end=15.0)) == expected
    backfills = []
    for repo, end, own in ((1, 16.0, "a" * 16), (2, 17.0, "b" * 16)):
        backfills += [root(end, run_id=repo + 1, start=15.0, span_id=own)]
        backfills += attempt(15.0, end, repo=repo, run_id=repo + 1, parent=own)
    time = told(root(15.0), first, queued, second, backfills, end=17.0)
    assert seconds(time) == {**expected, "our_own_work": 2.0}
    assert taken(time.over_workers) == {**expected, "queue": 10.0, "our_own_work": 3.0}


def test_a_queue_that_a_limit_held_is_that_limit_s() -> None:
    """Though its repository has not asked yet: the one before it had met the limit, and was parked."""
    parked = attempt(0.0, 2.0, call(0.0, 2.0), outcome="waiting", has={"waiting.until": moment(90)})
    queued = [
        wait("sync.queue.wait", 0.0, 2.0, repo=2, has={"sync.queue.reason": "account", "sync.queue.behind": "o/1"}),
        wait("sync.queue.wait", 2.0, 60.0, repo=2, has={"sync.queue.reason": "limit", "sync.rate_wait.reason": "primary"}),
        wait("sync.queue.wait", 60.0, 61.0, repo=2, has={"sync.queue.reason": "unnoticed"}),
    ]
    second = attempt(61.0, 65.0, call(61.0, 65.0), repo=2)
    assert seconds(told(root(65.0), parked, queued, second, end=65.0)) == {
        "github_answering": 6.0,
        "primary_wait": 58.0,
        "queue": 1.0,
    }


def test_a_queue_behind_a_repository_of_that_name_in_another_run_is_a_queue() -> None:
    """Another team syncs it too, with the same account: what this run's own attempt at it did decided nothing."""
    behind = {"sync.queue.reason": "account", "sync.queue.behind": "o/1", "sync.queue.behind_run_id": 7}
    own = attempt(0.0, 10.0, call(0.0, 10.0))
    queued = wait("sync.queue.wait", 0.0, 10.0, repo=2, has=behind)
    second = attempt(10.0, 15.0, repo=2)
    assert seconds(told(root(15.0), own, queued, second, end=15.0)) == {"queue": 10.0, "our_own_work": 5.0}
    ours = wait("sync.queue.wait", 0.0, 10.0, repo=2, has={**behind, "sync.queue.behind_run_id": 1})
    assert seconds(told(root(15.0), own, ours, second, end=15.0)) == {"github_answering": 10.0, "our_own_work": 5.0}


def test_a_queue_behind_another_run_is_a_queue() -> None:
    """Nothing of this run was at work."""
    queued = wait("sync.queue.wait", 0.0, 10.0, has={"sync.queue.reason": "account", "sync.queue.behind": "else/where"})
    assert seconds(told(root(15.0), queued, attempt(10.0, 15.0), end=15.0)) == {"queue": 10.0, "our_own_work": 5.0}


def test_of_two_at_once_the_path_takes_one() -> None:
    """The one that ended last; both are in the sum over workers."""
    spans = [attempt(0.0, 8.0, call(0.0, 8.0)), attempt(0.0, 10.0, write(0.0, 10.0), repo=2)]
    time = told(root(10.0), *spans, end=10.0)
    assert seconds(time) == {"database": 10.0}
    assert taken(time.over_workers) == {
        "github_answering": 8.0,
        "database": 10.0,
    }


def test_a_run_that_follows_another_begins_when_that_ends() -> None:
    """Phase 2 needs phase 1, also where both are decomposed as one."""
    first = attempt(0.0, 5.0, call(0.0, 5.0))
    other = "a" * 16
    second = attempt(6.0, 9.0, call(6.0, 9.0), run_id=2, parent=other, waited=1.0)
    roots = [root(5.0), root(9.0, run_id=2, start=5.0, span_id=other)]
    assert seconds(told(roots, first, second, end=9.0)) == {"github_answering": 8.0, "queue": 1.0}


def test_a_run_that_goes_on_is_open_until_now() -> None:
    """Also where it backs off or waits for a limit just now, and then it says that."""
    assert seconds(told(attempt(0.0, 2.0), end=10.0, is_running=True)) == {"our_own_work": 2.0, "open_now": 8.0}
    backing = attempt(0.0, 2.0, outcome="retrying", has={"retry.countdown": 300.0})
    assert seconds(told(backing, end=10.0, is_running=True)) == {"our_own_work": 2.0, "back_off": 8.0}
    queued = wait("sync.queue.wait", 0.0, 4.0, has={"sync.queue.reason": "workers"})
    assert seconds(told(queued, end=10.0, is_running=True)) == {"queue": 4.0, "open_now": 6.0}
    assert seconds(told(end=10.0, is_running=True)) == {"open_now": 10.0}


def test_what_is_open_in_an_attempt_is_open_since_the_last_thing_in_it_ended() -> None:
    """Until then it was at work, as one that has ended; a call that is under way is open since it began."""
    spans = [replace(one, is_open=True) for one in attempt(0.0, 10.0, outcome="running")]
    done = replace(call(1.0, 4.0), parent_id=spans[1].span_id)
    assert seconds(told(spans, done, end=10.0, is_running=True)) == {
        "our_own_work": 1.0,
        "github_answering": 3.0,
        "open_now": 6.0,
    }
    under_way = replace(call(5.0, 10.0), parent_id=spans[1].span_id, is_open=True)
    assert seconds(told(spans, done, under_way, end=10.0, is_running=True)) == {
        "our_own_work": 2.0,
        "github_answering": 3.0,
        "open_now": 5.0,
    }


def test_what_a_running_run_waits_for_goes_before_what_has_ended() -> None:
    """A repository that is done says nothing about now."""
    parked = attempt(
        0.0, 1.0, limit(0.5, 0.5, "primary", outcome="waiting"), outcome="waiting", has={"waiting.until": moment(600)}
    )
    done = attempt(0.0, 5.0, repo=2)
    assert seconds(told(parked, done, end=30.0, is_running=True)) == {"our_own_work": 1.0, "primary_wait": 29.0}


def test_children_of_an_attempt_that_still_goes_on_are_no_death() -> None:
    """Its own spans come when it ends."""
    going_on = attempt(0.0, 10.0, call(0.0, 4.0))[2:]
    assert seconds(told(going_on, end=10.0, is_running=True)) == {"github_answering": 4.0, "open_now": 6.0}


def test_an_end_that_nothing_explains_is_unexplained() -> None:
    """The run ended long after the last thing in it."""
    time = told(root(50.0), attempt(0.0, 5.0), end=50.0)
    assert seconds(time) == {"our_own_work": 5.0, "unexplained": 45.0}
    assert [(gap.start_ns, gap.duration_ns) for gap in time.unexplained] == [(time.start_ns + 5 * 10**9, 45 * 10**9)]


def test_without_a_span_nothing_is_explained() -> None:
    """A run whose files are gone."""
    assert seconds(told(end=3.0)) == {"unexplained": 3.0}
    assert seconds(told(end=0.0)) == {}
