"""Celery's tasks as spans: attempts are siblings, numbered and linked; context crosses ``.delay()``; no exit loses spans.

Stands on opentelemetry-instrumentation-celery, whose ``apply_async/…`` and ``run/…`` spans it completes:

- A message sent inside `roots.under` or `roots.addressed_to` is consumed as a child of that root.
- A retry is a child of what the first attempt was a child of, and linked to the attempt before it.
- A `QuietTask` has no spans of its own, only those of what it does and sends.
- ``celery.attempt`` numbers attempts from 1; ``messaging.queue.wait_ms`` is the time on the queue, planned delays left out.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path
from typing import Any

import wrapt
from celery import current_task, signals
from celery.exceptions import Ignore, Reject, Retry, SoftTimeLimitExceeded
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.trace import Status, StatusCode
from structlog.contextvars import bind_contextvars

from telemetry import _health, _quiet, roots
from telemetry._lines import context, writing
from telemetry._outcomes import error_type, treat_as
from telemetry._quiet import QuietTask
from telemetry._spans import provider
from telemetry._spans.traceparent import current_traceparent, span_context
from telemetry.model import Outcome

__all__ = ["QuietTask", "instrument", "sending"]

_HEADER = "telemetry"
_LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "WARN": 30, "ERROR": 40, "CRITICAL": 50, "FATAL": 50}

_sending: ContextVar[tuple[int | None, str | None]] = ContextVar("telemetry_sending", default=(None, None))


@contextmanager
def sending(*, attempt: int | None = None, previous: str | None = None) -> Iterator[None]:
    """Tasks published inside are attempt number ``attempt``, linked to the span that ``previous`` (a traceparent) names."""
    token = _sending.set((attempt, previous))
    try:
        yield
    finally:
        _sending.reset(token)


def instrument() -> None:
    """Celery in this process is instrumented, once."""
    if _state.instrumented:
        return
    _state.instrumented = True
    treat_as(Retry, Outcome.RETRYING)
    treat_as(Ignore, Outcome.CANCELLED)
    treat_as(Reject, Outcome.CANCELLED)
    _health.let_pass(SoftTimeLimitExceeded)
    instrumentor = CeleryInstrumentor()  # type: ignore[no-untyped-call]  # it ships no types
    if instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.uninstrument()  # our receivers must stand before and after its own
    signals.before_task_publish.connect(_before_publish, weak=False)
    signals.task_prerun.connect(_before_run, weak=False)
    signals.task_postrun.connect(_after_run, weak=False)
    options: dict[str, Any] = {"tracer_provider": _quiet.QuietProvider()}
    instrumentor.instrument(**options)
    _quiet.hush()
    signals.task_prerun.connect(_running, weak=False)
    signals.task_retry.connect(_retried, weak=False)
    signals.task_failure.connect(_failed, weak=False)
    signals.setup_logging.connect(_keep_logging, weak=False)
    signals.worker_init.connect(_worker_starts, weak=False)
    signals.worker_process_init.connect(_child_starts, weak=False)
    signals.worker_process_shutdown.connect(_flush, weak=False)
    signals.worker_shutdown.connect(_flush, weak=False)
    wrapt.wrap_function_wrapper("celery.app.base", "Celery.send_task", _send_task)


class _State:
    instrumented = False


_state = _State()


def _before_publish(headers: dict[str, Any] | None = None, **_: Any) -> None:
    if headers is None:
        return
    attempt, previous = _sending.get()
    meta: dict[str, Any] = {"sent_ns": time.time_ns(), "context": _portable(context.bound())}
    request = current_task.request if current_task else None
    own = getattr(request, "telemetry_attempt", None)
    if own is not None and request is not None and request.id == headers.get("id"):
        meta |= {"parent": own["parent"], "root": own["root"]}
        attempt = attempt or own["number"] + 1
        previous = previous or own["span"]
    else:
        meta |= {"parent": roots.bound_root(), "root": roots.bound_root()}
    meta |= {"attempt": attempt or 1, "previous": previous}
    headers[_HEADER] = meta


def _before_run(task: Any = None, **_: Any) -> None:
    """The instrumentor, next in line, finds the parent that we want, and nothing of the task before is bound."""
    if task is None or task.request.is_eager:
        return
    request = task.request
    meta = _meta(request)
    context.clear()
    bind_contextvars(**{**meta.get("context", {}), "task_id": request.id})
    roots.bind_root(meta.get("root"))
    if meta.get("parent"):
        request.traceparent = meta["parent"]


def _running(task: Any = None, **_: Any) -> None:
    """The consumer span carries its number, its queue wait, and a link to the attempt before."""
    if task is None or task.request.is_eager:
        return
    request, meta = task.request, _meta(task.request)
    span = trace.get_current_span()
    number = int(meta.get("attempt") or request.retries + 1)
    request.telemetry_attempt = {
        "parent": getattr(request, "traceparent", None),
        "root": meta.get("root"),
        "number": number,
        "span": current_traceparent(),
    }
    span.set_attribute("celery.attempt", number)
    wait = _queue_wait_ms(request, meta)
    if wait is not None:
        span.set_attribute("messaging.queue.wait_ms", wait)
    if meta.get("previous"):
        span.add_link(span_context(meta["previous"]))


def _after_run(task: Any = None, state: str | None = None, **_: Any) -> None:
    """A success says so; the instrumentor, next in line, ends the span."""
    if task is None or task.request.is_eager:
        return
    if state == "SUCCESS":
        trace.get_current_span().set_status(Status(StatusCode.OK))
    request = task.request
    if request.hostname:
        trace.get_current_span().set_attribute("celery.worker", str(request.hostname))
    roots.bind_root(None)
    context.clear()


def _retried(request: Any = None, reason: Any = None, **_: Any) -> None:
    """The attempt that is retried is marked, with what went wrong."""
    if request is None or request.is_eager:
        return
    error = getattr(reason, "exc", None) or reason
    span = trace.get_current_span()
    span.set_status(Status(StatusCode.ERROR, str(error)))
    if isinstance(error, BaseException):
        span.set_attributes(
            {"error.type": error_type(error), "exception.stacktrace": "".join(traceback.format_exception(error))}
        )


def _failed(exception: BaseException | None = None, **_: Any) -> None:
    """A failed attempt says which error it was; the instrumentor has recorded the rest."""
    if exception is not None:
        trace.get_current_span().set_attribute("error.type", error_type(exception))


def _send_task(wrapped: Callable[..., Any], _instance: Any, args: Any, kwargs: Any) -> Any:
    """The producer span has ended when publishing has, also when the broker is down or the name is not known here."""
    before = otel_context.get_current()
    try:
        return wrapped(*args, **kwargs)
    except Exception as error:
        if otel_context.get_current() is not before:
            trace.get_current_span().set_status(Status(StatusCode.ERROR, str(error)))
            trace.get_current_span().set_attribute("error.type", error_type(error))
        raise
    finally:
        if otel_context.get_current() is not before:
            trace.get_current_span().end()
            otel_context.attach(before)


def _keep_logging(**_: Any) -> None:
    """Celery leaves logging alone, and ``-l LEVEL`` is the stream's level."""
    level = asked_level(sys.argv[1:])
    if level is not None:
        writing.set_stream_level(level)


