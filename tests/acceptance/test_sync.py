"""One real sync, read back from outside: rows, spans and lines of a worker with a wait, a retry and a failure in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from apps import catalog, machine_catalog
from apps.github_simulator.testing import Limits, simulator
from apps.integrations.connections import connect
from apps.integrations.models import PipelineRun, RepoSync
from apps.integrations.tasks import start_pipeline
from apps.pulls.models import ChangedFile, Commit, PullRequest, Review
from apps.repositories.accounts import track
from apps.teams.models import Team
from telemetry._declaring import unchanged
from telemetry.model import Operation, declared_events
from telemetry.reading import Span, draw, orphans_of, read_lines, read_spans
from tests.acceptance.worker import wait_until, worker

NAME = "synthetic/repo-3"
COUNT = 90


@dataclass(frozen=True)
class Story:
    """What the sync left behind."""

    spans: list[Span]
    lines: list[dict[str, Any]]
    stats: dict[str, Any]
    counts: dict[str, int]
    expected: dict[str, int]
    dispositions: dict[str, str]
    runs: list[PipelineRun]

    def of(self, name: str) -> list[Span]:
        """The spans with this name."""
        return [span for span in self.spans if span.name == name]


@pytest.fixture
def story(program_environment: dict[str, str]) -> Story:
    """A recent run and a backfill over a repository that is there and one that is not, with a small budget and one fault."""
    environment = {**program_environment, "SYNC_SWEEP_SECONDS": "1", "SYNC_LOG_LEVEL": "DEBUG"}
    team = Team.objects.create(slug="bakers", name="Bakers")
    with simulator(synthetic=COUNT, seed=3, limits=Limits(graphql=5000)) as github:
        github.add_faults(
            {"fault": "primary_limit", "match": {"operation": "PullRequests"}, "times": 1, "reset_in": 1},
            {"fault": "server_error", "match": {"operation": "PullRequests"}, "nth": 3, "times": 1},
        )
        connection = connect(team=team, api_url=github.url, token="ghp_" + "a" * 36)
        tracked = track(connection=connection, full_names=[NAME, "synthetic/gone"])
        lonely = Team.objects.create(slug="lonely", name="Lonely")
        (gone,) = track(
            connection=connect(team=lonely, api_url=github.url, token="ghp_" + "b" * 36), full_names=["synthetic/gone"]
        )
        with worker(environment):
            start_pipeline.delay(team.pk, [one.pk for one in tracked], days=5, backfill_all=True)
            start_pipeline.delay(lonely.pk, [gone.pk], days=5)
            wait_until(lambda: PipelineRun.objects.filter(exported_at__isnull=False).count() == 3)
        there = github.repository(NAME).pull_requests
        expected = {
            "pull_requests": len(there),
            "reviews": sum(len(one.reviews) for one in there.values()),
            "commits": sum(len(one.commits) for one in there.values()),
            "files": sum(len(one.files) for one in there.values()),
        }
        stats = github.stats()
    home = Path(environment["SYNCTRACE_HOME"])
    return Story(
        spans=read_spans(home / "traces.jsonl"),
        lines=read_lines(home / "logs.jsonl"),
        stats=stats,
        counts={
            "pull_requests": PullRequest.objects.count(),
            "reviews": Review.objects.count(),
            "commits": Commit.objects.count(),
            "files": ChangedFile.objects.count(),
        },
        expected=expected,
        dispositions={
            f"{one.run.kind} {one.repository.full_name}": one.disposition
            for one in RepoSync.objects.select_related("run", "repository").filter(run__team=team)
        },
        runs=list(PipelineRun.objects.order_by("team_id", "pk")),
    )


@pytest.mark.django_db(transaction=True)
def test_a_whole_sync_can_be_read_back(story: Story) -> None:
    """Everything is stored, every event of the catalog was written by the real code path, and every span has its place."""
    assert story.counts == story.expected
    assert story.dispositions == {
        f"recent {NAME}": "synced",
        "recent synthetic/gone": "gone",
        f"backfill {NAME}": "synced",
    }
    assert [(run.kind, run.state, run.phase) for run in story.runs] == [
        ("recent", "partial", "phase1_complete"),
        ("backfill", "completed", "complete"),
        ("recent", "failed", "syncing"),
    ]
    _check_lines(story)
    _check_spans(story)
    _check_attributes(story)
    assert max(story.stats["max_in_flight"].values()) == 1
    assert story.stats["trace_headers"] == 0


def _check_lines(story: Story) -> None:
    """Every event of the table occurs, with its level, its fields in order, context and ids; others are the machine's."""
    written = {line["event"] for line in story.lines if line["event"].startswith("sync.")}
    assert written - set(machine_catalog.EVENTS) == set(catalog.TABLE)
    specs = declared_events()
    context = ("team_id", "repo_id", "task_id", "run_id")
    for line in story.lines:
        if line["event"] not in catalog.TABLE:
            continue
        spec = specs[line["event"]]
        fields = [field.name for field in spec.fields]
        names = list(line)
        assert names[:3] == ["timestamp", "level", "event"]
        assert names[3 : 3 + len(fields)] == fields, line
        rest = names[3 + len(fields) :]
        trailing = ["trace_id", "span_id", "trace_flags"] + (["exception"] if "exception" in line else [])
        assert rest == [name for name in context if name in rest] + trailing, line
        assert line["level"] == spec.level.name.lower()
        assert [problem for field in spec.fields if (problem := field.problem(line[field.name]))] == [], line
        assert "team_id" in line, line
        assert "task_id" in line, line
    ids = {span.span_id for span in story.spans}
    assert {line["span_id"] for line in story.lines if "span_id" in line} <= ids


