"""Put the standard library's loggers (Django's, Celery's, libraries') and Python's warnings on the one path of all lines."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from telemetry import _health

Write = Callable[[int, str, Mapping[str, Any], BaseException | None], None]

_REPEAT_SECONDS = 60
_OF_EVERY_RECORD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
"""What is no `extra`."""
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
"""Their DEBUG is for whoever works on them."""


def attach(write: Write, floor: int) -> None:
    """Let `write` write every record from `floor` on, in place of an earlier one."""
    root = logging.getLogger()
    root.handlers = [handler for handler in root.handlers if not isinstance(handler, _Handler)]
    root.addHandler(_Handler(write))
    root.setLevel(max(logging.DEBUG, floor))
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.INFO)
    logging.captureWarnings(capture=True)


class _Handler(logging.Handler):
    def __init__(self, write: Write) -> None:
        super().__init__()
        self._write_line = write
        self._said: dict[tuple[str, object], float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except Exception as problem:  # noqa: BLE001  # a wrong placeholder, an argument without text
            _health.pass_on(problem)
            message = record.msg if isinstance(record.msg, str) else f"a {type(record.msg).__name__} that has no text"
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        level = logging.DEBUG if self._is_repeated(record) else record.levelno
        extra = {name: value for name, value in record.__dict__.items() if name not in _OF_EVERY_RECORD}
        if record.name.startswith("celery."):
            extra.pop("data", None)  # what its message says, and the traceback a second time
        self._write_line(level, message, {"logger": record.name, **extra}, error)

    def _is_repeated(self, record: logging.LogRecord) -> bool:
        """Return whether the same was said within the last minute: a collector that is down is reported twice a second."""
        if not record.name.startswith("opentelemetry.exporter"):
            return False
        key, now = (record.name, record.msg), time.monotonic()
        if now < self._said.get(key, 0.0) + _REPEAT_SECONDS and key in self._said:
            return True
        self._said[key] = now
        return False
