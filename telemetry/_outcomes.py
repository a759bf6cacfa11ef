"""How an observed block ended, from what left it."""

from __future__ import annotations

from telemetry import _health
from telemetry._boundary import key
from telemetry.model import Outcome

_outcomes: dict[type[BaseException], Outcome] = {
    KeyboardInterrupt: Outcome.CANCELLED,
    SystemExit: Outcome.CANCELLED,
    GeneratorExit: Outcome.CANCELLED,
}


class OutcomeMissing(Exception):  # noqa: N818  # it names the state, as the span attribute does
    """An observed block ended without saying how."""

    error_type = "outcome_missing"


def treat_as(error: type[BaseException], outcome: Outcome) -> None:
    """Let an `error` that leaves an observed block without another outcome mean `outcome`."""
    _outcomes[error] = outcome


def outcome_of(error: BaseException) -> Outcome:
    """Return what an error that leaves an observed block means."""
    return next((outcome for kind, outcome in _outcomes.items() if isinstance(error, kind)), Outcome.FAILED)


def error_type(error: BaseException) -> str:
    """Return the error's own stable code (its `error_type`), or the name of its class."""
    try:
        code = getattr(error, "error_type", None)
    except Exception as problem:  # noqa: BLE001  # somebody's property
        _health.pass_on(problem)
        code = None
    return key(code) if isinstance(code, str) else type(error).__name__
