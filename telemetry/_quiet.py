"""Tasks that run every few seconds and mostly find nothing to do make no spans and no noise.

What they send or emit has spans and lines as always; only ``apply_async/…`` and ``run/…`` of the task itself are left
out, and Celery's lines about it are DEBUG: in the files, not on the stream.
"""

from __future__ import annotations

import logging
from typing import Any

from celery import Task, current_app
from opentelemetry import trace
from opentelemetry.trace import INVALID_SPAN, Span, Tracer, TracerProvider
from opentelemetry.util.types import Attributes

_ABOUT_TASKS = ("celery.worker.strategy", "celery.app.trace", "celery.beat")


class QuietTask(Task):  # type: ignore[type-arg]  # celery's class takes no parameters when it runs
    """What such a task is declared with: ``@shared_task(base=QuietTask)``."""


def is_quiet(task_name: str) -> bool:
    """Whether this process knows a `QuietTask` by this name."""
    return isinstance(current_app.tasks.get(task_name), QuietTask)


class QuietProvider(TracerProvider):
    """The process's provider, for the instrumentor of Celery."""

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes | None = None,
    ) -> Tracer:
        return _QuietTracer(
            trace.get_tracer(
                instrumenting_module_name, instrumenting_library_version, schema_url=schema_url, attributes=attributes
            )
        )


class _QuietTracer(Tracer):
    """Spans are named ``apply_async/<task>`` and ``run/<task>``."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def start_span(self, name: str, *args: Any, **options: Any) -> Span:
        if is_quiet(name.partition("/")[2]):
            return INVALID_SPAN
        return self._tracer.start_span(name, *args, **options)

    def start_as_current_span(self, name: str, *args: Any, **options: Any) -> Any:
        return self._tracer.start_as_current_span(name, *args, **options)


def hush() -> None:
    """Celery's lines about quiet tasks are DEBUG."""
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
