"""The face of telemetry for code outside the catalog's operations: checked log lines, bound context, timed blocks.

Names outside ``sync.`` are free; a line inside it is checked against the catalog::

    log = get_sync_logger(__name__)
    with sync_context(team_id=1, repo_id=2):
        log.info("sync.repo.started", full_name="a/b")
        with timed_operation(log, "cache.fill", size=3) as found:
            found["hits"] = 2
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any

import telemetry
from apps.catalog import CONTEXT, TABLE
from telemetry import error_type
from telemetry.catalog import check_line
from telemetry.model import EventSpec, Level, declared_events, rendered

_NAMESPACE = f"{TABLE[0].partition('.')[0]}."


class UncataloguedLineError(ValueError):
    """A line of the catalog's namespace that is not as the catalog says."""

    error_type = "uncatalogued_line"


class SyncLogger:
    """Writes lines; one whose event starts with ``sync.`` must be the catalog's, with its level and its fields.

    A field that is bound (`sync_context`) need not be given again. A line that breaks the catalog is written all the same,
    and counted in `telemetry.swallowed`; under the test kit it is an `UncataloguedLineError`.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def debug(self, event: str, /, **fields: Any) -> None:
        """One line of ``event`` is written at this level."""
        self.log(Level.DEBUG, event, fields)

    def info(self, event: str, /, **fields: Any) -> None:
        """One line of ``event`` is written at this level."""
        self.log(Level.INFO, event, fields)

    def warning(self, event: str, /, **fields: Any) -> None:
        """One line of ``event`` is written at this level."""
        self.log(Level.WARNING, event, fields)

    def error(self, event: str, /, **fields: Any) -> None:
        """One line of ``event`` is written at this level."""
        self.log(Level.ERROR, event, fields)

    def exception(self, event: str, /, **fields: Any) -> None:
        """One line of ``event`` is written as an error, with the traceback of the exception that is being handled."""
        self.log(Level.ERROR, event, fields, error=sys.exc_info()[1])

    def log(self, level: Level, event: str, fields: dict[str, Any], *, error: BaseException | None = None) -> None:
        """One line of ``event`` is written at ``level``; ``error`` gives it an ``exception``."""
        values = {name: rendered(value) if isinstance(value, datetime) else value for name, value in fields.items()}
        problems: list[str] = []
        if event.startswith(_NAMESPACE):
            values = _in_declared_order(declared_events().get(event), telemetry.bound(), values)
            problems = check_line({"level": level.name.lower(), "event": event, **values}, context=CONTEXT)
        else:
            values["logger"] = self.name
        telemetry.write_line(level, event, values, error=error)
        if problems:
            telemetry.problem(UncataloguedLineError("; ".join(problems)))


def get_sync_logger(name: str) -> SyncLogger:
    """A logger whose ``sync.*`` lines are checked; ``name`` stands on its other lines as ``logger``."""
    return SyncLogger(name)


def sync_context(
    *, team_id: int | None = None, repo_id: int | None = None, task_id: str | None = None
) -> AbstractContextManager[None]:
    """Inside, what is given is on every line and span, and on those of tasks sent from here; it nests."""
    given = {"team_id": team_id, "repo_id": repo_id, "task_id": task_id}
    return telemetry.bind(**{name: value for name, value in given.items() if value is not None})


@contextmanager
def timed_operation(logger: SyncLogger, name: str, /, **fields: Any) -> Iterator[dict[str, Any]]:
    """A block that is one span and, when it ends, one line, both called ``name``; the line has its ``duration_ms``.

    What the block puts into the dict it is given is on the line too. When it raises, the line is an error with
    ``error_type``, ``error_msg`` and ``exception``; an event of the catalog keeps its level and fields, and what is not
    known by then is null.
    """
    found: dict[str, Any] = {}
    spec = declared_events().get(name)
    attributes = {key: rendered(value) for key, value in fields.items()}

    def write(error: BaseException | None) -> None:
        values = {**fields, **found, "duration_ms": round((time.perf_counter() - started) * 1000, 3)}
        if spec is not None:
            if error is not None:
                values = {field.name: None for field in spec.fields if field.nullable} | values
            logger.log(spec.level, name, values, error=error)
        elif error is not None:
            logger.log(Level.ERROR, name, values | {"error_type": error_type(error), "error_msg": str(error)}, error=error)
        else:
            logger.log(Level.INFO, name, values)

    with telemetry.span(name, **attributes):
        started = time.perf_counter()
        try:
            yield found
        except BaseException as error:
            write(error)
            raise
        write(None)


def _in_declared_order(spec: EventSpec | None, bound: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """``values``, and what is bound of the event's fields, in the order in which the catalog names them."""
    if spec is None:
        return values
    given = bound | values
    return {field.name: given[field.name] for field in spec.fields if field.name in given} | values
