"""This process's journal: keep what is known of its spans until they are exported, in a file that outlives it.

`telemetry._journals` says what is in the file and reads it. Each step of a span is one line, written at once with one
`write(2)`, so that a SIGKILL loses none; a mapped file would cost a microsecond less, but would kill its process when
somebody truncates it or the disk is full.
"""

from __future__ import annotations

import fcntl
import os
import socket
import threading
import time
import weakref
from collections.abc import Callable, Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from pathlib import Path

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import StatusCode

from telemetry import _health, _journals
from telemetry._export.listening import listen
from telemetry._export.marks import Mark
from telemetry._export.steps import Step, left_line, line_of, resource_as, started, status_as
from telemetry._hexadecimal import span_digits
from telemetry._journals import boot_id, machine_id, pid_namespace

_COMPACT_BYTES = 1024 * 1024
_AGAIN_SECONDS = 1.0
_NO_FILE = -1  # as a descriptor; 0 is a valid one where standard input is closed


class Journal(SpanProcessor):
    """Record every span that starts, what it learns, that it ended, and which exporters are done with it.

    The file is created with the first span, and again once it has grown or is gone. The journal raises no errors: a
    span that cannot be recorded is still exported.
    """

    def __init__(self, folder: Path, *, most_waiting: int, is_child: Callable[[], bool] = lambda: False) -> None:
        self._folder, self._most_waiting, self._is_child = folder, most_waiting, is_child
        self._exporters: dict[str, int] = {}
        self._all = 0
        self._on_open: Callable[[], None] = lambda: None
        self._begin()
        after_fork = weakref.WeakMethod(self._after_fork)
        os.register_at_fork(after_in_child=lambda: (after_fork() or (lambda: None))())

    def _begin(self) -> None:
        self._lock = threading.RLock()
        self._fd = self._inode = _NO_FILE
        self._path = self._folder / f"{socket.gethostname()}-{os.getpid()}-{time.time_ns():x}.jsonl"
        self._lines: dict[int, list[bytes]] = {}
        self._waiting: dict[int, int] = {}
        self._contested: set[int] = set()
        self._resource: Resource | None = None
        self._leaving = b""
        self._size, self._compact_at = 0, _COMPACT_BYTES
        self._is_whole, self._again_at = False, 0.0

    def expect(self, exporter: str) -> None:
        """Keep every span until this exporter is done with it as well."""
        self._exporters[exporter] = 1 << len(self._exporters)
        self._all = sum(self._exporters.values())

    def on_opened(self, call: Callable[[], None]) -> None:
        """Call this when the process has a journal."""
        self._on_open = call

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Write down that a span has started."""
        try:
            context = span.get_span_context()
            if context.trace_flags.sampled:
                step = started(span, context)
                with self._lock:
                    self._write_first(context.span_id, step, span.resource)
                listen(span, self)
        except Exception as problem:  # noqa: BLE001  # telemetry never breaks its host
            _health.problem(problem)

    def learned(self, span_id: int, step: Step) -> None:
        """Write down what an open span has learned."""
        try:
            with self._lock:
                if span_id in self._lines and span_id not in self._waiting:
                    self._write(span_id, {"id": span_digits(span_id), **step, "at": time.time_ns()})
        except Exception as problem:  # noqa: BLE001  # telemetry never breaks its host
            _health.problem(problem)

    def contest(self, span_ids: AbstractSet[int]) -> None:
        """Record that these spans, open now or later, are in a last will, so that somebody else may end them."""
        try:
            with self._lock:
                self._contested.update(span_ids)
                for span_id in span_ids & self._lines.keys():
                    self._write(span_id, {"id": span_digits(span_id), "will": True, "at": time.time_ns()})
        except Exception as problem:  # noqa: BLE001  # telemetry never breaks its host
            _health.problem(problem)

    def uncontest(self, span_ids: Collection[int]) -> None:
        """Forget that somebody else might have ended these spans; what is already in the journal stays."""
        with self._lock:
            self._contested.difference_update(span_ids)

    def home(self) -> str:
        """Return the id of this journal's home; "" while the journal is incomplete."""
        try:
            with self._lock:
                return _journals.home_id(self._folder, make=True) if self._is_whole else ""
        except OSError as problem:
            _health.problem(problem)
            return ""

    def on_end(self, span: ReadableSpan) -> None:
        """Record that a span has ended; from here on it waits for its exporters.

        A span that this process did not start, such as a reserved root, is recorded whole: it was never open here.
        """
        context = span.get_span_context()
        if context is None or not context.trace_flags.sampled or getattr(span, "has_died", False):
            return  # one that outlived its process is in that process's journal
        try:
            is_known = context.span_id in self._lines
            step: Step = {"id": span_digits(context.span_id), "end": span.end_time, "at": time.time_ns()}
            if not is_known:
                step = {**started(span, context), **step}
            elif unsaid := getattr(span, "unsaid", None):
                step["a"] = unsaid
            if span.status.status_code is not StatusCode.UNSET:
                step["status"] = status_as(span.status.status_code, span.status.description)
            with self._lock:
                if is_known:
                    self._write(context.span_id, step)
                else:
                    self._write_first(context.span_id, step, span.resource)
                self._waiting[context.span_id] = self._all
                if not self._exporters:
                    self._forget(context.span_id)
                elif len(self._waiting) > self._most_waiting:  # the exporters' queues have dropped it too
                    oldest = next(iter(self._waiting))
                    self._forget(oldest)
                    self._append(line_of({"gone": [span_digits(oldest)]}))
        except Exception as problem:  # noqa: BLE001  # telemetry never breaks its host
            _health.problem(problem)

    @contextmanager
    def left(self, name: str, spans: Sequence[ReadableSpan], mark: Mark | None = None) -> Iterator[None]:
        """Record that an exporter is done with these spans, and forget them once the block has counted them.

        It has taken them or given them up. `mark` says who counts them; without one nobody does.
        """
        with self._lock:
            mine: list[int] = []
            try:
                mine = self._write_left(name, spans, mark)
            except Exception as problem:  # noqa: BLE001  # telemetry never breaks its host
                _health.problem(problem)
            yield
            self._leaving = b""
            for span_id in mine:
                if not self._waiting[span_id]:
                    self._forget(span_id)

    def _write_left(self, name: str, spans: Sequence[ReadableSpan], mark: Mark | None) -> list[int]:
        ids = [context.span_id for span in spans if (context := span.get_span_context()) is not None]
        mine = [span_id for span_id in ids if span_id in self._waiting]
        for span_id in mine:
            self._waiting[span_id] &= ~self._exporters[name]
            if self._waiting[span_id]:
                self._lines[span_id].append(left_line(name, [span_digits(span_id)], mark))
        if mine:
            self._leaving = left_line(name, [span_digits(one) for one in mine], mark, at=time.time_ns())
            self._append(self._leaving)
        return mine

    def beat(self) -> None:
        """Write a sign of life while spans are open, and the whole journal if it is gone or incomplete."""
        try:
            with self._lock:
                if len(self._lines) > len(self._waiting):
                    self._append(line_of({"at": time.time_ns()}), must_look=True)
        except Exception as problem:  # noqa: BLE001  # telemetry never breaks its host
            _health.problem(problem)

    def close(self) -> None:
        """Remove the file if nothing is left in it; the next span creates it again."""
        with self._lock:
            if self._fd != _NO_FILE and not self._lines:
                self._path.unlink(missing_ok=True)
                self._close()

    def shutdown(self) -> None:
        """Remove the file if nothing is left in it."""
        self.close()

    def _write_first(self, span_id: int, step: Step, resource: Resource) -> None:
        if self._resource is None:
            self._resource = resource
        elif resource is not self._resource:
            step["resource"] = resource_as(resource)
        if span_id in self._contested:
            step["will"] = True
        self._lines[span_id] = []
        self._write(span_id, step)

    def _write(self, span_id: int, step: Step) -> None:
        line = line_of(step)
        self._lines[span_id].append(line)
        self._append(line)

    def _forget(self, span_id: int) -> None:
        self._waiting.pop(span_id, None)
        self._lines.pop(span_id, None)
        self._contested.discard(span_id)

    def _append(self, line: bytes, *, must_look: bool = False) -> None:
        """Append a line, or rewrite the whole journal if the file is missing, too long, or lacks a line."""
        try:
            if self._is_whole and self._size <= self._compact_at and not (must_look and self._is_gone()):
                self._is_whole = False  # until the line is written
                written = os.write(self._fd, line)
                self._size += written
                self._is_whole = written == len(line)
            elif time.monotonic() >= self._again_at:
                self._write_anew()
        except OSError as problem:
            self._is_whole, self._again_at = False, time.monotonic() + _AGAIN_SECONDS
            _health.problem(problem)

    def _is_gone(self) -> bool:
        try:
            return self._path.stat().st_ino != self._inode
        except FileNotFoundError:
            return True

    def _write_anew(self) -> None:
        """Replace the file with one of what is open or waiting."""
        self._folder.mkdir(parents=True, exist_ok=True)
        new = self._path.with_suffix(".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC, 0o640)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            lines = (line for lines in self._lines.values() for line in lines)
            content = b"".join([line_of(self._header()), *lines, self._leaving])
            written = 0
            while written < len(content):
                written += os.write(descriptor, content[written:])
            new.rename(self._path)
        except BaseException:
            os.close(descriptor)
            new.unlink(missing_ok=True)
            raise
        is_first = self._fd == _NO_FILE
        self._close()
        self._fd, self._inode, self._is_whole = descriptor, os.fstat(descriptor).st_ino, True
        self._size, self._compact_at = len(content), max(_COMPACT_BYTES, 4 * len(content))
        if is_first:
            self._on_open()

    def _header(self) -> Step:
        return {
            "journal": 1,
            **this_process(self._resource),
            "is_child": self._is_child(),
            "exporters": list(self._exporters),
        }

    def _close(self) -> None:
        if self._fd != _NO_FILE:
            os.close(self._fd)
        self._fd, self._is_whole = _NO_FILE, False

    def _after_fork(self) -> None:
        """Leave the parent's journal to the parent: open spans that the child inherited are the parent's."""
        self._close()  # an open descriptor would keep holding the parent's lock
        self._begin()


def this_process(resource: Resource | None) -> Step:
    """Return what others need to know of this process once it is dead."""
    return {
        "host": socket.gethostname(),
        "machine": machine_id(),
        "boot": boot_id(),
        "pidns": pid_namespace(),
        "pid": os.getpid(),
        "ppid": os.getppid(),
        "resource": [{}, ""] if resource is None else resource_as(resource),
        "at": time.time_ns(),
    }
