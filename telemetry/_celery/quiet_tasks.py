"""Quiet tasks: those that run every few seconds and mostly find nothing to do make no spans and no noise.

What they send or emit has spans and lines as always; only `apply_async/…` and `run/…` of the task itself are left out, and
Celery's lines about it are DEBUG: in the files, not on the stream.
"""

from __future__ import annotations

import logging
from typing import Any

from celery import Task

_ABOUT_TASKS = ("celery.worker.strategy", "celery.app.trace", "celery.beat")
_names: set[str] = set()


class QuietTask(Task):  # type: ignore[type-arg]  # celery's class takes no parameters when it runs
    """The base of a task that is not traced: `@shared_task(base=QuietTask)`."""

    @classmethod
    def on_bound(cls, app: Any) -> None:
        """Remember the task's name, for messages and lines that know nothing else of it."""
        _names.add(cls.name)
        super().on_bound(app)


def is_quiet(task_name: str) -> bool:
    """Return whether this process knows a `QuietTask` by this name."""
    return task_name in _names


def hush() -> None:
    """Let Celery's lines about quiet tasks be DEBUG."""
    for name in _ABOUT_TASKS:
        logging.getLogger(name).addFilter(_demote)


def _demote(record: logging.LogRecord) -> bool:
    arguments = record.args
    if isinstance(arguments, dict):  # the worker's
        task = arguments.get("name")
    else:  # beat's: the entry's name, the task's name
        task = arguments[1] if isinstance(arguments, tuple) and len(arguments) > 1 else None
    if record.levelno == logging.INFO and isinstance(task, str) and is_quiet(task):
        record.levelno, record.levelname = logging.DEBUG, "DEBUG"
    return True
