"""One path for every line: declared events, structlog loggers, and the standard library's loggers of Django and Celery.

A line is flat JSON in this order: `timestamp`, `level`, `event`, the event's fields, bound context, `trace_id`, `span_id`,
`trace_flags`, and `exception` where there is one. A field that has the name of one of these is `field_<name>`. Every value
goes through the boundary. A line is written at once, so that what a process said before a SIGKILL is there.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any, TextIO

import structlog
from opentelemetry import trace

from telemetry import _health
from telemetry._boundary import key_of, line_value, message_of, traceback_of
from telemetry._export.line_files import LineFile
from telemetry._hexadecimal import span_digits, trace_digits
from telemetry._lines import context as bound_context
from telemetry._lines import loggers, raises, standard
from telemetry._lines.clock import iso_now
from telemetry._lines.context import clean_bound
from telemetry._lines.sinks import Captured, ConsoleSink, FileSink, JsonSink, Line, Sink
from telemetry.model import LINE_KEYS, Level
from telemetry.settings import TelemetrySettings
from telemetry.timestamps import iso_microseconds

_NAMES = {level.value: level.name.lower() for level in Level}
_OWN_KEYS = 3  # that each begins with
_MOST_FIELDS = 128  # as many as a span has attributes

Entry = tuple[int, str, Mapping[str, Any]]
"""A line to be: its level, event and fields."""


class _Output:
    """This process's sinks; replaced whole, so that a line never meets half a configuration."""

    def __init__(self) -> None:
        self.sinks: tuple[Sink, ...] = ()
        self.streams: tuple[Sink, ...] = ()
        self.kept: tuple[Sink, ...] = ()
        self.floor = logging.CRITICAL + 1
        self.timestamp: Callable[[], str] = iso_now

    def use(self, sinks: tuple[Sink, ...]) -> None:
        self.sinks = sinks
        self.streams = tuple(sink for sink in sinks if isinstance(sink, JsonSink | ConsoleSink))
        self.kept = tuple(sink for sink in sinks if sink not in self.streams)
        self.floor = min((sink.level for sink in sinks), default=logging.CRITICAL + 1)


_output = _Output()


class _Theirs(threading.local):
    """Whether this thread is inside an application's own structlog chain, with a line of ours."""

    is_active = False


_theirs = _Theirs()


def configure(settings: TelemetrySettings, *, stream: TextIO | None = None) -> None:
    """Write lines to the settings' file and to `stream`, from structlog and the standard library's loggers.

    An application that has configured structlog itself keeps its chain: our lines go through that in place of `stream`.
    """
    bound_context.put_first(settings.context)
    sinks: list[Sink] = []
    if settings.log_file is not None:
        sinks.append(FileSink(LineFile(settings.log_file, settings.rotate_bytes)))
    if stream is not None:
        as_text = (settings.log_format or ("console" if stream.isatty() else "json")) == "console"
        sinks.append((ConsoleSink if as_text else JsonSink)(stream, settings.log_level))
    _output.use((*sinks, *(sink for sink in _output.sinks if isinstance(sink, Captured))))
    if not structlog.is_configured():
        structlog.configure(
            processors=[loggers.add_stack, _to_line],
            wrapper_class=loggers.Logger,
            cache_logger_on_first_use=False,
        )
    standard.attach(_write_standard, _output.floor)
    _health.report_to(_write_problem)


def set_stream_level(level: int) -> None:
    """Send only lines from `level` on to the stream; files keep every level."""
    for sink in _output.streams:
        sink.level = level
    _output.use(_output.sinks)


def write_line(
    level: int, event: str, fields: Mapping[str, Any] | None = None, *, error: BaseException | None = None
) -> None:
    """Write one line of `event`, through the application's own structlog chain where it has one."""
    _write([(level, event, fields or {})], error, are_clean=False)


def write_declared(entries: Sequence[Entry], *, error: BaseException | None = None) -> None:
    """Write lines of declared events, whose values went through the boundary: at one time, by one write to each file."""
    _write(entries, error, are_clean=True)


def fix_time(now: Callable[[], datetime]) -> None:
    """Write lines with the time `now()`, until the capture that is active ends."""
    _output.timestamp = lambda: iso_microseconds(now())


