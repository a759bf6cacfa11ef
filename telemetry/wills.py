"""Last wills: keep the open spans of a piece of work where they outlive its machine.

A process that dies leaves its journal, which the next process in its home reads; a machine that vanishes takes its
journal along. So the code that hands out work can keep, in the work's row, what is known of its spans as they begin:
ids, start, parent, attributes and links. Whoever finds the work without a sign of life ends the spans from that, in its
own process. A process that was only cut off asks before it exports them, so that each is in its trace once. (MQTT has
last wills for the same reason.)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Span, SpanContext

from telemetry import _health, _journals
from telemetry._deaths import Death
from telemetry._export.journal import this_process
from telemetry._export.steps import started
from telemetry._lines.context import clean_bound
from telemetry._spans import emitter, provider
from telemetry._spans.open_span import OpenSpan
from telemetry.lifecycle import Observed, ticks
from telemetry.model import Operation, R
from telemetry.timestamps import unix_nanoseconds

__all__ = ["Executed", "Will", "ask", "reserve"]

ask = provider.ask


def reserve(operation: Operation[R], /) -> Observed[R]:
    """Return a block for `operation` whose span has its ids and start now, and is opened when the block is entered.

    Until then it is in no journal and no account: a will may hold spans that are never needed.
    """
    return _Reserved(operation)


@dataclass(frozen=True, slots=True)
class Executed:
    """What has become of a will's spans."""

    exported_to: tuple[str, ...]
    """The exporters that have them, to be passed in when the rest are tried again."""
    is_done: bool
    """Whether every exporter, or its spool, has them."""


@dataclass(frozen=True, slots=True)
class Will:
    """What is known of some spans and of their process."""

    process: Mapping[str, Any]
    spans: tuple[Mapping[str, Any], ...]

    @classmethod
    def of(cls, *reserved: Observed[Any]) -> Will:
        """Return the will of the current span and of blocks reserved below it; it has no spans where none are kept.

        From here on the process exports them only once they are `kept`, or once it has asked.
        """
        return _will_of(reserved) or cls({}, ())

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Will:
        """Return a will from the document that `as_json` made."""
        return cls(data["process"], tuple(data["spans"]))

    def as_json(self) -> dict[str, Any] | None:
        """Return the will as a document that any database can keep; None if it is empty."""
        return {"process": self.process, "spans": list(self.spans)} if self.spans else None

    @property
    def span_ids(self) -> tuple[str, ...]:
        """The spans' ids, 16 hexadecimal digits each."""
        return tuple(span["id"] for span in self.spans)

    @property
    def _numbers(self) -> set[int]:
        return {int(span_id, 16) for span_id in self.span_ids}

    def keep(self) -> None:
        """Let this process export the spans, now that nobody else can end them."""
        if self.spans:
            provider.settle(self._numbers, ours=True)

    def settle(self) -> None:
        """Ask whether somebody else has ended the spans, and keep asking until there is an answer."""
        if self.spans:
            provider.settle(self._numbers)

    @property
    def is_journalled(self) -> bool:
        """Whether the spans are in a journal of this home: then its reader, which knows more, ends them.

        That includes the past: a will may reach its row long after its process died and its journal was exported.
        """
        return bool(self.spans) and provider.is_journalled(self.span_ids, home=self.process.get("home", ""))

    def execute(
        self,
        *,
        last_seen: datetime | None = None,
        exported_to: Collection[str] = (),
        note: Callable[[tuple[str, ...]], None] = lambda _: None,
    ) -> Executed:
        """End the spans with the outcome `died` at `last_seen`, their process's last sign of life, and export them.

        The exporters in `exported_to` already have them. `last_seen` defaults to the moment of the will. After each
        exporter has taken them, `note` is called with the value to pass as `exported_to` should this process be killed
        from then on.
        """
        entries: dict[str, _journals.Entry] = {}
        for span in self.spans:
            _journals.take(span, entries)
        last_ns = max(self.process.get("at", 0), 0 if last_seen is None else unix_nanoseconds(last_seen))
        dead = _journals.Journal(self.process, entries, last_ns, _death(self.process))
        done, is_done = provider.end(dead, exported_to=exported_to, note=lambda names: note(tuple(names)))
        return Executed(tuple(sorted(done)), is_done)


class _Reserved(Observed[R]):
    """An observed block whose span is prepared before the block is entered."""

    __slots__ = ("_reserved_at", "prepared")

    def __init__(self, operation: Operation[R]) -> None:
        super().__init__(operation)
        self._reserved_at = ticks()
        self.prepared: Span | None = _health.guarded(self._prepare)()

    def __enter__(self) -> Observed[R]:
        super().__enter__()
        self._t0 = self._reserved_at
        return self

    def _prepare(self) -> Span | None:
        attributes = clean_bound() | self._attributes()
        return emitter.prepare(self._operation.__operation__, attributes=attributes, start_ns=self._start_ns())

    def _started(self, attributes: dict[str, Any]) -> Span:
        if self.prepared is None:
            return super()._started(attributes)
        if isinstance(self.prepared, OpenSpan):
            self.prepared.collect(attributes)
            self.prepared.begin()
        return self.prepared


@_health.guarded
def _will_of(reserved: Sequence[Observed[Any]]) -> Will | None:
    open_here: list[object] = [trace.get_current_span()]
    open_here += [block.prepared for block in reserved if isinstance(block, _Reserved)]
    spans = [
        (span, context)
        for span in open_here
        if isinstance(span, ReadableSpan) and (context := span.get_span_context()) is not None and _is_kept(span, context)
    ]
    if not spans:
        return None
    provider.contest({context.span_id for _, context in spans})
    process = {**this_process(spans[0][0].resource), "home": provider.home()}
    return Will(_storable(process), tuple(_storable(started(span, context)) for span, context in spans))


def _is_kept(span: ReadableSpan, context: SpanContext) -> bool:
    return bool(context.trace_flags.sampled) and span.end_time is None


def _storable(value: Any) -> Any:
    """Return a value that any database can keep as JSON: PostgreSQL has neither NUL nor NaN."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {_storable(key): _storable(each) for key, each in value.items()}
    if isinstance(value, Sequence):
        return [_storable(each) for each in value]
    return value


def _death(process: Mapping[str, Any]) -> Death:
    """Return the death of a silent process: its machine was gone if it has booted again since."""
    machine, boot = process.get("machine"), process.get("boot")
    if machine and boot and machine == _journals.machine_id() and boot != _journals.boot_id():
        return Death("machine_gone")
    return Death(is_certain=False)
