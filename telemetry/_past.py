"""`record`: write a span for something already over, such as a wait that no process sat through."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from opentelemetry.trace import Span

from telemetry._moments import moment_ns
from telemetry._spans import emitter
from telemetry.lifecycle import Observed
from telemetry.model import Operation


def record(operation: Operation[None], /, *, started_at: datetime, ended_at: datetime) -> None:
    """Write one span, its lines and its duration for an operation that began and ended in the past.

    The span is a child of the current one. If it would end before it began, its duration is zero.
    """
    with _Past(operation, started_at=started_at, ended_at=ended_at):
        pass


class _Past(Observed[None]):
    """An observed block with given times."""

    __slots__ = ("_ended_ns", "_started_ns")

    def __init__(self, operation: Operation[None], *, started_at: datetime, ended_at: datetime) -> None:
        super().__init__(operation)
        self._started_ns = moment_ns(started_at)
        self._ended_ns = max(self._started_ns, moment_ns(ended_at))

    def _started(self, attributes: dict[str, Any]) -> Span:
        return emitter.start(self._operation.__operation__, attributes=attributes, start_ns=self._started_ns)

    def _end_ns(self) -> int | None:
        return self._ended_ns

    def _elapsed_ns(self) -> int:
        return self._ended_ns - self._started_ns
