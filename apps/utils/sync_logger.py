"""The face of the telemetry layer for code outside the catalog: a logger, a context, a timed block.

::

    logger = get_sync_logger(__name__)
    with sync_context(team_id=1, repo_id=2):
        logger.info("sync.repo.started", team_id=1, repo_id=2, full_name="a/b")
        with timed_operation(logger, "import.csv", rows=100):
            ...
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from telemetry import bind, logs, span
from telemetry.catalog import check_event
from telemetry.model import Level


class SyncLogger:
    """A logger whose ``sync.*`` events are checked against the catalog.

    A line that is not as the catalog says is an error under the test kit; in production it is counted, and written.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def debug(self, event: str, /, **fields: Any) -> None:
        """A DEBUG line of ``event`` is written."""
        self._write(Level.DEBUG, event, fields)

    def info(self, event: str, /, **fields: Any) -> None:
        """An INFO line of ``event`` is written."""
        self._write(Level.INFO, event, fields)

    def warning(self, event: str, /, **fields: Any) -> None:
        """A WARNING line of ``event`` is written."""
        self._write(Level.WARNING, event, fields)

    def error(self, event: str, /, **fields: Any) -> None:
        """An ERROR line of ``event`` is written."""
        self._write(Level.ERROR, event, fields)

    def exception(self, event: str, /, **fields: Any) -> None:
        """An ERROR line of ``event`` is written, with the exception that is being handled."""
        self._write(Level.ERROR, event, fields, sys.exc_info()[1])

    def _write(self, level: Level, event: str, fields: dict[str, Any], error: BaseException | None = None) -> None:
        check_event(level.name.lower(), event, fields)
        if not event.startswith("sync."):  # a catalog's line has its declared fields and no other
            fields = {**fields, "logger": self._name}
        logs.write(level, event, fields, error=error)


def get_sync_logger(name: str) -> SyncLogger:
    """The logger of the module ``name``."""
    return SyncLogger(name)


def sync_context(
    *, team_id: int | None = None, repo_id: int | None = None, task_id: str | None = None
) -> AbstractContextManager[None]:
    """Inside, every line and span carries what is given; outside it is as it was before."""
    given = {"team_id": team_id, "repo_id": repo_id, "task_id": task_id}
    return bind(**{name: value for name, value in given.items() if value is not None})


@contextmanager
def timed_operation(logger: SyncLogger, name: str, /, **fields: Any) -> Iterator[None]:
    """The block is a span ``name``, and a line with its ``duration_ms``, also when it raises: then an ERROR line."""
    started = time.perf_counter()
    with span(name, {key: value for key, value in fields.items() if isinstance(value, str | int | float | bool)}):
        try:
            yield
        except BaseException as error:
            logger.exception(name, **fields, duration_ms=_since(started), error_type=type(error).__name__)
            raise
        logger.info(name, **fields, duration_ms=_since(started))


def _since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)
