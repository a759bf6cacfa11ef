"""Choose where a run's evidence is read from: this machine's files, files that somebody sent, or Jaeger."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.explain import event_names
from apps.explain.machine import EVENTS
from apps.explain.story import Line, moment_of
from apps.machine_catalog import BROKER_AWAY
from telemetry.reading import Files, Jaeger, JaegerError, Memory, Source, Span, read_collected

_HOUR_NS = 3600 * 10**9
_DAY_NS = 24 * _HOUR_NS  # workers that began before that are not looked for
_MARGIN_NS = 60 * 10**9  # machines' clocks differ, and a run's last lines are written after its end
OF_OTHERS: tuple[str, ...] = (event_names.REPO_FAILED, event_names.TASK_RETRY)
"""The lines that say what struck other runs."""


class UnreadableError(Exception):
    """There is nothing to read in the named place."""


def written_here() -> Files:
    """Return the files that this home's processes write, as named in the environment, including spans open now."""
    return Files(
        traces=settings.SYNCTRACE_TRACES_FILE, lines=settings.SYNCTRACE_LOG_FILE, journal=settings.SYNCTRACE_JOURNAL
    )


def jaeger_at(url: str) -> Jaeger:
    """Return Jaeger at an address; raise `UnreadableError` if it is not a valid one."""
    try:
        return Jaeger(url, service=settings.SYNCTRACE_SERVICE_NAME)
    except ValueError as error:
        raise UnreadableError(str(error)) from error


def files_in(folder: Path) -> Source:
    """Return the content of a folder's files: ours (`traces.jsonl`, `logs.jsonl`), or a collector's with any name.

    Raises `UnreadableError` if there are none, or if nothing in them can be read.
    """
    if not folder.is_dir():
        raise UnreadableError(f"{folder} is not a folder: name one that holds traces.jsonl and logs.jsonl.")
    files = [file for file in sorted(folder.iterdir()) if file.is_file() and ".json" in file.name and file.stat().st_size]
    if not files:
        raise UnreadableError(f"There is no file of spans or lines in {folder}: traces.jsonl, logs.jsonl, or a collector's.")
    spans: list[Span] = []
    lines: list[dict[str, Any]] = []
    for file in files:
        kind = _kind_of(file)
        if kind == "spans":
            spans += _spans_of(file)
        elif kind == "records":
            lines += [record for records in read_collected(file) for record in records]
        elif kind == "lines":
            lines += _lines_of(file)
    if not spans and not lines:
        raise UnreadableError(
            f"Nothing in the files of {folder} can be read: they are damaged, or not ours ({files[0].name})."
        )
    return Memory(spans, sorted(lines, key=lambda line: str(line.get("timestamp", ""))))


def within(source: Source, start_ns: int, end_ns: int | None = None) -> Source:
    """Return the source limited to a time, if it can be."""
    return source.within(start_ns, end_ns) if isinstance(source, Files) else source


def spans_of_run(source: Source, trace_id: str) -> list[Span]:
    """Return the spans of a run's trace from this machine's files or, failing that, from Jaeger if it is configured."""
    spans = source.trace(trace_id)
    if spans or not settings.SYNCTRACE_JAEGER_URL or not isinstance(source, Files):
        return spans
    try:
        return jaeger_at(settings.SYNCTRACE_JAEGER_URL).trace(trace_id)
    except JaegerError:  # its pages may be reachable only for people's browsers
        return []


def of_the_time_of(source: Source, started_ns: int, ended_ns: int | None) -> Source:
    """Return the source limited to what a run that began and ended then can have left."""
    return within(source, started_ns - _MARGIN_NS, None if ended_ns is None else ended_ns + _HOUR_NS)


def lines_around(source: Source, *, start_ns: int, end_ns: int) -> tuple[list[Line], list[Line]]:
    """Return the machine's lines up to a run's end, and lines about what struck others within an hour of it."""
    machine: list[Line] = []
    others: list[Line] = []
    around = within(source, start_ns - _DAY_NS, end_ns + _HOUR_NS)
    for line in around.find_lines(event=[*EVENTS, *OF_OTHERS, BROKER_AWAY]):
        at = moment_of(line)
        if at is None:
            continue
        if line.get("event") in OF_OTHERS:
            if start_ns - _HOUR_NS <= at <= end_ns + _HOUR_NS:
                others.append(line)
        elif at <= end_ns + 10**9:
            machine.append(line)
    return machine, others


def _kind_of(file: Path) -> str:
    """Return a file's kind, by its first bytes."""
    with file.open("rb") as opened:
        head = opened.read(4096)
    if b'"resourceSpans"' in head:
        return "spans"
    if b'"resourceLogs"' in head:
        return "records"
    return "lines" if b'"event"' in head or head.startswith(b"{") else ""


def _spans_of(file: Path) -> Sequence[Span]:
    return Files(traces=file).find_spans()


def _lines_of(file: Path) -> list[dict[str, Any]]:
    return Files(lines=file).find_lines()
