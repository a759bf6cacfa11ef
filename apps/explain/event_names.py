"""The names of the events that explanations look for, read from where they are declared. Pure."""

from __future__ import annotations

from apps import catalog, machine_catalog

RUN_STARTED = catalog.Pipeline.__lines__["started"][0]
RUN_CANCELLED = machine_catalog.RunCancelled.__event__.name
REPO_FAILED = catalog.RepoSync.__lines__["failed"][0]
REPO_PROGRESS = catalog.RepoProgress.__event__.name
TASK_RETRY = catalog.TaskRetry.__event__.name
ATTEMPT_DEAD = machine_catalog.AttemptFoundDead.__event__.name
WORKER_STARTED = machine_catalog.WorkerStarted.__event__.name
WORKER_DRAINED = machine_catalog.WorkerDrained.__event__.name
WORKER_KILLED = machine_catalog.WorkerKilled.__event__.name
BROKER_LOST = machine_catalog.BrokerLost.__event__.name
BROKER_BACK = machine_catalog.BrokerBack.__event__.name
DATABASE_LOST = machine_catalog.DatabaseLost.__event__.name
DATABASE_BACK = machine_catalog.DatabaseBack.__event__.name
BEAT_LATE = machine_catalog.BeatLate.__event__.name