def add_trace_ids(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add `trace_id`, `span_id` and `trace_flags` of the current span: a processor for anyone's structlog chain.

    Also of a span that is not recorded: whoever samples elsewhere still has the ids.
    """
    event.update(_ids())
    return event


@contextmanager
def capture() -> Iterator[Captured]:
    """Capture every line that is written inside, too."""
    sink = Captured()
    before, clock = _output.sinks, _output.timestamp
    _output.use((*before, sink))
    try:
        with standard.heard(_write_standard):
            yield sink
    finally:
        _output.timestamp = clock
        _output.use(tuple(other for other in _output.sinks if other is not sink))


def _to_line(_logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
    """Write the line, as the last processor of our structlog chain, and leave structlog nothing to do."""
    try:
        name = event.pop("event", "")
        error = standard.error_in(event.pop("exc_info", None))
        _write_all([(Level.named(method) or Level.INFO, name, event)], error)
    except Exception as problem:  # noqa: BLE001  # telemetry never breaks its host
        _health.problem(problem)
    raise structlog.DropEvent


def _is_ours() -> bool:
    return _to_line in structlog.get_config()["processors"]


def _write_problem(error: Exception, swallowed: int) -> bool:
    """Write what telemetry swallowed as a line of its own; return whether there is a sink for it."""
    fields = {"error_type": type(error).__name__, "error_msg": message_of(error), "swallowed": swallowed}
    _write_all([(logging.WARNING, "telemetry.problem", fields)], error)
    return bool(_output.sinks)


def _write_standard(level: int, event: str, fields: Mapping[str, Any], error: BaseException | None) -> None:
    """Write a record of the standard library; where a line with the traceback of the same raise is, it is not repeated."""
    sinks = _output.streams if _theirs.is_active else None  # what their chain hands on is in the files already
    _write_all([(level, event, fields)], error, repeat_traceback=False, sinks=sinks)


def _write(entries: Sequence[Entry], error: BaseException | None, *, are_clean: bool) -> None:
    if structlog.is_configured() and not _is_ours():
        _write_all(entries, error, are_clean=are_clean, sinks=_output.kept)
        for entry in entries:
            _write_through_theirs(*entry, error)
    else:
        _write_all(entries, error, are_clean=are_clean)


def _write_through_theirs(level: int, event: str, fields: Mapping[str, Any], error: BaseException | None) -> None:
    """Write a line through the application's own chain, of which nobody knows whether it redacts."""
    _theirs.is_active = True
    try:
        shown = _clean(fields)
        if error is not None:
            shown["exception"] = traceback_of(error)
        structlog.get_logger("telemetry").log(level, line_value("event", event), **shown)
    except Exception as problem:  # noqa: BLE001  # telemetry never breaks its host
        _health.problem(problem)
    finally:
        _theirs.is_active = False


def _write_all(
    entries: Sequence[Entry],
    error: BaseException | None,
    *,
    are_clean: bool = False,
    repeat_traceback: bool = True,
    sinks: Sequence[Sink] | None = None,
) -> None:
    """Write lines to these sinks, to all unless they are given."""
    try:
        floor = _output.floor
        if len(entries) != 1 or entries[0][0] < floor:  # nearly always there is one, and it is wanted
            entries = [entry for entry in entries if entry[0] >= floor]
            if not entries:
                return
        lines = _compose(entries, are_clean=are_clean)
        exception = "" if error is None else traceback_of(error)
    except Exception as problem:  # noqa: BLE001  # telemetry never breaks its host
        _health.problem(problem)
        return
    for sink in _output.sinks if sinks is None else sinks:
        wanted = lines
        if sink.level > floor:
            wanted = [line for line, entry in zip(lines, entries, strict=True) if entry[0] >= sink.level]
        if not wanted:
            continue
        try:
            if error is None or not (repeat_traceback or not raises.is_written(error, sink)):
                sink.write(wanted)
            else:
                sink.write([{**line, "exception": exception} for line in wanted])
                raises.mark_written(error, sink)
        except Exception as problem:  # noqa: BLE001  # a full disk, a closed stream: the other sinks get their lines
            _health.problem(problem, about="line: ")  # where the problem cannot be written either, stderr has it


def _compose(entries: Sequence[Entry], *, are_clean: bool) -> list[Line]:
    time, bound, ids = _output.timestamp(), _bound_fields(), _ids()
    lines: list[Line] = []
    for level, event, fields in entries:
        if not are_clean:
            event, fields = line_value("event", event), _clean(fields)
        line: Line = {"timestamp": time, "level": _name_of(level), "event": event, **fields, **bound, **ids}
        if len(line) < len(fields) + len(bound) + len(ids) + _OWN_KEYS:  # a field goes before what is bound by its name
            line |= fields
        lines.append(line)
    return lines


class _Bound:
    """The bound context that lines had last, and its fields."""

    pair: tuple[Mapping[str, Any], Line] = ({}, {})


def _bound_fields() -> Line:
    """Return the bound context as a line carries it."""
    context = clean_bound()
    known, bound_fields = _Bound.pair
    if known is not context:
        bound_fields = {_free(name): value for name, value in context.items()}
        _Bound.pair = context, bound_fields
    return bound_fields


def _ids() -> Line:
    """Return the ids of the current span as a line carries them; nothing outside any."""
    try:
        context = trace.get_current_span().get_span_context()
        if not context.is_valid:
            return {}
        return {
            "trace_id": trace_digits(context.trace_id),
            "span_id": span_digits(context.span_id),
            "trace_flags": int(context.trace_flags),
        }
    except Exception as problem:  # noqa: BLE001  # somebody's own span: the line goes without
        _health.problem(problem)
        return {}


def _clean(fields: Mapping[str, Any]) -> Line:
    """Return fields as a line carries them."""
    clean: Line = {}
    for place, (name, value) in enumerate(fields.items()):
        if place == _MOST_FIELDS:
            clean["fields_left_out"] = len(fields) - _MOST_FIELDS
            break
        free = _free(name)
        if free in clean:  # two keys that are secrets, or too long
            free = f"{free} ({place + 1})"
        clean[free] = line_value(free, value)
    return clean


@lru_cache(maxsize=1024)
def _free(name: object) -> str:
    """Return the key of a field: its name, unless the line needs that itself."""
    return f"field_{name}" if name in LINE_KEYS else key_of(name)


@lru_cache(maxsize=64)
def _name_of(level: int) -> str:
    """Return the level's name, or that of the next lower one: an application may have levels of its own."""
    return _NAMES[max((known for known in _NAMES if known <= level), default=logging.DEBUG)]
