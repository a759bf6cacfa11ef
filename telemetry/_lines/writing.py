"""One path for every line: declared events, structlog loggers, and the standard library's loggers of Django and Celery.

A line is flat JSON in this order: `timestamp`, `level`, `event`, the event's fields, bound context, `trace_id`,
`span_id`, `trace_flags`, and `exception` where there is one. Every text in it is redacted. It is written at once, so
that what a process said before a SIGKILL is there.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TextIO

import structlog
from opentelemetry import trace

from telemetry import _health
from telemetry._boundary import key, line_value, message_of, text
from telemetry._export.line_files import LineFile
from telemetry._lines import context as bound_context
from telemetry._lines import raises, standard
from telemetry._lines.context import clean_bound
from telemetry._lines.sinks import Captured, ConsoleSink, FileSink, JsonSink, Line, Sink
from telemetry.model import LINE_KEYS, Level
from telemetry.settings import TelemetrySettings
from telemetry.timestamps import iso_microseconds

_NAMES = {level.value: level.name.lower() for level in Level}

Entry = tuple[int, str, Mapping[str, Any]]
"""A line to be: its level, event and fields."""


class _Output:
    """The process's sinks, replaced whole, so that no line meets half a configuration."""

    def __init__(self) -> None:
        self.sinks: tuple[Sink, ...] = ()
        self.floor = logging.CRITICAL + 1
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def use(self, sinks: tuple[Sink, ...]) -> None:
        self.sinks = sinks
        self.floor = min((sink.level for sink in sinks), default=logging.CRITICAL + 1)


_output = _Output()


def configure(settings: TelemetrySettings, *, stream: TextIO | None = None) -> None:
    """Send lines to the settings' file and to `stream`, those of structlog and of the standard library's loggers alike.

    An application that has configured structlog itself keeps its chain, and our lines go through that.
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
        structlog.configure(processors=[_to_line], cache_logger_on_first_use=False)
    standard.attach(_write_standard, _output.floor)
    _health.report_to(_write_problem)


def _write_problem(error: Exception, swallowed: int) -> None:
    """Write what telemetry swallowed as a line of its own."""
    fields = {"error_type": type(error).__name__, "error_msg": message_of(error), "swallowed": swallowed}
    _write_all([(logging.WARNING, "telemetry.problem", fields)], error)


def set_stream_level(level: int) -> None:
    """Send only lines from `level` on to the stream; files keep every level."""
    for sink in _output.sinks:
        if isinstance(sink, JsonSink | ConsoleSink):
            sink.level = level
    _output.use(_output.sinks)


def write_line(
    level: int, event: str, fields: Mapping[str, Any] | None = None, *, error: BaseException | None = None
) -> None:
    """Write one line of `event`, through the application's own structlog chain where it has one."""
    if structlog.is_configured() and not _is_ours():
        # Whether their chain redacts is not known.
        shown = {_free(name): line_value(name, value) for name, value in (fields or {}).items()}
        if error is not None:
            shown["exception"] = text("".join(traceback.format_exception(error)))
        structlog.get_logger("telemetry").log(level, line_value("event", event), **shown)
        return
    _write_all([(level, event, fields or {})], error)


def fix_time(now: Callable[[], datetime]) -> None:
    """Let `now` say when lines are written, until the active capture ends."""
    _output.now = now


def write_declared(entries: Sequence[Entry], *, error: BaseException | None = None) -> None:
    """Write lines of declared events, whose values went through the boundary: at one time, by one write to each file."""
    if structlog.is_configured() and not _is_ours():
        for level, event, fields in entries:
            write_line(level, event, fields, error=error)
        return
    _write_all(entries, error, are_clean=True)


def add_trace_ids(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add `trace_id`, `span_id` and `trace_flags` of the current span, as a processor for anyone's structlog chain.

    Also for a span that is not recorded: whoever samples elsewhere still has the ids.
    """
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = f"{context.trace_id:032x}"
        event["span_id"] = f"{context.span_id:016x}"
        event["trace_flags"] = int(context.trace_flags)
    return event


@contextmanager
def capture() -> Iterator[Captured]:
    """Capture every line written inside."""
    sink = Captured()
    before, clock = _output.sinks, _output.now
    _output.use((*before, sink))
    try:
        yield sink
    finally:
        _output.now = clock
        _output.use(tuple(other for other in _output.sinks if other is not sink))


def _to_line(_logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
    """Write the line, as the last processor of our structlog chain, and leave structlog nothing to do."""
    name = event.pop("event", "")
    error = _error_in(event.pop("exc_info", None))
    _write_all([(Level.named(method) or Level.INFO, name, event)], error)
    raise structlog.DropEvent


def _error_in(exc_info: Any) -> BaseException | None:
    """Return the error that `exc_info` means, as the standard library reads it: an error, its triple, or anything true."""
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        found = exc_info[1] if len(exc_info) > 1 else None
        return found if isinstance(found, BaseException) else None
    return sys.exc_info()[1] if exc_info else None


def _is_ours() -> bool:
    return _to_line in structlog.get_config()["processors"]


def _write_standard(level: int, event: str, fields: Mapping[str, Any], error: BaseException | None) -> None:
    """Write a record of the standard library; where a line with the traceback of the same raise is, it is not repeated."""
    _write_all([(level, event, fields)], error, repeat_traceback=False)


def _write_all(
    entries: Sequence[Entry], error: BaseException | None, *, are_clean: bool = False, repeat_traceback: bool = True
) -> None:
    entries = [entry for entry in entries if entry[0] >= _output.floor]
    if not entries:
        return
    try:
        lines = _compose(entries, are_clean=are_clean)
        exception = "" if error is None else text("".join(traceback.format_exception(error)))
    except Exception as problem:  # noqa: BLE001  # telemetry never breaks its host
        _health.problem(problem)
        return
    for sink in _output.sinks:
        wanted = lines
        if sink.level > _output.floor:
            wanted = [line for line, entry in zip(lines, entries, strict=True) if entry[0] >= sink.level]
        if not wanted:
            continue
        try:
            if error is not None and (repeat_traceback or not raises.is_written(error, sink)):
                wanted = [{**line, "exception": exception} for line in wanted]
                raises.mark_written(error, sink)
            sink.write(wanted)
        except Exception as problem:  # noqa: BLE001  # a full disk, a closed stream: the other sinks get their lines
            _health.problem(problem)


def _compose(entries: Sequence[Entry], *, are_clean: bool) -> list[Line]:
    time, context = iso_microseconds(_output.now()), clean_bound()
    ids = add_trace_ids(None, "", {})
    lines: list[Line] = []
    for level, event, fields in entries:
        line: Line = {"timestamp": time, "level": _NAMES.get(level, "info"), "event": event}
        if are_clean:
            line |= fields
        else:
            line["event"] = line_value("event", event)
            for name, value in fields.items():
                line[_free(name)] = line_value(name, value)
        for name, value in context.items():
            line.setdefault(_free(name), value)
        line |= ids
        lines.append(line)
    return lines


@lru_cache(maxsize=1024)
def _free(name: object) -> str:
    """Return the key of a field: its name, unless the line needs that itself."""
    return f"field_{name}" if name in LINE_KEYS else key(name)
