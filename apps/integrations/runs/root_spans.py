"""A run's root span and its lines: reserved and announced as it starts, emitted by the process that ends it.

Only `record_wait` may be called inside a transaction: lines follow the commit of what they report, and exporting a span
takes as long as the network does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction

from apps import catalog, machine_catalog
from apps.integrations.models import PipelineRun
from apps.integrations.runs import phases
from apps.utils import clock
from telemetry import Root, bind, current_traceparent, emit, flush, ledger, observe, record, trace_id_of
from telemetry.celery import after_attempt
from telemetry.model import Event, Operation
from telemetry.reading import Files

Flush = Callable[[float], bool]
"""Exports ended spans within so many seconds; returns whether each is with its exporter or in its spool."""

_FLUSH_SECONDS = 2.0
_ADVISORY_LOCK = 7_305_120
"""Our key among PostgreSQL's advisory locks; the second key is the run's id."""
_LARGEST_KEY = 2**31 - 1


class RunFailed(Exception):  # noqa: N818  # it states what happened to the run
    """The error on a failed run's row, as its root span carries it."""

    def __init__(self, error_type: str, error_msg: str) -> None:
        super().__init__(error_msg)
        self.error_type = error_type


def root_of(run: PipelineRun) -> Root:
    """Return the run's reserved root span. It has no links: its first children have them (`log_start`)."""
    return Root(run.traceparent, run.started_ns)


def log_start(run: PipelineRun, *, is_said: bool = False) -> None:
    """Write the line that the run has started, unless it exists, and link its trace to those it comes from."""
    before, starter = run.follows, current_traceparent()
    with bind(team_id=run.team_id, repo_id=None, run_id=run.pk):
        if not is_said:
            root_of(run).announce(_operation(run))
        with root_of(run).active():
            for link in run.links:
                if before is not None and link == before.traceparent:
                    _link("follows", before)
                else:
                    _link_to(link, relation="started_by", name="what started it")
    if run.kind == PipelineRun.Kind.BACKFILL and before is not None:  # still open, in its last phase
        with bind(team_id=before.team_id, repo_id=None, run_id=before.pk), root_of(before).addressed():
            _link("leads_to", run)
    elif starter is not None and trace_id_of(starter) != trace_id_of(run.traceparent):
        _link("leads_to", run)
    PipelineRun.objects.filter(pk=run.pk).update(announced_at=clock.now())


def log_start_once(run: PipelineRun) -> None:
    """Do so unless another process has or is about to; one killed while doing so may have written the line."""
    with transaction.atomic():
        unsaid = PipelineRun.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=run.pk, announced_at=None)
        if unsaid.exists():
            log_start(run, is_said=_is_said(run, _event("started")))


def log_phase(run: PipelineRun, phase: catalog.Phase, previous: catalog.Phase) -> None:
    """Write the line that the run has changed its phase, in the run's trace."""
    with bind(team_id=run.team_id, repo_id=None, run_id=run.pk), root_of(run).active():
        emit(catalog.PhaseChanged(team_id=run.team_id, phase=phase, previous_phase=previous))


def log_event(run: PipelineRun, event: Event, *, repo_id: int | None = None) -> None:
    """Write the line about what happened to the run, or to a repository in it, in the run's own trace."""
    with bind(team_id=run.team_id, repo_id=repo_id, run_id=run.pk), root_of(run).active():
        emit(event)


def record_wait(
    run: PipelineRun, wait: Operation[None], *, started_at: datetime, ended_at: datetime, repo_id: int | None = None
) -> None:
    """Record a wait of the run, or of a repository in it, that no process sat through, as a span in the run's trace."""
    with bind(team_id=run.team_id, repo_id=repo_id, run_id=run.pk), root_of(run).active():
        record(wait, started_at=started_at, ended_at=ended_at)


def finish_after_attempt(run: PipelineRun) -> None:
    """Finish a run that has just ended, after the span of the attempt that ended it: the root encloses that."""

    def finish_now(ended_ns: int) -> None:
        finish([run], covers_ns=ended_ns)

    after_attempt(finish_now)


def finish(runs: Sequence[PipelineRun], *, flush: Flush = flush, covers_ns: int = 0) -> bool:
    """Write each ended run's last line, and emit and export its root span, unless another process has.

    A run is first claimed on its row, so that a later process does not emit a second root. A span lasts until
    `covers_ns` if that is after its run's end. Return whether they are with every exporter or safe in its spool; if
    not, they wait in this process, and the runs keep their `export_due_at`.
    """
    if runs and connection.in_atomic_block:
        raise RuntimeError("a span cannot be exported inside a transaction: its locks would last as long as the network")
    emitted = [run for run in runs if (claim := _claim(run)) is not None and _emit_claimed(run, claim, covers_ns)]
    accepted = bool(runs) and flush(_FLUSH_SECONDS)
    if accepted:
        _settle([*emitted, *(run for run in runs if run not in emitted and _is_accounted_for(run, flush))])
    return accepted


