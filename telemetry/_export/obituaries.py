"""End spans that outlived their process, from the journals of this home; the first process to come ends each once.

A journal is read by one process at a time, which holds its lock. What an exporter has taken is marked in the journal
before it is counted and the next exporter is asked. The successor of a killed reader ignores a mark that was not
counted, and asks that exporter again; our own file, which cannot refuse what it already has, is searched instead.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from errno import ENOSPC
from functools import partial
from pathlib import Path
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.span import TraceState

from telemetry import _health, _journals
from telemetry._deaths import Death
from telemetry._export import remains
from telemetry._export.exporters import FILE
from telemetry._export.heirs import Heir
from telemetry._export.marks import IsCounted, Mark
from telemetry._export.span_requests import Noted
from telemetry._export.steps import left_line, line_of
from telemetry._export.witnesses import Witness
from telemetry._journals import Entry, Journal

_WORD_SECONDS = 6.0
"""How long a living parent, which may be busy, may take to say what killed its child after that is found dead."""
_OURS_SECONDS = 24 * 3600.0
"""How long a journal is kept for exporters that this process does not have."""
_AGAIN_SECONDS = 30.0
_PATIENCE_SECONDS = 2.0
"""How long an ending process waits for its own thread, which would otherwise be cut off."""
_SPAN_ID = re.compile(rb'"spanId":"([0-9a-f]{16})"')
_TOLD = "told"


class Obituary(ReadableSpan):
    """A span that ended, or died, in a process that is dead."""

    has_died = True
    is_clean = True


class Undertaker:
    """Reads dead processes' journals in `folder` and hands what they had not exported to the `exporters` by name.

    `tell` also gets the spans that died, for exporters that are not ours. `file` is our own file of spans.
    `ended_elsewhere` is asked about spans in a last will, by id, and returns those that somebody else has ended.
    `is_counted` is asked about each mark.
    """

    def __init__(
        self,
        folder: Path | None,
        *,
        exporters: Callable[[], Mapping[str, Heir | SpanExporter]],
        tell: Callable[[ReadableSpan], None],
        file: Path | None,
        ended_elsewhere: Callable[[Collection[str]], Collection[str]] = lambda _: (),
        is_counted: IsCounted = lambda _name, _by, _number: True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder, self._exporters, self._tell, self._file = folder, exporters, tell, file
        self._ended_elsewhere, self._is_counted, self._clock = ended_elsewhere, is_counted, clock
        self._lock = threading.Lock()
        self._later: dict[Path, float] = {}
        self._found_at: dict[Path, float] = {}
        self._witness = Witness()
        os.register_at_fork(after_in_child=self._after_fork)

    def look(self) -> None:
        """Read every journal whose process is dead, after waiting briefly for any other thread that is doing so."""
        if not self._lock.acquire(timeout=_PATIENCE_SECONDS):
            return
        token = otel_context.attach(otel_context.set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        try:
            paths = [] if self._folder is None else _journals.files_in(self._folder)
            self._witness.keep(paths)
            for path in paths:
                if time.monotonic() >= self._later.get(path, 0.0):
                    self._read(path)
        except Exception as problem:  # noqa: BLE001  # telemetry never breaks its host
            _health.problem(problem)
        finally:
            otel_context.detach(token)
            self._lock.release()

    def _read(self, path: Path) -> None:
        """Read a journal if its process is dead and nobody else reads it."""
        descriptor = _journals.locked(path)
        if descriptor is None:
            self._witness.see(path)
            return
        try:
            if self._is_done_with(path, descriptor):
                path.unlink(missing_ok=True)
                self._found_at.pop(path, None)
        finally:
            os.close(descriptor)

    def _after_fork(self) -> None:
        self._lock = threading.Lock()
        self._witness.keep(())

    def _is_done_with(self, path: Path, descriptor: int) -> bool:
        """Export what a dead process had not, and return whether nothing is left to do."""
        found, age = os.fstat(descriptor), time.time() - os.fstat(descriptor).st_mtime
        journal = _journals.read(os.pread(descriptor, found.st_size, 0), is_counted=self._is_counted)
        if journal is None or not journal.entries:
            return True
        if journal.death == Death():
            if self._is_word_to_come(path, journal.process):
                return False
            death = remains.death_of(journal.process, seen=self._witness.exit_code(path))
            journal = replace(journal, death=death)
        entries = self._ours(journal.entries)
        return entries is not None and self._hand_over(path, descriptor, replace(journal, entries=entries), age)

    def _hand_over(self, path: Path, descriptor: int, journal: Journal, age: float) -> bool:
        """Give every exporter a dead process's spans, and return whether nothing is left to do."""
        entries = journal.entries
        died = [entry for entry in entries.values() if entry.end_ns is None]
        spans = _spans_of(journal)
        ours, theirs = self._exporters(), journal.process.get("exporters", [])
        is_taken = True
        for name in theirs:
            waiting = [key for key, entry in entries.items() if name not in entry.left]
            if name not in ours:
                is_taken = is_taken and age > _OURS_SECONDS
            elif waiting:
                note = partial(_mark, descriptor, name)
                if not self._export(name, ours[name], [spans[key] for key in waiting], note):
                    is_taken = False
                    self._later[path] = time.monotonic() + _AGAIN_SECONDS
        if died and _TOLD not in died[0].left:
            _mark(descriptor, _TOLD, [spans[entry.span_id] for entry in died])
            for entry in died:
                self._tell(spans[entry.span_id])
        return is_taken

    def _is_word_to_come(self, path: Path, process: Mapping[str, Any]) -> bool:
        """Return whether a living parent may still say what killed its child, which was found dead only recently."""
        found_at = self._found_at.setdefault(path, self._clock())
        return remains.parent_lives(process) and self._clock() < found_at + _WORD_SECONDS

    def _ours(self, entries: Mapping[str, Entry]) -> Mapping[str, Entry] | None:
        """Return the spans of a dead process that nobody else has ended; None while that is unknown."""
        contested = [key for key, entry in entries.items() if entry.has_will]
        try:
            theirs = set(self._ended_elsewhere(contested)) if contested else ()
        except Exception as problem:  # noqa: BLE001  # the application's database may be away
            _health.aside(problem)
            return None
        return {key: entry for key, entry in entries.items() if key not in theirs}

    def end(
        self, journal: Journal, *, exported_to: Collection[str], note: Callable[[Collection[str]], None] = lambda _: None
    ) -> set[str]:
        """Export the spans of a process of another home, and return the exporters that have them by now.

        Those in `exported_to` had them before. When one has taken them, `note` is called with all that have, before
        that is counted; a kill in between leaves neither done, which what was noted shows.
        """
        spans = list(_spans_of(journal).values())
        done = {
            name for name, *mark in map(str.split, exported_to) if not mark or self._is_counted(name, mark[0], int(mark[1]))
        }

        def noted(name: str, _: Sequence[ReadableSpan], mark: Mark | None) -> None:
            note(sorted(done | {name if mark is None else f"{name} {mark.by} {mark.number}"}))

        token = otel_context.attach(otel_context.set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        try:
            for name, exporter in self._exporters().items():
                if name not in done and self._export(name, exporter, spans, partial(noted, name)):
                    done.add(name)
            if _TOLD not in done:
                for span in spans:
                    self._tell(span)
        finally:
            otel_context.detach(token)
        return done | {_TOLD}

    def _export(self, name: str, exporter: Heir | SpanExporter, spans: Sequence[Obituary], note: Noted) -> bool:
        there: list[Obituary] = []
        if name == FILE and self._file is not None:
            found = _ids_in(self._file, spans)
            there = [span for span in spans if _id_of(span) in found]
            spans = [span for span in spans if _id_of(span) not in found]
        if isinstance(exporter, Heir):
            return exporter.hand_over(spans, note, there=there)
        if spans and exporter.export(spans) is not SpanExportResult.SUCCESS:
            return False
        note([*there, *spans], None)
        return True


def _mark(descriptor: int, name: str, spans: Iterable[ReadableSpan], mark: Mark | None = None) -> None:
    """Record in a dead process's journal that these spans are done with."""
    line = b"\n" + left_line(name, [_id_of(span) for span in spans], mark)
    if os.write(descriptor, line) < len(line):
        raise OSError(ENOSPC, "there is no room for a mark in a journal")


def note_death(folder: Path, *, pid: int, death: Death) -> None:
    """Write into the journal of a dead child of this process what killed it.

    It needs no lock: a reader waits for the parent's word, and one line is one write.
    """
    for path in _journals.files_in(folder):
        if f"-{pid}-" not in path.name:
            continue
        journal = _journals.read(path.read_bytes())
        if journal is not None and (journal.process.get("pid"), journal.process.get("ppid")) == (pid, os.getpid()):
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
            try:
                known = {name: value for name, value in asdict(death).items() if value != getattr(Death(), name)}
                os.write(descriptor, b"\n" + line_of({"death": known}))
            finally:
                os.close(descriptor)


def _ids_in(file: Path, spans: Sequence[ReadableSpan]) -> set[str]:
    """Return which of these spans may already be in our file or the last rotated one, by id."""
    instances = {str(span.resource.attributes.get("service.instance.id", "")) for span in spans}
    wanted = {f"{_context(span).trace_id:032x}" for span in spans} if "" in instances else instances
    needles = [text.encode() for text in wanted]
    found: set[str] = set()
    for path in (Path(f"{file}.1"), file):
        with suppress(FileNotFoundError), path.open("rb") as lines:
            for line in lines:
                if any(needle in line for needle in needles):
                    found.update(span_id.decode() for span_id in _SPAN_ID.findall(line))
    return found


def _context(span: ReadableSpan) -> SpanContext:
    context = span.get_span_context()
    assert context is not None, "a span of a journal has ids"  # noqa: S101  # it is made here
    return context


def _id_of(span: ReadableSpan) -> str:
    return f"{_context(span).span_id:016x}"


def _spans_of(journal: Journal) -> dict[str, Obituary]:
    """Return the spans of a dead process with these ids; those that were open have died."""
    resources: dict[int, Resource] = {}
    spans = {}
    for span_id, entry in journal.entries.items():
        attributes, schema = given = entry.resource or journal.resource
        resource = resources.setdefault(id(given), Resource(attributes, schema))
        spans[span_id] = _span(journal.ended(entry), resource)
    return spans


def _span(entry: Entry, resource: Resource) -> Obituary:
    code, description = entry.status
    trace_id = int(entry.trace_id, 16)
    parent = None
    if entry.parent_id is not None:
        parent = SpanContext(trace_id, int(entry.parent_id, 16), entry.parent_is_remote, TraceFlags(entry.flags))
    name, *rest = entry.scope
    version, scope_schema, scope_attributes = rest or (None, None, None)
    return Obituary(
        entry.name,
        context=SpanContext(
            trace_id,
            int(entry.span_id, 16),
            is_remote=False,
            trace_flags=TraceFlags(entry.flags),
            trace_state=TraceState.from_header([entry.trace_state]),
        ),
        parent=parent,
        resource=resource,
        attributes=entry.attributes,
        events=[Event(name, attributes, timestamp) for name, timestamp, attributes in entry.events],
        links=[
            Link(SpanContext(int(trace, 16), int(span, 16), is_remote), attributes)
            for trace, span, is_remote, attributes in entry.links
        ],
        kind=SpanKind(entry.kind),
        status=Status(StatusCode(code), description),
        start_time=entry.start_ns,
        end_time=entry.end_ns,
        instrumentation_scope=InstrumentationScope(name, version or None, scope_schema, scope_attributes or None),
    )
