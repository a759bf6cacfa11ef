"""A consumer span for each attempt at a task, from Celery's signals in the process that runs it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from celery import current_task
from opentelemetry import trace
from opentelemetry.context import Context, detach
from opentelemetry.trace import INVALID_SPAN, Link, NonRecordingSpan, SpanKind
from structlog.contextvars import bind_contextvars

from telemetry import _health, roots
from telemetry._celery import messages
from telemetry._celery.messages import Envelope
from telemetry._celery.quiet_tasks import is_quiet
from telemetry._lines import context
from telemetry._outcomes import Died, error_type, meant
from telemetry._spans import library_span
from telemetry._spans.library_span import LibrarySpan
from telemetry._spans.traceparent import span_context, traceparent_of
from telemetry.task_attributes import ATTEMPT, QUEUE_WAIT_MS

SCOPE = "telemetry.celery"
_RUN = "telemetry_run"
"""Where a task's request keeps its `Run`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One attempt at a task, while it is at work."""

    span: LibrarySpan
    token: Any
    """Of the context that stood before."""
    parent: str | None
    """The `traceparent` of the span above."""
    envelope: Envelope
    began: float = field(default_factory=time.monotonic)
    """When it began, by the monotonic clock."""
    afterwards: list[Callable[[int], None]] = field(default_factory=list)
    """What is called once its span has ended, with the moment at which it did."""

    @property
    def traceparent(self) -> str | None:
        """The `traceparent` of the attempt itself; None if it is not traced."""
        return _named(self.span.context)


def run_of(request: Any) -> Run | None:
    """Return the attempt that a task's request belongs to."""
    run = getattr(request, _RUN, None)
    return run if isinstance(run, Run) else None


def after_attempt(callback: Callable[[int], None]) -> None:
    """Call `callback` once the span of the attempt that is at work here has ended; outside a traced task, now.

    It gets the moment of that end in Unix nanoseconds, and finds what is bound for the attempt. An error of its own goes no
    further than any of telemetry's.
    """
    run = run_of(current_task.request) if current_task else None
    if run is None or not run.span.span.is_recording():
        callback(time.time_ns())
    else:
        run.afterwards.append(callback)


@_health.guarded
def before_run(task: Any = None, **_: Any) -> None:
    """Begin an attempt: bind what came with its message, and nothing of the task before, and start its span."""
    if task is None:
        return
    if task.request.is_eager:
        _begin_eager(task)
        return
    request, envelope = task.request, Envelope.of(task.request)
    began_ns = time.time_ns()  # exporters start with a process's first span, which takes a while
    context.clear()
    bind_contextvars(**{**envelope.context, "task_id": request.id})
    roots.bind_root(envelope.root)
    above = messages.carried(request)
    if envelope.parent:
        above = trace.set_span_in_context(NonRecordingSpan(span_context(envelope.parent)), above)
    if is_quiet(task.name):
        span = LibrarySpan(INVALID_SPAN, Context())
    else:
        span = library_span.start(
            f"run/{task.name}",
            scope=SCOPE,
            kind=SpanKind.CONSUMER,
            attributes=_attributes(task, envelope, began_ns),
            above=above,
            links=[Link(span_context(envelope.previous))] if envelope.previous else (),
            start_ns=began_ns,
        )
    _keep(task, Run(span=span, token=span.attach(), parent=_named(above), envelope=envelope))


def _begin_eager(task: Any) -> None:
    """Start the span of a task that runs where it was called: it has no message, and what is bound there stays so."""
    if is_quiet(task.name):
        return
    envelope = Envelope(attempt=task.request.retries + 1)
    attributes = {"celery.task_name": task.name, ATTEMPT: envelope.attempt}
    span = library_span.start(f"run/{task.name}", scope=SCOPE, kind=SpanKind.INTERNAL, attributes=attributes)
    _keep(task, Run(span=span, token=span.attach(), parent=None, envelope=envelope))


def _keep(task: Any, run: Run) -> None:
    setattr(task.request, _RUN, run)


def _attributes(task: Any, envelope: Envelope, began_ns: int) -> dict[str, Any]:
    request = task.request
    came_by = request.delivery_info or {}
    return {
        "celery.task_name": task.name,
        ATTEMPT: envelope.attempt,
        QUEUE_WAIT_MS: envelope.wait_ms(request, until_ns=began_ns),
        "celery.worker": request.hostname,
        **messages.described(task.app, name="run", kind="process"),
        "messaging.destination.name": messages.destination(came_by.get("exchange"), came_by.get("routing_key")),
        "messaging.message.id": request.id,
    }


@_health.guarded
def after_run(task: Any = None, state: str | None = None, **_: Any) -> None:
    """End the attempt's span, and forget what was bound for it."""
    if task is None or (run := run_of(task.request)) is None:
        return
    error = sys.exc_info()[1]
    if state is None and isinstance(error, Exception):  # an eager task whose errors go to its caller
        run.span.failed(error)
    if error is not None and isinstance(killed := meant(error), Died):
        run.span.died(killed.death)
    run.span.set({"celery.state": state})
    if state == "SUCCESS":
        run.span.succeeded()
    ended_ns = time.time_ns()
    run.span.end(ended_ns)
    detach(run.token)
    for callback in run.afterwards:
        _call(callback, ended_ns)
    if not task.request.is_eager:
        roots.bind_root(None)
        context.clear()


@_health.guarded
def _call(callback: Callable[[int], None], ended_ns: int) -> None:
    callback(ended_ns)


@_health.guarded
def retried(request: Any = None, reason: Any = None, **_: Any) -> None:
    """Mark the attempt that is made again, with what went wrong."""
    run = run_of(request)
    if run is not None and isinstance(reason, BaseException):
        error = getattr(reason, "exc", None)
        run.span.failed(error if isinstance(error, BaseException) else reason)


@_health.guarded
def failed(sender: Any = None, exception: BaseException | None = None, **_: Any) -> None:
    """Mark the attempt that failed, with what went wrong; an error that its task is declared to throw is only named.

    Celery hands on what it can pickle, which may have another name. What it is handling at this moment is the error itself.
    """
    error = sys.exc_info()[1] or exception
    if error is None or sender is None or (run := run_of(sender.request)) is None:
        return
    if isinstance(error, tuple(sender.throws or ())):
        run.span.set({"error.type": error_type(error)})
    else:
        run.span.failed(error)


def _named(within: Context) -> str | None:
    found = trace.get_current_span(within).get_span_context()
    return traceparent_of(found) if found.is_valid else None
