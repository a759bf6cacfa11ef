"""Deaths of a worker's children: their parent knows what killed them, and records it in their journals.

A child's other children read it there and end its spans; the parent itself has no exporter, so that it may fork.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import Any

from celery import current_task

from telemetry import _health
from telemetry._celery.memory import MemoryKills
from telemetry._celery.running import run_of
from telemetry._deaths import Death, by_exit_code
from telemetry._outcomes import Died
from telemetry._spans import provider

_TOLERANCE_SECONDS = 0.5


class _Parent:
    """What this process knows of its children."""

    limited: dict[int, float] = {}
    """The hard time limits, in seconds, of the children that are killed for them, by process id."""
    kills = MemoryKills()


def read_memory_kills() -> None:
    """Remember how many processes the kernel has killed for this worker's memory before it had children."""
    _Parent.kills = MemoryKills()


def at_hard_limit(wrapped: Callable[..., Any], _handler: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Remember which child is killed for its task's hard time limit, before that is done."""
    job = args[0] if args else options.get("job")
    pid, limit = getattr(job, "_worker_pid", None), getattr(job, "_timeout", None)
    if job is not None and pid is not None and not job.ready():
        _Parent.limited[pid] = float(limit or 0)
        _note_limit(pid)  # before it is killed: what its parent does first may take long
    return wrapped(*args, **options)


@_health.guarded
def _note_limit(pid: int) -> None:
    provider.note_death(pid, Death("time_limit", limit_sec=_Parent.limited[pid] or None))


def joining(wrapped: Callable[..., Any], pool: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Write down what killed the children that are gone, before the pool forgets them."""
    _say(pool)
    return wrapped(*args, **options)


@_health.guarded
def _say(pool: Any) -> None:
    """Write into the journals of the children that are gone what killed them.

    Of children that were killed with SIGKILL at once, all are out of memory if the kernel has killed that many for it.
    """
    codes = {child.pid: child.exitcode for child in list(getattr(pool, "_pool", ())) if _is_known(child)}
    ended = {pid: code for pid, code in codes.items() if code is not None}
    killed = [pid for pid, code in ended.items() if code == -signal.SIGKILL and pid not in _Parent.limited]
    is_out_of_memory = _Parent.kills.cover(len(killed))
    for pid, code in ended.items():
        if pid in _Parent.limited:
            death = Death("time_limit", limit_sec=_Parent.limited.pop(pid) or None)
        else:
            death = by_exit_code(code, is_out_of_memory=is_out_of_memory)
        provider.note_death(pid, death)


def _is_known(child: Any) -> bool:
    return getattr(child, "_popen", None) is not None


def read_exit(error: BaseException) -> BaseException:
    """Return the death at a hard time limit that an exit is: a child is first asked to end, and has a tenth of a second."""
    if type(error) is not SystemExit or not current_task:
        return error
    run = run_of(current_task.request)
    limit = _limit(current_task)
    if run is None or not limit or time.monotonic() < run.began + limit - _TOLERANCE_SECONDS:
        return error
    return Died(Death("time_limit", limit_sec=limit)).with_traceback(error.__traceback__)


def _limit(task: Any) -> float | None:
    hard, *_ = task.request.timelimit or (None,)
    limit = hard or task.time_limit or task.app.conf.task_time_limit
    return None if limit is None else float(limit)
