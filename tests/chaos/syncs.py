"""Start syncs as users do, wait for their ends, and read what they have left: rows, spans and lines."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

from telemetry import ledger
from telemetry.reading import Span, read_lines, read_spans
from tests.chaos.evidence import Evidence, Repository, Run
from tests.chaos.github import NAMES
from tests.chaos.places import is_gone
from tests.chaos.rows import Rows, rows_of
from tests.chaos.stack import Stack

T = TypeVar("T")

TEAMS_PER_ACCOUNT = 2
_RECENT_DAYS = 3
_DATABASE_SECONDS = 30.0
_POLL_SECONDS = 0.25


class NeverHappened(RuntimeError):  # noqa: N818  # it says what happened
    """Something that the whole test waits for did not happen in time."""


@dataclass(frozen=True)
class Syncs:
    """Syncs that run side by side, one a team: a recent run over all repositories, then a backfill for each of them."""

    stack: Stack
    slugs: Sequence[str]

    @classmethod
    def begin(cls, stack: Stack, name: str, *, teams: int) -> Syncs:
        """Start the syncs of so many new teams, of which `TEAMS_PER_ACCOUNT` share an account, and see them begin."""
        from apps.integrations.connections import connect
        from apps.integrations.tasks import start_pipeline
        from apps.repositories.accounts import track
        from apps.teams.models import Team

        url = stack.github.ask(do="tell")["url"]
        slugs = [f"{name}-{number}" for number in range(teams)]
        for number, slug in enumerate(slugs):
            team = Team.objects.create(slug=slug, name=slug)
            token = f"chaos-{name}-{number // TEAMS_PER_ACCOUNT}"
            tracked = track(connection=connect(team=team, api_url=url, token=token), full_names=NAMES)
            start_pipeline.delay(team.pk, [each.pk for each in tracked], days=_RECENT_DAYS, backfill_all=True)
        syncs = cls(stack, slugs)
        syncs.wait_for(lambda: len(syncs.runs()) >= teams, "all syncs have begun", seconds=30)
        return syncs

    def runs(self) -> list[Run]:
        """Return their runs, as the rows tell."""
        from apps.integrations.models import PipelineRun

        runs = PipelineRun.objects.filter(team__slug__in=self.slugs).select_related("team").order_by("pk")
        return read_again(lambda: [_run(run) for run in runs.prefetch_related("repo_syncs__repository")])

    def have_ended(self) -> bool:
        """Return whether every run that is to be has ended, and its root span is exported."""
        runs = self.runs()
        backfills = {slug: 0 if any(_failed(run, slug) for run in runs) else len(NAMES) for slug in self.slugs}
        return len(runs) == len(self.slugs) + sum(backfills.values()) and all(run.exported for run in runs)

    def wait_for(self, fact: Callable[[], bool], what: str, *, seconds: float) -> None:
        """Wait until it is so; raise `NeverHappened` if that takes too long."""
        deadline = time.monotonic() + seconds
        while not fact():
            if time.monotonic() > deadline:
                raise NeverHappened(f"{what}: not in {seconds:g} s")
            self.stack.tend()
            self.stack.watch.listen()
            time.sleep(_POLL_SECONDS)

    def evidence(self, expected: Rows, *, at_rest: bool = False) -> Evidence:
        """Return everything that these syncs have left; `at_rest` says that nothing is on its way any more."""
        from apps.integrations.models import Admission, ApiLane
        from apps.repositories.models import GitHubConnection

        connections = GitHubConnection.objects.filter(team__slug__in=self.slugs).values_list("account", flat=True)
        logins = {account.rpartition("/")[2] for account in read_again(lambda: list(connections))}
        seen = self.stack.github.ask(do="tell")
        in_flight: dict[str, int] = seen["max_in_flight"]
        runs = self.runs()
        traces = [run.trace_id for run in runs]
        home = self.stack.home
        received: Mapping[str, int] | None = self.stack.collector.ask(do="tell")["spans"] if at_rest else None
        all_spans = read_spans(home / "traces.jsonl", containing=() if at_rest else traces)
        return Evidence(
            teams=len(self.slugs),
            repositories=len(NAMES),
            runs=runs,
            rows=read_again(self.rows),
            expected=expected,
            most_in_flight={login: most for login, most in in_flight.items() if login in logins},
            overlaps=[str(overlap) for overlap in seen["overlaps"] if overlap["account"] in logins],
            admitted=read_again(lambda: list(Admission.objects.values_list("account", flat=True))),
            held=read_again(lambda: _held(ApiLane._meta.db_table)),
            left=[process.pid for process in self.stack.left if process.is_running() and not is_gone(process.pid)],
            spans=[span for span in all_spans if span.trace_id in traces],
            lines=[line for line in read_lines(home / "logs.jsonl", containing=traces) if line.get("trace_id") in traces],
            ledger=ledger.of_home(home),
            arrived=None if received is None else _arrived(all_spans, received),
            again=[] if received is None else _again(all_spans, received),
        )

    def rows(self) -> Mapping[str, Rows]:
        """Return what is stored for each team."""
        return {slug: rows_of(slug) for slug in self.slugs}


def read_again(read: Callable[[], T]) -> T:
    """Return what `read` returns, on a new connection when the database has gone away meanwhile."""
    deadline = time.monotonic() + _DATABASE_SECONDS
    while True:
        try:
            return read()
        except (InterfaceError, OperationalError):
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(_POLL_SECONDS)


def _arrived(in_file: Sequence[Span], received: Mapping[str, int]) -> Mapping[str, int]:
    """Return how many different spans are in the file and with the collector, by the names that exporters have."""
    return {"file": len({(span.trace_id, span.span_id) for span in in_file}), "otlp_proto_http": len(received)}


def _again(in_file: Sequence[Span], received: Mapping[str, int]) -> list[str]:
    """Return the spans that the collector received more than once."""
    again = {span_id: times for span_id, times in received.items() if times > 1}
    there = {span.span_id: f"{span.name} {span.outcome}" for span in in_file if span.span_id in again}
    return [f"{times} times {there.get(span_id, 'not in the file')} {span_id}" for span_id, times in again.items()]


def _failed(run: Run, slug: str) -> bool:
    return run.team == slug and run.kind == "recent" and run.state == "failed"


def _held(table: str) -> list[str]:
    """Return the accounts whose lane is held, by the database's clock: a lease that has ended is no hold."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT account FROM {table} WHERE holder IS NOT NULL AND leased_until >= clock_timestamp()"  # noqa: S608
        )
        return [account for (account,) in cursor.fetchall()]


def _run(run: object) -> Run:
    from apps.integrations.models import PipelineRun

    assert isinstance(run, PipelineRun)
    _, trace_id, root_id, _ = run.traceparent.split("-")
    return Run(
        id=run.pk,
        team=run.team.slug,
        kind=run.kind,
        state=run.state,
        phase=run.phase,
        error=run.error_msg,
        trace_id=trace_id,
        root_id=root_id,
        exported=run.exported_at is not None,
        repositories=tuple(
            Repository(each.repository.full_name, each.state, each.disposition, each.attempt, each.error_msg)
            for each in run.repo_syncs.all()
        ),
    )
