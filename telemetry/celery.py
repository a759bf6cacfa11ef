"""Celery's tasks as spans: attempts are siblings, numbered and linked; context crosses `.delay()`; no exit loses spans.

- Sending a message is a span `apply_async/<task>`; each attempt at its task is a span `run/<task>` below it, in the
  same trace. A message sent inside `Root.active` or `Root.addressed` makes its task a child of that root.
- A retry has the same parent as the first attempt, and is linked to the attempt before it. A task that replaces
  itself (`Task.replace`) is no retry: what replaces it is an attempt 1, below the one that it replaces.
- Context bound where a task is sent is also bound where it runs, together with its `task_id`.
- A `QuietTask` has no spans of its own, only those of what it does and sends.
- What is to follow an attempt's span, as the end of the root above it does, is called by `after_attempt`.

Beside OpenTelemetry's `messaging.*` and `error.type`, the spans have

| attribute | meaning |
|---|---|
| `celery.task_name` | the task's name |
| `celery.attempt` | the attempt's number, from 1 |
| `celery.queue.wait_ms` | how long its message was on the queue, a planned delay (countdown, eta) left out |
| `celery.run.parent_id` | of `apply_async/…`: the span above the task, if that is not this one |
| `celery.worker` | the worker's name, as `celery@host` |
| `celery.state` | how it ended, in Celery's words: SUCCESS, FAILURE, RETRY, IGNORED, REJECTED |
"""

from __future__ import annotations

import sys

from telemetry import _health
from telemetry._extras import not_installed

try:
    import wrapt
    from celery import signals
    from celery.exceptions import Ignore, Reject, Retry, SoftTimeLimitExceeded
except ModuleNotFoundError as error:
    raise not_installed(__name__, "celery", error) from None

from telemetry._celery import dying, producing, quiet_tasks, running, worker
from telemetry._celery.messages import sending
from telemetry._celery.quiet_tasks import QuietTask
from telemetry._celery.running import after_attempt
from telemetry._outcomes import read_with, treat_as
from telemetry.model import Outcome

__all__ = ["QuietTask", "after_attempt", "instrument", "sending"]


class _State:
    instrumented = False


def instrument() -> None:
    """Trace Celery in this process, in place of opentelemetry-instrumentation-celery if that was here first."""
    if _State.instrumented:
        return
    _State.instrumented = True
    treat_as(Retry, Outcome.RETRYING)
    treat_as(Ignore, Outcome.CANCELLED)
    treat_as(Reject, Outcome.CANCELLED)
    _health.let_pass(SoftTimeLimitExceeded)
    _replace_another()
    wrapt.wrap_function_wrapper("celery.app.base", "Celery.send_task", producing.send_task)
    wrapt.wrap_function_wrapper("billiard.pool", "TimeoutHandler.on_hard_timeout", dying.at_hard_limit)
    wrapt.wrap_function_wrapper("billiard.pool", "Pool._join_exited_workers", dying.joining)
    read_with(dying.read_exit)
    signals.before_task_publish.connect(producing.before_publish)
    signals.task_prerun.connect(running.before_run)
    signals.task_postrun.connect(running.after_run)
    signals.task_retry.connect(running.retried)
    signals.task_failure.connect(running.failed)
    signals.setup_logging.connect(worker.keep_logging)
    signals.celeryd_init.connect(worker.before_init)
    signals.worker_init.connect(worker.before_children)
    signals.worker_process_init.connect(worker.child_begins)
    signals.beat_init.connect(worker.beat_begins)
    signals.beat_embedded_init.connect(worker.beat_begins)
    signals.worker_ready.connect(worker.ready)
    signals.worker_process_shutdown.connect(worker.leave)
    signals.worker_shutdown.connect(worker.leave)
    quiet_tasks.hush()
    worker.use_asked_level()


def _replace_another() -> None:
    module = sys.modules.get("opentelemetry.instrumentation.celery")  # an active instrumentation has been imported
    if module is not None and module.CeleryInstrumentor().is_instrumented_by_opentelemetry:
        module.CeleryInstrumentor().uninstrument()