def _claim(run: PipelineRun) -> datetime | None:
    """Return since when this process has the right to emit the run's root; None if it has not."""
    now = clock.now()
    return now if PipelineRun.objects.filter(pk=run.pk, logged_at=None).update(logged_at=now) else None


def _emit_claimed(run: PipelineRun, claim: datetime, covers_ns: int) -> bool:
    """Emit the root of a claimed run and return True, unless this process stood still and lost the claim."""
    with transaction.atomic():
        is_ours = _is_emitted_here_alone(run) and PipelineRun.objects.filter(pk=run.pk, logged_at=claim).exists()
        if is_ours:
            _emit(run, covers_ns)
    return is_ours


def _is_emitted_here_alone(run: PipelineRun) -> bool:
    """Return whether no other process can emit the run's root until the transaction ends.

    It is an advisory lock and not the row's, so that nobody waits for a process that is frozen meanwhile.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [_ADVISORY_LOCK, run.pk & _LARGEST_KEY])
        return bool(cursor.fetchone()[0])


def _is_accounted_for(run: PipelineRun, flush: Flush) -> bool:
    """Return whether the root of a run claimed long ago is out, and emit it if its process died.

    It may be in our file; or in a journal, from which its process, or the one that finds that dead, exports it; or in
    the memory of a living process that cannot write yet. If our files cannot be read, or there are none, that is
    unknown; then it is not written a second time.
    """
    traces, journal = settings.SYNCTRACE_TRACES_FILE, settings.SYNCTRACE_JOURNAL
    if traces is None:
        return True
    with transaction.atomic():
        if not _is_emitted_here_alone(run):
            return False
        waits = _is_in(Files(journal=journal), run)  # searched first: from there it moves into the file
        if _is_in(Files(traces=traces), run):
            return True
        if waits or any(count.trouble and count.queued for count in ledger.of_home(settings.SYNCTRACE_HOME).values()):
            return False
        is_said = settings.SYNCTRACE_LOG_FILE is None or _is_said(run, _event("completed"), _event("failed"))
        PipelineRun.objects.filter(pk=run.pk).update(logged_at=clock.now())  # the claim is ours now
        _emit(run, 0, repeat=is_said)
    return flush(_FLUSH_SECONDS)


def _is_in(files: Files, run: PipelineRun) -> bool:
    root = root_of(run)
    return any(span.span_id == root.span_id for span in files.within(run.started_ns).trace(root.trace_id))


def _event(moment: str) -> str:
    """Return the name of the line that a run has at its start or end."""
    return catalog.Pipeline.__lines__[moment][0]


def _is_said(run: PipelineRun, *events: str) -> bool:
    """Return whether one of these lines of the run is in our file."""
    trace_id = root_of(run).trace_id
    lines = Files(lines=settings.SYNCTRACE_LOG_FILE).within(run.started_ns)
    return bool(lines.find_lines(trace_id=trace_id, event=events))


def _settle(runs: Sequence[PipelineRun]) -> None:
    PipelineRun.objects.filter(pk__in=[run.pk for run in runs]).update(exported_at=clock.now(), export_due_at=None)


def _emit(run: PipelineRun, covers_ns: int, *, repeat: bool = False) -> None:
    root = root_of(run)
    with (
        bind(team_id=run.team_id, repo_id=None, run_id=run.pk),
        root.finish(_operation(run), ended_at=run.ended_at, covers_ns=covers_ns, repeat=repeat) as pipeline,
    ):
        if run.state == PipelineRun.State.FAILED:
            pipeline.failed(RunFailed(run.error_type, run.error_msg))
        elif run.state == PipelineRun.State.CANCELLED:
            pipeline.cancelled()
        else:
            result = catalog.PipelineCompleted(repos_synced=run.repos_synced, total_prs=run.total_prs)
            pipeline.completed(result, shortfall=run.shortfall)


def _link(relation: machine_catalog.LinkRelation, run: PipelineRun) -> None:
    """Link the current trace to that of `run`."""
    only = [row.repository.full_name for row in run.repo_syncs.select_related("repository")[:2]]
    full_name = only[0] if len(only) == 1 else None
    name = f"{PipelineRun.Kind(run.kind).label} run {run.pk}{f' of {full_name}' if full_name else ''}"
    _link_to(run.traceparent, relation=relation, name=name, run_id=run.pk, full_name=full_name)


def _link_to(
    traceparent: str,
    *,
    relation: machine_catalog.LinkRelation,
    name: str,
    run_id: int | None = None,
    full_name: str | None = None,
) -> None:
    link = machine_catalog.RunLink(
        relation=relation, name=name, trace_id=trace_id_of(traceparent), run_id=run_id, full_name=full_name
    )
    with observe(link) as here:
        here.link(traceparent)


def _operation(run: PipelineRun) -> catalog.Pipeline:
    return catalog.Pipeline(
        team_id=run.team_id,
        repos_count=run.repo_syncs.count(),
        phase=phases.named(run.phase),
        task_id=run.task_id,
        run_id=run.pk,
        repos_failed=run.repos_failed,
        complete=run.state == PipelineRun.State.COMPLETED and not run.repo_syncs.exclude(gaps=[]).exists(),
    )
