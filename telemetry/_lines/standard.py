"""Send the standard library's loggers (Django's, Celery's, libraries') and Python's warnings the way of all lines."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from telemetry import _health
from telemetry._boundary import text_of
from telemetry._lines import raises

Write = Callable[[int, str, Mapping[str, Any], BaseException | None], None]

_TASK_OUTCOMES = "celery.app.trace"
_REPEAT_SECONDS = 60
_MOST_REPEATED = 256
_MOST_BITS = 4_096  # Python does not print numbers of more than 4,300 digits
_OF_EVERY_RECORD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
"""The attributes of a record that are not `extra`."""
_QUIET = (
    "amqp",
    "asyncio",
    "celery.bootsteps",
    "celery.pool",
    "celery.utils.functional",
    "django.db.backends",
    "django.utils.autoreload",
    "grpc",
    "kombu",
    "opentelemetry.instrumentation",
    "urllib3",
)
"""Libraries whose DEBUG lines only help their own developers."""


def attach(write: Write, floor: int) -> None:
    """Have `write` write every later record from the level `floor` on."""
    root = logging.getLogger()
    root.handlers = [handler for handler in root.handlers if not isinstance(handler, _Handler)]
    root.addHandler(_Handler(write))
    root.setLevel(max(logging.DEBUG, floor))
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.INFO)
    logging.captureWarnings(capture=True)


@contextmanager
def heard(write: Write) -> Iterator[None]:
    """Let `write` write the records that the loggers let pass, inside, where `attach` has not seen to it."""
    root, handler = logging.getLogger(), _Handler(write)
    if not any(isinstance(other, _Handler) for other in root.handlers):
        root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)


def error_in(exc_info: Any) -> BaseException | None:
    """Return the error that `exc_info` means to the standard library: an error, its triple, or anything true."""
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        found = exc_info[1] if len(exc_info) > 1 else None
        return found if isinstance(found, BaseException) else None
    return sys.exc_info()[1] if is_asked_for(exc_info) else None


def is_asked_for(flag: Any) -> bool:
    """Return whether `flag` is true; what is neither true nor false, as arrays are, was given."""
    try:
        return bool(flag)
    except Exception as problem:  # noqa: BLE001  # neither true nor false, like an array: it was given
        _health.pass_on(problem)
        return True


class _Handler(logging.Handler):
    def __init__(self, write: Write) -> None:
        super().__init__()
        self._write_line = write
        self._seen: dict[tuple[str, str], float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record as a line."""
        try:
            error = error_in(record.exc_info)
            level = logging.DEBUG if self._is_repeated(record) or _is_told(record, error) else record.levelno
            self._write_line(level, _message(record), _fields(record), error)
        except Exception as problem:  # noqa: BLE001  # telemetry never breaks its host
            _health.problem(problem)

    def _is_repeated(self, record: logging.LogRecord) -> bool:
        """Return whether the same was logged within the last minute: a missing collector is reported twice a second."""
        if not str(record.name).startswith("opentelemetry.exporter"):  # a hand-made record may have none
            return False
        key, now = (record.name, str(record.msg)), time.monotonic()
        if now < self._seen.get(key, now):
            return True
        if len(self._seen) >= _MOST_REPEATED:
            self._seen.clear()
        self._seen[key] = now + _REPEAT_SECONDS
        return False


def _is_told(record: logging.LogRecord, error: BaseException | None) -> bool:
    """Return whether this is Celery's record of a failure that already has a line: one failure is one error line."""
    return record.name == _TASK_OUTCOMES and error is not None and raises.is_told(error)


def _message(record: logging.LogRecord) -> str:
    """Return the record's message or, if an argument cannot be formatted, what can be said of it."""
    try:
        return record.getMessage()
    except Exception as problem:  # noqa: BLE001  # a wrong placeholder, somebody's __str__
        _health.pass_on(problem)
    return _mended(record.msg, record.args)


def formatted(template: object, arguments: tuple[Any, ...]) -> str:
    """Return what a logger's `template` says with `arguments`, of which a single mapping is looked up by name."""
    values: Any = arguments
    try:
        if len(arguments) == 1 and isinstance(arguments[0], Mapping) and arguments[0]:
            (values,) = arguments
        return str(str(template) % values)
    except Exception as problem:  # noqa: BLE001  # a wrong placeholder, somebody's __str__
        _health.pass_on(problem)
    return _mended(template, values)


def _mended(said: object, given: Any) -> str:
    template, arguments = text_of(said), _with_texts(given)
    try:
        return str(template % arguments)
    except Exception as problem:  # noqa: BLE001  # the placeholder is wrong
        _health.pass_on(problem)
        return f"{template} {arguments}" if arguments else template


def _with_texts(arguments: Any) -> Any:
    if isinstance(arguments, Mapping):
        return {text_of(name): _number_or_text(value) for name, value in arguments.items()}
    return tuple(map(_number_or_text, arguments or ()))


def _number_or_text(value: Any) -> Any:
    is_number = type(value) is float or (type(value) is int and value.bit_length() < _MOST_BITS)
    return value if is_number else text_of(value)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    fields: dict[str, Any] = {"logger": record.name}
    for name, value in record.__dict__.items():
        if name not in _OF_EVERY_RECORD:
            fields["field_logger" if name == "logger" else name] = value
    if str(record.name).startswith("celery."):
        fields.pop("data", None)  # its message repeats the traceback
    if record.stack_info:
        fields["stack"] = record.stack_info
    return fields