def _check_spans(story: Story) -> None:
    """One root a run, no orphan, attempts as linked siblings under it, as many API and write lines as spans."""
    assert orphans_of(story.spans) == []
    ours = {span.name for span in story.spans if span.name.startswith("sync.")}
    assert ours - {"sync.lane.wait"} == {
        "sync.pipeline",
        "sync.repo",
        "sync.api.graphql",
        "sync.api.rest",
        "sync.api.rate_wait",
        "sync.queue.wait",
        "sync.backoff",
        "sync.run.link",
        "sync.db.write",
    }
    assert all(span.outcome for span in story.spans if span.name.startswith("sync."))
    assert [span.name for span in story.spans if "sweep" in span.name] == []
    for name in ("sync.api.graphql", "sync.api.rest", "sync.api.rate_wait", "sync.db.write"):
        assert len(story.of(name)) == sum(line["event"] == name for line in story.lines), name
    roots = {int(str(span.attributes["run_id"])): span for span in story.of("sync.pipeline")}
    first, second, failed = (roots[run.pk] for run in story.runs)
    assert (first.outcome, second.outcome, failed.outcome) == ("completed", "completed", "failed")
    assert first.parent_id is None
    assert (first.links, second.links) == ((), ())  # Jaeger's page draws no critical path for a root that has one
    linked = {(span.trace_id, link) for span in story.of("sync.run.link") for link in span.links}
    assert (second.trace_id, (first.trace_id, first.span_id)) in linked
    assert (first.trace_id, (second.trace_id, second.span_id)) in linked
    assert first.trace_id != second.trace_id
    attempts = sorted(
        (span for span in story.of("run/apps.integrations.tasks.sync_repository") if span.trace_id == first.trace_id),
        key=lambda span: span.start_ns,
    )
    assert {span.parent_id for span in attempts} == {first.span_id}, draw(story.spans)
    (retried,) = [span for span in attempts if span.attributes["celery.attempt"] == 2]
    (before,) = [
        span
        for span in attempts
        if span.attributes["celery.attempt"] == 1 and (span.trace_id, span.span_id) in retried.links
    ]
    assert (before.status, retried.status) == ("ERROR", "OK")


def _check_attributes(story: Story) -> None:
    """A span carries the fields of its own lines, under each key that they declare; what a line does not know is absent."""
    spans = {span.span_id: span for span in story.spans}
    operations = {
        event: operation
        for operation in vars(catalog).values()
        if isinstance(operation, type) and issubclass(operation, Operation) and operation is not Operation
        for event, _line in operation.__lines__.values()
    }
    compared = set()
    for line in story.lines:
        operation = operations.get(line["event"])
        if operation is None:
            continue
        attributes = spans[line["span_id"]].attributes
        for field in declared_events()[line["event"]].fields:
            if (line["event"], field.name) == ("sync.pipeline.started", "phase"):
                continue  # the root span tells the phase in which the run ended
            known = operation.__known__[field.name]
            for key in (known.key, *(key for key, derive in known.also if derive is unchanged)):
                assert attributes.get(key) == line[field.name], (key, line, attributes)
                compared.add((line["event"], key))
    assert {event for event, _ in compared} == operations.keys()
    assert {("sync.repo.started", "full_name"), ("sync.api.rest", "http.response.status_code")} <= compared
    for span in story.of("sync.repo"):
        owner, name = str(span.attributes["full_name"]).split("/")
        assert (span.attributes["vcs.owner.name"], span.attributes["vcs.repository.name"]) == (owner, name)
        assert span.attributes["vcs.provider.name"] == "github"
        assert str(span.attributes["vcs.repository.url.full"]).endswith(f"/{owner}/{name}")
