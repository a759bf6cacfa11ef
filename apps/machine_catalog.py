"""The machine's own operations and events, besides a sync's: what workers, queues, lanes and waits do.

They are declared like those of the table, which stays as it is; ``python manage.py catalog --all`` prints both.
"""

from __future__ import annotations

from typing import Annotated, Literal

from apps.catalog import RepoName, TaskId
from telemetry.model import Event, Field, Level, Operation

BROKER_AWAY = "The broker cannot be reached: the sweep will send what is due."
"""The line of a process that could not send a message; its traceback says why."""
QueueReason = Literal["account", "limit", "workers", "start", "unnoticed", "unknown"]
"""What a queued repository waited for: another attempt with its account, a limit of GitHub's, a worker for those ahead, or
nobody: its run was still being started, or nobody had looked yet what may begin."""


class QueueWait(Operation[None], name="sync.queue.wait"):
    """A repository's wait to be admitted, from when it was due; its wait for a worker then is `celery.queue.wait_ms`.

    Where it waited for several things, one after the other, there is a span for each.
    """

    account: Annotated[
        str, Field("The account for which it queued.", key="sync.queue.account", example="api.github.com/ada")
    ]
    reason: Annotated[
        QueueReason,
        Field("What it waited for, as far as can be proven.", key="sync.queue.reason", low_cardinality=True),
    ]
    behind: Annotated[
        str | None,
        Field("The repository that was at work with the account meanwhile.", key="sync.queue.behind", example="libuv/libuv"),
    ] = None
    behind_run: Annotated[int | None, Field("The run of that repository.", key="sync.queue.behind_run_id")] = None
    limit: Annotated[
        str | None,
        Field(
            "Which limit it waited for: primary, secondary or retry_after.",
            key="sync.rate_wait.reason",
            low_cardinality=True,
            example="primary",
        ),
    ] = None


class LaneWait(Operation[None], name="sync.lane.wait"):
    """A request's wait for its turn in the account's lane, from 10 ms on; then the request is sent."""

    account: Annotated[str, Field("The account whose lane it is.", key="sync.lane.account", example="api.github.com/ada")]
    behind: Annotated[
        str | None,
        Field("Who held the lane: the machine and its process.", key="sync.lane.holder", example="worker-1:4711"),
    ]


class BackOff(Operation[None], name="sync.backoff"):
    """The pause between an attempt that failed and when the next one was due; recorded when that is sent."""

    attempt: Annotated[int, Field("The attempt that was put off, from 2.", key="sync.attempt")]
    after: Annotated[
        str, Field("The error of the one before.", key="sync.backoff.error_type", low_cardinality=True, example="timeout")
    ]


class ParkedWait(Operation[None], name="sync.parked"):
    """A repository's wait for a limit of GitHub's without a worker; recorded when its next attempt is sent."""

    attempt: Annotated[int, Field("The attempt that was put off, from 2.", key="sync.attempt")]
    account: Annotated[str, Field("The account whose limit it is.", key="sync.parked.account", example="api.github.com/ada")]
    reason: Annotated[
        str,
        Field("primary, secondary or retry_after.", key="sync.rate_wait.reason", low_cardinality=True, example="primary"),
    ]


MissingReason = Literal["silent", "lost", "unsent", "unheard", "unadvanced"]
"""An attempt gave no sign of life; no worker took a message; nobody sent one; nothing was heard of a phase's work; nobody
let the run go on, whose repositories had ended."""


class Missing(Operation[None], name="sync.missing"):
    """The time in which nothing went on, since what was to go on had died or got lost, until a sweep found that.

    It is recorded then, and counts from the last sign of life, or from when the message was sent or should have been.
    """

    step: Annotated[str, Field("A repository's sync, or the phase.", key="sync.missing.step", example="sync_repository")]
    reason: Annotated[
        MissingReason,
        Field("silent, lost, unsent, unheard or unadvanced.", key="sync.missing.reason", low_cardinality=True),
    ]
    attempt: Annotated[
        int | None, Field("The attempt that was missing, or was not begun; none of what is unadvanced.", key="sync.attempt")
    ] = None


LinkRelation = Literal["started_by", "follows", "leads_to"]
"""How another trace belongs with a run's: what started the run, the run before it, a run after it."""


class RunLink(Operation[None], name="sync.run.link"):
    """Another trace that belongs with this one, which this span is linked to.

    It is a span of its own because Jaeger's page draws no critical path for a trace whose root links to another.
    """

    relation: Annotated[LinkRelation, Field("How it belongs.", key="sync.link.relation", low_cardinality=True)]
    name: Annotated[str, Field("What it is, in words.", key="sync.link.name", example="backfill run 7 of libuv/libuv")]
    trace_id: Annotated[str, Field("Its id.", key="sync.link.trace_id")]
    run_id: Annotated[int | None, Field("The run whose trace it is.", key="sync.link.run_id")] = None
    full_name: Annotated[str | None, Field("The repository that run is about, if it is only one.")] = None


class Command(Operation[None], name="sync.command"):
    """A command that a person gave, with what it asks of GitHub and starts; the runs it starts are traces of their own."""

    command: Annotated[str, Field("Its name.", key="sync.command.name", low_cardinality=True, example="sync")]


Worker = Annotated[str, Field("The worker's name.", also="celery.worker", example="celery@worker-1")]
Account = Annotated[str, Field("The account on its host.", example="api.github.com/ada")]
AwaySeconds = Annotated[float, Field("How long it was away, as far as this process knows.", unit="s")]


class WorkerStarted(Event, name="sync.worker.started", level=Level.INFO, when="a worker takes tasks"):
    """A worker has started and takes tasks."""

    worker: Worker
    processes: Annotated[int, Field("How many tasks it runs at once.")]
    queues: Annotated[str, Field("The queues it takes them from, separated by commas.", example="background,sweep,sync")]


