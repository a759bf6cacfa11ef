"""What leaves an observed block says how it ended: the process's own endings, and what an application has named."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Iterator

import pytest
from celery.exceptions import Ignore, Reject, Retry

from telemetry import _health, _outcomes, celery, error_type, span, treat_as
from telemetry._deaths import Death
from telemetry._outcomes import Died, read_with
from telemetry.model import Outcome
from telemetry.testing import Capture


@pytest.fixture(autouse=True)
def _nothing_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test lets errors mean is forgotten after it."""
    celery.instrument()
    monkeypatch.setattr(_outcomes, "_outcomes", dict(_outcomes._outcomes))
    monkeypatch.setattr(_outcomes, "_readers", [*_outcomes._readers])


def _ending(error: BaseException, captrace: Capture) -> tuple[str | None, str | None]:
    """How the span of a block ends that an error leaves: its outcome, and the error's type."""
    captrace.clear()
    with pytest.raises(type(error)), span("shop.day"):
        raise error
    found = captrace.span("shop.day")
    return found.outcome, found.error_type


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        (KeyboardInterrupt(), ("cancelled", None)),
        (SystemExit(1), ("cancelled", None)),
        (CancelledError(), ("cancelled", None)),
        (Died(Death("signal", signal="SIGTERM")), ("died", "died")),
        (OSError("the door is shut"), ("failed", "OSError")),
        (Retry(), ("retrying", "Retry")),
        (Ignore(), ("cancelled", None)),
        (Reject(), ("cancelled", None)),
    ],
    ids=lambda each: type(each).__name__,
)
def test_an_end_of_the_process_or_of_a_task_is_no_failure(
    error: BaseException, ending: tuple[str, str | None], captrace: Capture
) -> None:
    """Who stops the work has cancelled it, who is killed has died, and what Celery does again is retrying."""
    assert _ending(error, captrace) == ending


def test_a_generator_that_nobody_reads_to_its_end_has_not_failed(captrace: Capture) -> None:
    """Whoever wanted no more has cancelled it."""

    def customers() -> Iterator[str]:
        with span("shop.day"):
            yield "ann"
            yield "bob"

    reading = customers()
    next(reading)
    reading.close()  # type: ignore[attr-defined]  # an iterator that is a generator
    assert captrace.span("shop.day").outcome == "cancelled"


class ShutError(Exception):
    """The shop is shut."""


class HolidayError(ShutError):
    """It is shut today."""


def test_the_last_word_on_an_error_counts(captrace: Capture) -> None:
    """Also between an error and one that it derives from, in whichever order they were first named."""
    treat_as(ShutError, Outcome.CANCELLED)
    treat_as(HolidayError, Outcome.WAITING)
    assert (_ending(ShutError(), captrace)[0], _ending(HolidayError(), captrace)[0]) == ("cancelled", "waiting")
    treat_as(ShutError, Outcome.COMPLETED)
    assert (_ending(ShutError(), captrace)[0], _ending(HolidayError(), captrace)[0]) == ("completed", "completed")
    assert _ending(OSError("another"), captrace)[0] == "failed"


def test_an_error_is_what_a_reader_takes_it_for(captrace: Capture) -> None:
    """As the exit of a process is that is being killed; every other error is itself."""
    death = Died(Death("time_limit", limit_sec=30.0))
    read_with(lambda error: death if isinstance(error, SystemExit) else error)
    assert _ending(SystemExit(), captrace) == ("died", "died")
    assert captrace.span("shop.day").attributes["died.limit_sec"] == 30.0
    assert _ending(KeyboardInterrupt(), captrace) == ("cancelled", None)


def test_a_code_that_cannot_be_read_is_the_name_of_the_class(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless what kept it from being read is the host's, such as a task's time limit."""

    class LimitError(Exception):
        """The host's own."""

    class OddError(Exception):
        """Somebody's."""

        trouble: type[Exception] = ValueError

        @property
        def error_type(self) -> str:
            raise self.trouble

    class CodedError(Exception):
        """Says what it is."""

        error_type = "sold_out"

    monkeypatch.setattr(_health._health, "passing", (LimitError,))
    assert (error_type(OddError()), error_type(CodedError())) == ("OddError", "sold_out")
    OddError.trouble = LimitError
    with pytest.raises(LimitError):
        error_type(OddError())
