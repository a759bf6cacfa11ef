"""What Celery says reaches us: through its own signals and pools, in a process that has nothing else; no worker runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.telemetry.test_processes import environment

HEARS = """
import json
from types import SimpleNamespace
from billiard.pool import Pool, TimeoutHandler
from celery import Celery, signals
from celery.concurrency.thread import TaskPool
from telemetry import celery
from telemetry._celery.messages import Envelope
from telemetry._lines import writing
from telemetry._spans import provider
from telemetry.testing import capturing

came = []
provider.rest = lambda: came.append("rests")
provider.watch = lambda *, is_child: came.append("watches" + " as a child" * is_child)
provider.leave = lambda: came.append("leaves")
provider.note_death = lambda pid, death: came.append(f"{pid} died: {death.cause}")
writing.set_stream_level = lambda level: came.append(f"level {level}")
celery.instrument()
celery.instrument()
app = Celery("shop", broker="memory://", set_as_current=False)

class Threads:
    pool = object.__new__(TaskPool)

@app.task(name="sell", lazy=False)
def sell():
    pass

def at_limit():
    job = SimpleNamespace(_worker_pid=41, _timeout=30, _job=1, _set=lambda *_: None, ready=lambda: False)
    job.handle_timeout = lambda soft: None
    TimeoutHandler([], {}, None, None).on_hard_timeout(job)

def join():
    gone = SimpleNamespace(pid=42, exitcode=7, name="child", join=lambda: None, _popen=object())
    pool = object.__new__(Pool)
    pool._cache, pool._pool, pool._poolctrl, pool._on_ready_counters = {}, [gone], {42: None}, {42: None}
    pool._result_handler, pool.on_process_down = SimpleNamespace(on_worker_exit=lambda pid: None), None
    assert pool._join_exited_workers() == [7]

def attempt(state, signal=None, **sent):
    headers = {}
    Envelope().put(headers)
    sell.push_request(id="7", is_eager=False, hostname="celery@h", delivery_info={}, **headers)
    with capturing() as captured:
        signals.task_prerun.send(sender=sell, task=sell)
        if signal is not None:
            signal.send(sender=sell, **({"request": sell.request} if state == "RETRY" else {}), **sent)
        signals.task_postrun.send(sender=sell, task=sell, state=state)
    came.append(captured.tree("celery.state"))

def send():
    with capturing() as captured:
        app.send_task("sell")
    came.append(captured.tree())

heard = {}
for name, say in {
    "worker_init": lambda: signals.worker_init.send(sender=None),
    "worker_process_init": lambda: signals.worker_process_init.send(sender=None),
    "worker_ready": lambda: signals.worker_ready.send(sender=Threads),
    "beat_init": lambda: signals.beat_init.send(sender=None),
    "beat_embedded_init": lambda: signals.beat_embedded_init.send(sender=None),
    "worker_process_shutdown": lambda: signals.worker_process_shutdown.send(sender=None),
    "worker_shutdown": lambda: signals.worker_shutdown.send(sender=None),
    "celeryd_init": lambda: signals.celeryd_init.send(sender=None, options={"loglevel": "ERROR"}),
    "setup_logging": lambda: came.append(f"{len(signals.setup_logging.send(sender=None))} configure logging"),
    "hard limit": at_limit,
    "exit": join,
    "sent": send,
    "succeeded": lambda: attempt("SUCCESS"),
    "failed": lambda: attempt("FAILURE", signals.task_failure, exception=OSError("no flour")),
    "retried": lambda: attempt("RETRY", signals.task_retry, reason=OSError("no flour")),
}.items():
    came.clear()
    say()
    heard[name] = list(came)
print(json.dumps(heard))
"""


def _run(code: str, home: Path) -> tuple[Any, str]:
    """What a program prints, as JSON, and what it says on stderr."""
    program = [sys.executable, "-c", code]
    ran = subprocess.run(program, env=environment(home), capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout), ran.stderr


def test_all_that_celery_says_is_heard_once(tmp_path: Path) -> None:
    """Its signals, and of its pools who they kill and who is gone; however often we were asked to listen."""
    heard, _ = _run(HEARS, tmp_path)
    assert heard == {
        "worker_init": ["rests"],
        "worker_process_init": ["watches"],
        "worker_ready": ["watches"],
        "beat_init": ["watches"],
        "beat_embedded_init": ["watches"],
        "worker_process_shutdown": ["leaves"],
        "worker_shutdown": ["leaves"],
        "celeryd_init": ["level 40"],
        "setup_logging": ["1 configure logging"],
        "hard limit": ["41 died: time_limit"],
        "exit": ["42 died: exit"],
        "sent": ["apply_async/sell"],
        "succeeded": ["run/sell celery.state=SUCCESS"],
        "failed": ["run/sell error OSError celery.state=FAILURE"],
        "retried": ["run/sell error OSError celery.state=RETRY"],
    }


ANOTHER = """
import json, logging
logging.basicConfig(level=logging.WARNING)
from celery import Celery
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from telemetry import celery
from telemetry.testing import capturing

if {is_first}:
    CeleryInstrumentor().instrument()
celery.instrument()
with capturing() as captured:
    Celery("shop", broker="memory://", set_as_current=False).send_task("sell")
print(json.dumps([captured.tree(), CeleryInstrumentor().is_instrumented_by_opentelemetry]))
"""


@pytest.mark.parametrize("is_first", [True, False])
def test_another_instrumentation_makes_way(tmp_path: Path, is_first: bool) -> None:
    """A message has one span; one that was imported and does nothing is left alone."""
    said, warned = _run(ANOTHER.format(is_first=is_first), tmp_path)
    assert said == ["apply_async/sell", False]
    assert "uninstrument" not in warned