class WorkerDrained(Event, name="sync.worker.drained", level=Level.INFO, when="a worker has stopped, its tasks done"):
    """A worker that was asked to stop has finished its tasks and ends."""

    worker: Worker
    drain_sec: Annotated[float, Field("From the request to stop to the end.", unit="s")]


class WorkerKilled(Event, name="sync.worker.killed", level=Level.WARNING, when="a process is killed at a task"):
    """A worker's process was killed while it held a task."""

    worker: Worker
    task_name: Annotated[str, Field("The task it held.", example="apps.integrations.tasks.sync_repository")]
    task_id: TaskId
    cause: Annotated[str, Field("What killed it, as Celery saw it.", example="signal 9 (SIGKILL)")]


class BrokerLost(Event, name="sync.broker.lost", level=Level.WARNING, when="a worker loses its broker"):
    """A worker's connection to its broker broke."""

    worker: Worker


class BrokerBack(Event, name="sync.broker.back", level=Level.INFO, when="the broker is back"):
    """A worker that had lost its broker is connected again."""

    worker: Worker
    away_sec: AwaySeconds


class DatabaseLost(Event, name="sync.database.lost", level=Level.WARNING, when="a process loses its database"):
    """The connection to the database broke in the middle of the work."""

    error: Annotated[str, Field("What the database or its driver said, secrets removed.")]


class DatabaseBack(Event, name="sync.database.back", level=Level.INFO, when="the database is back"):
    """A process that had lost its database is connected again."""

    away_sec: AwaySeconds


class LaneTakenOver(Event, name="sync.lane.taken_over", level=Level.WARNING, when="a lane's holder has vanished"):
    """An account's lane was taken from a holder that never left it: its lease had ended."""

    account: Account
    holder: Annotated[str, Field("Who held it: the machine and its process.", example="worker-1:4711")]
    overdue_sec: Annotated[float, Field("How long ago its lease ended.", unit="s")]


class LaneLost(Event, name="sync.lane.lost", level=Level.WARNING, when="a holder finds its lane gone"):
    """A process was stopped for so long that its turn in an account's lane was over, or another's."""

    account: Account
    sent: Annotated[bool, Field("Whether its request had been sent by then.")]


Person = Annotated[str, Field("Who asked for it: a user of the admin, or of a machine.", example="ada@laptop")]


class RunCancelled(Event, name="sync.run.cancelled", level=Level.WARNING, when="somebody calls a run off"):
    """A run was called off: nothing more is asked for, and what is stored stays."""

    by: Person
    repos_unfinished: Annotated[int, Field("Repositories that had not ended.")]


class RunResumed(Event, name="sync.run.resumed", level=Level.INFO, when="somebody has a run taken up again"):
    """A run takes up another at its cursors, in a trace of its own."""

    by: Person
    resumed_run_id: Annotated[int, Field("The run that it takes up.")]


class AccountConnected(Event, name="sync.account.connected", level=Level.INFO, when="an account gets a token"):
    """A team's account was connected in the console, or has another token now."""

    by: Person
    account: Account


class AccountRemoved(Event, name="sync.account.removed", level=Level.WARNING, when="somebody removes a team's account"):
    """A team's account was removed, with everything that was read with it."""

    by: Person
    account: Account
    repos_count: Annotated[int, Field("Its repositories, which are not tracked any more.")]
    pull_requests: Annotated[int, Field("Their pull requests, which are stored no more.")]
    runs_count: Annotated[int, Field("Runs over no other repositories, which are gone too.")]


class AttemptFoundDead(Event, name="sync.attempt.dead", level=Level.WARNING, when="an attempt is found dead"):
    """An attempt has given no sign of life for too long: the next one follows."""

    full_name: RepoName
    attempt: Annotated[int, Field("The attempt's number.")]
    silent_sec: Annotated[float, Field("How long ago it gave its last sign of life.", unit="s")]


ResentReason = Literal["lost", "unsent", "unheard"]
"""No worker took it, whoever was to send it died or could not, or nothing was heard of a phase's work that had begun."""


class StepResent(Event, name="sync.step.resent", level=Level.WARNING, when="a step's message is sent again"):
    """A message that somebody should have taken, or sent, is sent again."""

    step: Annotated[str, Field("A repository's sync, or the phase.", example="sync_repository")]
    attempt: Annotated[int, Field("Which attempt it asks for.")]
    reason: Annotated[ResentReason, Field("lost, unsent or unheard.")]


class BeatLate(Event, name="sync.beat.late", level=Level.WARNING, when="the sweep comes late"):
    """Nobody has looked for what stands still for longer than planned: beat or all workers were away or busy."""

    late_sec: Annotated[float, Field("How much later than planned the sweep came.", unit="s")]
    every_sec: Annotated[float, Field("How often it is planned.", unit="s")]


EVENTS: tuple[str, ...] = (
    "sync.worker.started",
    "sync.worker.drained",
    "sync.worker.killed",
    "sync.broker.lost",
    "sync.broker.back",
    "sync.database.lost",
    "sync.database.back",
    "sync.lane.taken_over",
    "sync.lane.lost",
    "sync.attempt.dead",
    "sync.step.resent",
    "sync.beat.late",
    "sync.run.cancelled",
    "sync.run.resumed",
    "sync.account.connected",
    "sync.account.removed",
)
"""The machine's events in the order people read them."""

OPERATIONS: tuple[str, ...] = (
    "sync.queue.wait",
    "sync.parked",
    "sync.backoff",
    "sync.missing",
    "sync.lane.wait",
    "sync.run.link",
    "sync.command",
)
"""The machine's operations, in the same order: spans that need no line."""
