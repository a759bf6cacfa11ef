"""Each span that an exporter is not done with is in one place, wherever its request has got to."""

from __future__ import annotations

from collections.abc import Iterable

from opentelemetry.sdk.trace import ReadableSpan

from telemetry._export.sending import TAKEN, Answer
from telemetry._export.span_requests import Request
from telemetry._export.spool import Batch
from telemetry._export.waiting import Waiting

A, B, C, D = (ReadableSpan(name) for name in "abcd")


def _waiting(*spans: ReadableSpan) -> Waiting:
    waiting = Waiting()
    waiting.queue.extend(spans)
    return waiting


def _names(spans: Iterable[ReadableSpan]) -> str:
    return "".join(span.name for span in spans)


def test_what_was_answered_is_let_go_once() -> None:
    """Then nothing waits any more."""
    waiting = _waiting(A, B, C)
    request = waiting.take(2)
    assert request is not None
    assert (_names(request.spans), _names(waiting.queue), waiting.is_empty()) == ("ab", "c", False)
    assert (waiting.let_go(request), waiting.let_go(request)) == (True, False)
    rest = waiting.take(2)
    assert rest is not None
    assert (waiting.let_go(rest), waiting.is_empty(), waiting.take(2)) == (True, True, None)


def test_parts_fly_in_place_of_the_whole() -> None:
    """Unless that was given up meanwhile."""
    waiting = _waiting(A, B)
    whole = waiting.take(2)
    assert whole is not None
    parts = [Request([A]), Request([B])]
    assert waiting.divide(whole, parts) == parts
    assert (waiting.let_go(whole), waiting.let_go(parts[0]), waiting.is_empty()) == (False, True, False)
    waiting.put_back()
    assert (_names(waiting.queue), waiting.let_go(parts[1])) == ("b", False)
    again = waiting.take(1)
    assert again is not None
    waiting.give_up(0)
    assert waiting.divide(again, [Request([B])]) == []


def test_what_is_put_back_stands_first_and_in_order() -> None:
    """As it came."""
    waiting = _waiting(A, B, C, D)
    whole = waiting.take(3)
    assert whole is not None
    waiting.divide(whole, [Request([A, B]), Request([C])])
    waiting.put_back()
    assert _names(waiting.queue) == "abcd"


def test_what_was_given_up_is_in_hand_until_it_is_in_the_spool() -> None:
    """An answer that comes before that counts nothing: the spool will have it, or it is taken back."""
    waiting = _waiting(A, B, C, D)
    request = waiting.take(1)
    assert request is not None
    given_up, more = waiting.give_up(2)
    assert (given_up, _names(more), _names(waiting.queue), request.is_given_up) == ([request], "bc", "d", True)
    assert not waiting.let_go(request)
    waiting.release(request)
    waiting.release(Request(more))
    assert (_names(waiting.queue), waiting.is_empty()) == ("d", False)
    waiting.queue.clear()
    assert waiting.is_empty()


def test_what_did_not_reach_the_spool_waits_again_unless_it_was_taken_meanwhile() -> None:
    """What came meanwhile is counted, and an answer that comes later lets its spans go from the queue."""
    waiting = _waiting(A, B, C)
    first = waiting.take(1)
    assert first is not None
    _, more = waiting.give_up(1)
    second = Request(more, is_given_up=True, answer=TAKEN)
    assert waiting.take_back([first, second]) == [(second, TAKEN)]
    assert _names(waiting.queue) == "ac"
    assert waiting.let_go(first)
    assert _names(waiting.queue) == "c"
    away = Request([B], answer=Answer(is_away=True, reason="unreachable"))
    assert waiting.take_back([away]) == []
    assert _names(waiting.queue) == "bc"


def test_an_answer_to_what_is_in_the_spool_is_not_counted_here() -> None:
    """Nor one to a request that nobody gave up, and that is not in flight."""
    waiting = _waiting(A)
    batch = Batch(put_ns=1, account="a", sequence=1, spans=1, size=9, state=".json")
    assert not waiting.let_go(Request([A], is_given_up=True, batch=batch))
    assert not waiting.let_go(Request([A]))
    assert _names(waiting.queue) == "a"
