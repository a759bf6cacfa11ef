"""Explain the time between two activities of a chain by a few rules with evidence; the rest is unexplained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from apps.explain.activities import Activity, nanoseconds
from apps.explain.parts import RATE_WAIT, Part, limit_of, part_of_limit
from telemetry.model import Outcome
from telemetry.timestamps import unix_nanoseconds

_SECOND = 1_000_000_000
_START_NS = _SECOND
"""How long the start of a run may take: from its rows to the first message."""
_SENDING_NS = 5 * _SECOND
"""How long sending a message may take on a busy machine: a sweep sends what is not sent within two seconds."""


@dataclass(slots=True)  # not frozen: a large trace has one a span, and freezing doubles the time each takes
class Stretch:
    """A stretch of a run's time, what it went into, and the span or rule that says so."""

    start_ns: int
    end_ns: int
    part: Part
    why: str
    span_id: str | None = None

    @property
    def duration_ns(self) -> int:
        """How long it was."""
        return self.end_ns - self.start_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Time in which a chain has no span."""

    start_ns: int
    end_ns: int
    before: Activity | None
    """What began when it ended; None if nothing has begun since."""
    wait: Activity | None
    """The wait that ended when it started, if any."""
    after: Activity | None
    """The attempt or step before it; None if there was none."""
    is_running: bool
    """Whether the run still goes on at the end of the gap, if nothing follows it."""

    def explained(self) -> Iterator[Stretch]:
        """Yield what the gap went into, in order and without gaps."""
        at = self.start_ns
        for until, part, why in self._rules():
            until = min(max(until, at), self.end_ns)
            if until > at:
                yield Stretch(at, until, part, why)
                at = until

    def _rules(self) -> Iterator[tuple[int, Part, str]]:
        """Yield until when, what, and why; each rule continues where the last ended."""
        after, before = self.after, self.before
        end = self.end_ns
        sent = end if before is None else end - before.message_wait_ns
        asked = None if after is None or self.wait is not None else _asked_for(after)
        if asked is not None:
            yield asked
        if after is not None and after.is_message and before is not None and _is_answer(before, after):
            yield end, Part.QUEUE, "its message waited for a worker, or was lost and sent again"
        if self._hides_a_death():
            yield sent, Part.DEAD_UNTIL_FOUND, "the process was gone, until somebody found that out"
        if before is None:
            yield from self._until_now(after)
        elif self.wait is not None or asked is not None:
            due = self.start_ns if asked is None else max(self.start_ns, asked[0])
            if sent - due > _SENDING_NS:
                yield sent, Part.UNEXPLAINED, "nothing says what happened"
            yield end, Part.QUEUE, "its message was sent, and waited for a worker"
        else:
            yield self._before_the_message(after, before, sent)
            yield end, Part.QUEUE, "it waited for a worker"

    def _hides_a_death(self) -> bool:
        """Return whether the previous attempt died, or one in between left no trace; an open one did neither."""
        after, before = self.after, self.before
        if after is not None and after.is_dead and self.wait is None:
            return not (after.top is None and before is None and self.is_running)
        if after is not None and after.outcome == Outcome.CANCELLED and before is not None and self.wait is None:
            return True  # it did not change its row
        number = None if before is None else before.attempt
        if number is None:
            return False
        is_next_phase = after is None or (after.has_ended and not after.is_error)
        return number > (1 if is_next_phase or after is None else (after.attempt or number) + 1)

    def _until_now(self, after: Activity | None) -> Iterator[tuple[int, Part, str]]:
        """Yield what the time after the end of the chain went into."""
        if self.is_running:
            yield self.end_ns, Part.OPEN_NOW, "what goes on now has not ended"
        elif after is not None and after.has_ended and self.end_ns - self.start_ns <= _START_NS:
            yield self.end_ns, Part.OUR_OWN_WORK, "the run was being ended"
        yield self.end_ns, Part.UNEXPLAINED, "nothing says what happened"

    def _before_the_message(self, after: Activity | None, before: Activity, sent: int) -> tuple[int, Part, str]:
        """Return what the time went into until the message of `before` was sent."""
        if after is None and sent - self.start_ns <= _START_NS:
            return sent, Part.OUR_OWN_WORK, "the run was being started"
        if after is not None and after.outcome is None and after.is_error and before.attempt == (after.attempt or 0) + 1:
            return sent, Part.BACK_OFF, "the step had failed, and was started again"
        return sent, Part.UNEXPLAINED, "nothing says what happened"


def _asked_for(attempt: Activity) -> tuple[int, Part, str] | None:
    """Return until when the attempt asked that no other follow, if it did."""
    ending = attempt.ending
    if ending is None:
        return None
    countdown = nanoseconds(ending.attributes.get("retry.countdown"), _SECOND)
    until = ending.attributes.get("waiting.until")
    if attempt.outcome == Outcome.RETRYING and countdown is not None:
        return attempt.end_ns + countdown, Part.BACK_OFF, "the attempt had failed, and another was to follow"
    if attempt.outcome == Outcome.WAITING and isinstance(until, str):
        parked = next((span for span in attempt.spans if span.name == RATE_WAIT and span.outcome == Outcome.WAITING), None)
        due = _moment(until)
        if due is not None and parked is not None:
            return due, part_of_limit(limit_of(parked)), "it waited for a limit of GitHub's"
        return attempt.end_ns, Part.QUEUE, "it stood back for others"
    return None


def _is_answer(before: Activity, message: Activity) -> bool:
    """Return whether `before` is the attempt that the message was for, or the same message sent again."""
    return before.has_vanished or (before.attempt is not None and before.attempt == message.attempt)


def _moment(text: str) -> int | None:
    """Return the moment in an attribute in Unix nanoseconds; None if it holds something else."""
    try:
        return unix_nanoseconds(datetime.fromisoformat(text))
    except (ValueError, TypeError, OverflowError):  # not ours, or without a zone
        return None
