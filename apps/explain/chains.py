"""The steps that prove a cause: each states something and names the span, line or row that shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from telemetry.reading import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step; exactly one of `span_id`, `line` and `row` is set.

    A line is named by its timestamp and event, which begin it; a row by its model and number.
    """

    says: str
    trace_id: str
    span_id: str | None = None
    line: str | None = None
    row: str | None = None

    @property
    def proof(self) -> str:
        """What proves it, in words."""
        if self.span_id is not None:
            return f"span {self.span_id}"
        return f"line {self.line}" if self.line is not None else f"row {self.row}"

    def as_json(self) -> dict[str, str]:
        """Return the step for programs."""
        proof = {"span_id": self.span_id, "line": self.line, "row": self.row}
        return {
            "says": self.says,
            **{key: value for key, value in proof.items() if value is not None},
            "trace_id": self.trace_id,
        }


Chain = tuple[Step, ...]


def by_span(says: str, span: Span) -> Step:
    """Return a step that a span proves."""
    return Step(says=says, span_id=span.span_id, trace_id=span.trace_id)


def by_line(says: str, line: Mapping[str, Any], *, trace_id: str) -> Step:
    """Return a step that a line proves; a line without a trace is the machine's, about the run of `trace_id`."""
    named = f"{line.get('timestamp', '')} {line.get('event', '')}"
    return Step(says=says, line=named, trace_id=str(line.get("trace_id") or trace_id))


def by_row(says: str, model: str, number: int, *, trace_id: str) -> Step:
    """Return a step that a row proves."""
    return Step(says=says, row=f"{model} {number}", trace_id=trace_id)