def asked_level(arguments: Sequence[str]) -> int | None:
    """The level that ``celery worker`` is asked for in any of its ways of writing it, or None."""
    asked = None
    for flag, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if flag in ("-l", "--loglevel"):
            asked = following
        elif flag.startswith("--loglevel="):
            asked = flag.partition("=")[2]
        elif flag.startswith("-l"):
            asked = flag[2:]
    if asked is None:
        return None
    return int(asked) if asked.isdigit() else _LEVELS.get(asked.upper())


def is_worker_command() -> bool:
    """Whether this is the main process of ``celery worker``."""
    return "worker" in sys.argv[1:] and Path(sys.argv[0]).parent.name in ("celery", "bin") and "celery" in sys.argv[0]


def _worker_starts(sender: Any = None, **_: Any) -> None:
    """Threads and solo pools work in this process, so it traces."""
    pool = getattr(sender, "pool_cls", None)
    name = pool if isinstance(pool, str) else getattr(pool, "__module__", "")
    if "prefork" not in name:
        provider.start()


def _child_starts(**_: Any) -> None:
    provider.start()


def _flush(**_: Any) -> None:
    provider.flush()


def _meta(request: Any) -> dict[str, Any]:
    meta = getattr(request, _HEADER, None) or (getattr(request, "headers", None) or {}).get(_HEADER)
    return meta if isinstance(meta, dict) else {}


def _portable(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if isinstance(value, str | int | float | bool)}


def _queue_wait_ms(request: Any, meta: dict[str, Any]) -> float | None:
    sent = meta.get("sent_ns")
    if not isinstance(sent, int):
        return None
    due = sent
    if request.eta:
        due = max(sent, int(datetime.fromisoformat(request.eta).timestamp() * 1e9))
    return max(0, time.time_ns() - due) // 1000 / 1000
