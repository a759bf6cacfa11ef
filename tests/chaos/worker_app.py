"""The worker's Celery app, whose processes tell where they are: ``celery -A tests.chaos.worker_app worker``.

Nothing that it does is changed, but that a step of a phase may be started nine times: chance kills one three times, and then
its run would fail. The pipe that they tell through is named in the environment.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Final

from celery.signals import task_postrun, task_prerun, worker_init, worker_process_init

from apps.config.celery import app
from tests.chaos.places import Place, Teller

__all__ = ["PIPE", "app"]

PIPE: Final = "SYNC_CHAOS_PIPE"
_TASKS_PER_CHILD = 40  # so that children are forked all the time
_STEP_TRIES = 9

app.conf.worker_max_tasks_per_child = _TASKS_PER_CHILD


@worker_init.connect
def _tell(**_: object) -> None:
    from apps.integrations import onboarding_pipeline, tasks  # Celery has set Django up by now
    from apps.integrations.github.transport import GitHubTransport
    from apps.integrations.runs import failures, phases, root_spans
    from apps.integrations.services import github_graphql_sync

    for module in (failures, tasks):
        setattr(module, "STEPS", failures.StepPolicy(tries=_STEP_TRIES))  # noqa: B010  # as the places below
    looking = (tasks.sweep, tasks.admit)
    teller = Teller(Path(os.environ[PIPE]))
    os.register_at_fork(
        before=lambda: teller.enter("fork"), after_in_parent=teller.leave, after_in_child=teller.begin_as_child
    )
    worker_process_init.connect(lambda **_: teller.leave(), weak=False)
    task_prerun.connect(lambda sender, **_: teller.enter("sweep" if sender in looking else "task"), weak=False)
    task_postrun.connect(lambda **_: teller.leave(), weak=False)
    places: list[tuple[object, str, Place]] = [
        (GitHubTransport, "graphql", "request"),
        (GitHubTransport, "rest", "request"),
        (github_graphql_sync._Sync, "_store", "write"),
        (phases, "do_work", "analysis"),
        *((onboarding_pipeline, name, "dispatch") for name in ("start_run", "advance", "complete_phase", "admit")),
        (tasks, "send", "dispatch"),
        (root_spans, "finish", "flush"),
    ]
    for owner, name, place in places:
        setattr(owner, name, _told(getattr(owner, name), teller, place))


def _told(function: Callable[..., Any], teller: Teller, place: Place) -> Callable[..., Any]:
    @wraps(function)
    def within(*args: Any, **kwargs: Any) -> Any:
        # A sweep advances nothing nearly always: it is no dispatch, of which there are few enough to strike.
        with teller.within("sweep" if (place, teller.place) == ("dispatch", "sweep") else place):
            return function(*args, **kwargs)

    return within
