"""The standard library's loggers (Django's, Celery's, libraries') and Python's warnings, on the one path of all lines."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

Write = Callable[[int, str, Mapping[str, Any], BaseException | None], None]

_TOLD_SECONDS = 60
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
    """Records from ``floor`` are written by ``write``, and by no earlier one."""
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
        self._told: dict[tuple[str, object], float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001  # a wrong placeholder, an argument without text
            message = record.msg if isinstance(record.msg, str) else f"a {type(record.msg).__name__} that has no text"
        error = record.exc_info[1] if record.exc_info else None
        level = logging.DEBUG if self._was_told(record) else record.levelno
        self._write_line(level, message, {"logger": record.name}, error)

    def _was_told(self, record: logging.LogRecord) -> bool:
        """Whether the same was said within the last minute: a collector that is down is said twice a second."""
        if not record.name.startswith("opentelemetry.exporter"):
            return False
        key, now = (record.name, record.msg), time.monotonic()
        if now < self._told.get(key, 0.0) + _TOLD_SECONDS and key in self._told:
            return True
        self._told[key] = now
        return False
