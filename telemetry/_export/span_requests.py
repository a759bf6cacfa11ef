"""Spans on their way to one exporter: the request that carries them, and the process that they were left by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from opentelemetry.sdk.trace import ReadableSpan

from telemetry._export.marks import Mark
from telemetry._export.sending import Answer
from telemetry._export.spool import Batch

Settled = Callable[[str, Sequence[ReadableSpan], Mark | None], AbstractContextManager[None]]
"""Hears which spans an exporter is done with: they were taken, refused or dropped, or are on disk; counted inside."""

Noted = Callable[[Sequence[ReadableSpan], Mark | None], None]
"""Writes down, before they are counted, that an exporter is done with spans of a process that is gone."""


@dataclass(frozen=True, slots=True)
class Estate:
    """Spans of a process that is gone."""

    is_lost: Callable[[ReadableSpan], bool]
    """Says which had ended: their process has counted them as lost."""
    note: Noted
    there: Sequence[ReadableSpan] = ()
    """What the exporter already has, to be counted along with what is handed over."""


@dataclass(slots=True)
class Request:
    """Spans that are handed over together."""

    spans: Sequence[ReadableSpan]
    estate: Estate | None = None
    """What they are part of, if their process is gone and they did not wait here."""
    is_given_up: bool = False
    """Whether nobody waits for its answer any more."""
    answer: Answer | None = None
    """The answer that came after all, while its spans were on their way into the spool."""
    batch: Batch | None = None
    """Where its spans are in the spool."""
