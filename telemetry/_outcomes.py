"""Tell how an observed block ended from the error that left it."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable, Mapping
from typing import Any

from telemetry import _health
from telemetry._boundary import class_name, key_of
from telemetry._deaths import Death
from telemetry.model import Outcome

_outcomes: dict[type[BaseException], Outcome] = {
    KeyboardInterrupt: Outcome.CANCELLED,
    SystemExit: Outcome.CANCELLED,
    GeneratorExit: Outcome.CANCELLED,
    CancelledError: Outcome.CANCELLED,
}


class Died(SystemExit):
    """The process is being killed and has a moment left: open spans die with it."""

    error_type = "died"

    def __init__(self, death: Death) -> None:
        super().__init__(death.sentence)
        self.death = death


_outcomes[Died] = Outcome.DIED
_readers: list[Callable[[BaseException], BaseException]] = []


class OutcomeMissing(Exception):  # noqa: N818  # it names the state, as the span attribute does
    """An observed block ended without saying how."""

    error_type = "outcome_missing"


def treat_as(error: type[BaseException], outcome: Outcome) -> None:
    """Let an `error` that leaves an observed block mean `outcome`, unless the block has one; the last call wins.

    If both an error's class and one of its bases are registered, the one registered last wins.
    """
    _outcomes.pop(error, None)
    _outcomes[error] = outcome


def read_with(reader: Callable[[BaseException], BaseException]) -> None:
    """Let `reader` translate an error that leaves a block, such as the exit of a process that is being killed."""
    _readers.append(reader)


def meant(error: BaseException) -> BaseException:
    """Return the error that one leaving a block stands for: nearly always itself."""
    for reader in _readers:
        error = reader(error)
    return error


def death_of(error: BaseException) -> Mapping[str, Any]:
    """Return a span's attributes for the death that ended it; none for any other error."""
    return error.death.attributes if type(error) is Died else {}


def outcome_of(error: BaseException) -> Outcome:
    """Return the outcome that an error leaving an observed block stands for."""
    return next((outcome for kind, outcome in reversed(_outcomes.items()) if issubclass(type(error), kind)), Outcome.FAILED)


def error_type(error: BaseException) -> str:
    """Return the error's own stable code (its `error_type`), or the name of its class."""
    try:
        code = getattr(error, "error_type", None)
        if isinstance(code, str):
            return key_of(code)
    except Exception as problem:  # noqa: BLE001  # a property of another's class
        _health.pass_on(problem)
    return class_name(error)
