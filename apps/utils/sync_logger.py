"""Lines, context and timed blocks for code outside the catalog's operations, checked against the catalog.

A line whose event is in the catalog must have the event's level and fields; other names are free::

    log = get_sync_logger(__name__)
    with sync_context(team_id=1, repo_id=2):
        log.info("sync.repo.started", full_name="a/b")
        with timed_operation(log, "cache.fill", size=3) as found:
            found["hits"] = 2
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any

import telemetry
from apps.catalog import CONTEXT
from telemetry.catalog import check_line
from telemetry.model import Level, declared_events
from telemetry.timestamps import iso_seconds


class UncataloguedLineError(ValueError):
    """A line in a catalog namespace violates the catalog."""

    error_type = "uncatalogued_line"


class SyncLogger:
    """Writes lines, and checks those that the catalog declares.

    A bound field (`sync_context`) need not be given again. A line that violates the catalog is still written, and
    counted in `telemetry.swallowed`; under the test kit it raises `UncataloguedLineError`.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def debug(self, event: str, /, **fields: Any) -> None:
        """Write a line at level debug."""
        self.log(Level.DEBUG, event, fields)

    def info(self, event: str, /, **fields: Any) -> None:
        """Write a line at level info."""
        self.log(Level.INFO, event, fields)

    def warning(self, event: str, /, **fields: Any) -> None:
        """Write a line at level warning."""
        self.log(Level.WARNING, event, fields)

    def error(self, event: str, /, **fields: Any) -> None:
        """Write a line at level error."""
        self.log(Level.ERROR, event, fields)

    def exception(self, event: str, /, **fields: Any) -> None:
        """Write a line at level error, with the traceback of the exception being handled."""
        self.log(Level.ERROR, event, fields, error=sys.exc_info()[1])

    def log(self, level: Level, event: str, fields: Mapping[str, Any], *, error: BaseException | None = None) -> None:
        """Write a line at `level`; `error` gives it an `exception`."""
        try:
            values, problems = self._checked(level, event, fields)
        except Exception as odd:  # noqa: BLE001  # any class may fail: the line is still written
            values, problems = dict(fields), [f"it cannot be checked: {telemetry.message_of(odd)}"]
        telemetry.write_line(level, event, values, error=error)
        if problems:
            telemetry.problem(UncataloguedLineError("; ".join(problems)))

    def _checked(self, level: Level, event: str, fields: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Return the fields in the catalog's order, including bound ones, and what is wrong with them."""
        values = {name: _as_declared(value) for name, value in fields.items()}
        spec = declared_events().get(event)
        if spec is not None:
            known = telemetry.bound() | values
            values = {field.name: known[field.name] for field in spec.fields if field.name in known} | values
        problems = check_line({"level": level.name.lower(), "event": event, **values}, context=CONTEXT)
        if spec is None and not problems:
            values["logger"] = self.name
        return values, problems


def get_sync_logger(name: str) -> SyncLogger:
    """Return a logger; lines outside the catalog carry its `name` as `logger`."""
    return SyncLogger(name)


def sync_context(
    *, team_id: int | None = None, repo_id: int | None = None, task_id: str | None = None
) -> AbstractContextManager[None]:
    """Bind context to every line and span inside, and in tasks sent from there; blocks nest."""
    given = {"team_id": team_id, "repo_id": repo_id, "task_id": task_id}
    return telemetry.bind(**{name: value for name, value in given.items() if value is not None})


@contextmanager
def timed_operation(logger: SyncLogger, name: str, /, **fields: Any) -> Iterator[dict[str, Any]]:
    """Time a block, which is one span and, when it ends, one line with its `duration_ms`; both are called `name`.

    The line also carries what the block puts into the dict that it receives. If the block raises, the line is an error
    with `error_type`, `error_msg` and `exception`; a catalog event keeps its level and fields, with null for what is
    unknown by then.
    """
    found: dict[str, Any] = {}
    spec = declared_events().get(name)

    def write(error: BaseException | None) -> None:
        level, values = Level.INFO, {**fields, **found, "duration_ms": round((time.perf_counter() - started) * 1000, 3)}
        if spec is not None:
            level = spec.level
            unknown = {} if error is None else {field.name: None for field in spec.fields if field.nullable}
            values = unknown | values
        elif error is not None:
            level = Level.ERROR
            values |= {"error_type": telemetry.error_type(error), "error_msg": telemetry.message_of(error)}
        logger.log(level, name, values, error=error)

    with telemetry.span(name, **fields):
        started = time.perf_counter()
        try:
            yield found
        except BaseException as error:
            write(error)
            raise
        write(None)


def _as_declared(value: Any) -> Any:
    """Return a moment as the catalog writes it, and anything else unchanged."""
    return iso_seconds(value) if isinstance(value, datetime) and value.tzinfo is not None else value
