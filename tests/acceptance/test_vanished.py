"""A machine vanishes with its home while it syncs: another's sweep ends its spans from the rows, each once, in any order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from apps.github_simulator.testing import SimulatedGitHub, simulator
from apps.integrations.models import PipelineRun, RepoSync, VanishedSpans
from apps.integrations.tasks import start_pipeline
from apps.processes import Program
from telemetry import ledger
from telemetry.reading import Span, open_spans, orphans_of, read_lines, read_spans
from tests.acceptance.worker import wait_until, worker
from tests.integrations.syncing import tracked

NAME = "synthetic/repo-0"
QUICK = {
    "SYNC_SWEEP_SECONDS": "0.5",
    "SYNC_REQUEST_SECONDS": "6",
    "SYNC_STALE_SECONDS": "12",
    "SYNC_STEP_SECONDS": "60",
    "OTEL_BSP_SCHEDULE_DELAY": "200",
}
DIED = {"run/apps.integrations.tasks.sync_repository", "sync.repo"}
LATER = """
import django, telemetry
from apps.config import instrumentation
instrumentation.configure()
django.setup()
with telemetry.span("later.one"):
    pass
telemetry.flush()
"""
"""A process with a span."""
pytestmark = pytest.mark.django_db(transaction=True)


def _home(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return the environment of a machine of its own, as far as its home makes it one."""
    folder.mkdir()
    return {**environment, **QUICK, "SYNCTRACE_HOME": str(folder)}


@contextmanager
def _stopped_in_a_request(github: SimulatedGitHub, environment: Mapping[str, str]) -> Iterator[Program]:
    """A worker waits for GitHub's second page, and has exported what came before."""
    github.add_faults({"fault": "hang", "match": {"operation": "PullRequests"}, "nth": 2})
    repository = tracked(github, NAME)
    with worker(environment) as process:
        start_pipeline.delay(repository.team_id, [repository.pk], days=None)
        wait_until(lambda: any(seen.fault for seen in github.requests()))
        wait_until(lambda: "sync.db.write" in {span.name for span in _spans(environment)})
        time.sleep(1.0)  # what has ended is exported, and what is open stays so
        yield process


def _spans(*environments: Mapping[str, str]) -> list[Span]:
    paths = [Path(each["SYNCTRACE_HOME"]) / "traces.jsonl" for each in environments]
    return [span for path in paths if path.exists() for span in read_spans(path)]


def _attempt(spans: list[Span], *, attempt: int) -> dict[str, Span]:
    """Return the spans of an attempt that a row keeps, by name; each is there once."""
    found = [span for span in spans if span.name in DIED and _number_of(span) == attempt]
    assert len({span.name for span in found}) == len(found), found
    return {span.name: span for span in found}


def _number_of(span: Span) -> object:
    return span.attributes.get("sync.attempt", span.attributes.get("celery.attempt"))


def _until_it_is_over() -> None:
    wait_until(lambda: PipelineRun.objects.filter(exported_at__isnull=False).count() == 1)


def _found_dead(environment: Mapping[str, str]) -> bool:
    path = Path(environment["SYNCTRACE_HOME"]) / "logs.jsonl"
    return path.exists() and any(line["event"] == "sync.attempt.dead" for line in read_lines(path))


def _journals(environment: Mapping[str, str]) -> list[str]:
    return [path.name for path in (Path(environment["SYNCTRACE_HOME"]) / "journal").glob("*.jsonl")]


def _trace(*environments: Mapping[str, str]) -> list[Span]:
    (run,) = PipelineRun.objects.all()
    return [span for span in _spans(*environments) if span.trace_id == run.traceparent.split("-")[1]]


def _is_whole(*environments: Mapping[str, str]) -> list[Span]:
    """Return all spans of the only run: each is there once, none is an orphan, and both ledgers are exact."""
    wait_until(lambda: all(map(_is_counted, environments)), seconds=10)  # a span is in the file a moment before that
    trace = _trace(*environments)
    assert len({span.span_id for span in trace}) == len(trace)
    assert orphans_of(trace) == []
    return trace


def _is_counted(environment: Mapping[str, str]) -> bool:
    counts = ledger.of_home(environment["SYNCTRACE_HOME"])
    assert all(count.is_exact for count in counts.values()), counts
    return {count.exported for count in counts.values()} == {len(_spans(environment))}


@pytest.mark.slow
def test_a_machine_that_vanished_has_its_spans_ended_by_another_and_ends_none_when_it_is_back(
    unexplained_environment: dict[str, str], tmp_path: Path
) -> None:
    """Ended at the row's last sign of life under their own ids, start, parent and attributes; the rest is its journal's."""
    lost, ours = (_home(unexplained_environment, tmp_path / name) for name in ("lost", "ours"))
    with simulator(synthetic=74) as github:
        with _stopped_in_a_request(github, lost) as process:
            opened = {span.name: span for span in open_spans(tmp_path / "lost" / "journal") if span.name in DIED}
            process.kill()
        (tmp_path / "lost").rename(tmp_path / "away")
        row = RepoSync.objects.get()
        with worker(ours):
            wait_until(lambda: _found_dead(ours))
            wait_until(lambda: _attempt(_spans(ours), attempt=1).keys() == DIED, seconds=10)
            _until_it_is_over()
            away = {**lost, "SYNCTRACE_HOME": str(tmp_path / "away")}
            wait_until(lambda: orphans_of(_trace(ours, away)) == [], seconds=10)  # what ended last is exported by then
            _is_whole(ours, away)
            (tmp_path / "away").rename(tmp_path / "lost")
            assert _journals(lost)
            with worker(lost):
                wait_until(lambda: not _journals(lost))
    trace = _is_whole(ours, lost)
    died = _attempt(_spans(ours), attempt=1)
    assert died.keys() == opened.keys() == DIED
    assert _attempt(_spans(lost), attempt=1) == {}
    for name, span in died.items():
        was = opened[name]
        assert (span.span_id, span.trace_id, span.parent_id, span.start_ns, span.links) == (
            was.span_id,
            was.trace_id,
            was.parent_id,
            was.start_ns,
            was.links,
        )
        assert span.resource["process.pid"] == was.resource["process.pid"]
        assert dict(was.attributes).items() <= {**span.attributes, **_learned_later(was)}.items()
        assert (span.outcome, span.status, span.attributes["died.cause"]) == ("died", "ERROR", "unknown")
        assert span.status_message == "nothing was heard of the process any more"
        assert row.alive_at is not None
        assert span.end_ns == int(row.alive_at.timestamp() * 1_000_000) * 1_000
    assert _attempt(_spans(ours), attempt=2).keys() == DIED
    call = [span for span in trace if span.name == "sync.api.graphql" and span.outcome == "died"]
    assert [span.parent_id for span in call] == [died["sync.repo"].span_id]  # from the journal, which has come back
    assert VanishedSpans.objects.filter(export_due_at__isnull=False).count() == 0


def _learned_later(span: Span) -> dict[str, object]:
    """Return what a span has learned since its will was written: a row knows nothing of that."""
    return {name: value for name, value in span.attributes.items() if name in ("prs_total", "sync.prs.total")}


@pytest.mark.slow
def test_a_machine_that_is_back_before_anybody_missed_it_ends_its_spans_itself(
    unexplained_environment: dict[str, str], tmp_path: Path
) -> None:
    """By its journal, which knows more; another that finds the attempt dead later has nothing to end."""
    lost, ours = (_home(unexplained_environment, tmp_path / name) for name in ("lost", "ours"))
    with simulator(synthetic=74) as github:
        with _stopped_in_a_request(github, lost) as process:
            process.kill()
        assert RepoSync.objects.filter(attempt_will__isnull=False).count() == 1
        subprocess.run([sys.executable, "-c", LATER], env=lost, check=True, timeout=60)
        assert _journals(lost) == []
        assert RepoSync.objects.filter(attempt_will__isnull=False, state="running").count() == 0
        with worker(ours):
            wait_until(lambda: _found_dead(ours))
            _until_it_is_over()
    _is_whole(ours, lost)
    assert VanishedSpans.objects.count() == 0
    assert _attempt(_spans(lost), attempt=1).keys() == DIED
    assert _attempt(_spans(ours), attempt=1) == {}


@pytest.mark.slow
def test_a_will_that_is_stored_when_its_process_is_long_dead_is_nobodys(
    unexplained_environment: dict[str, str], tmp_path: Path
) -> None:
    """Its worker was killed while the database let its claim wait for a lock, and its journal has been read before that."""
    home = _home(unexplained_environment, tmp_path / "home")
    with simulator(synthetic=74) as github:
        with _stopped_in_a_request(github, home) as process:
            process.kill()
        will = RepoSync.objects.get().attempt_will
        assert will is not None
        subprocess.run([sys.executable, "-c", LATER], env=home, check=True, timeout=60)
        assert _journals(home) == []
        RepoSync.objects.update(attempt_will=will)
        with worker(home):
            wait_until(lambda: _found_dead(home))
            _until_it_is_over()
            time.sleep(2.0)  # a sweep that had something to end would have ended it
    _is_whole(home)
    assert VanishedSpans.objects.count() == 0
    assert _attempt(_spans(home), attempt=1).keys() == DIED


@pytest.mark.slow
def test_a_machine_that_was_only_away_leaves_its_spans_to_who_took_it_for_dead(
    unexplained_environment: dict[str, str], tmp_path: Path
) -> None:
    """A worker that stood still goes on when another has done its work: its attempt's spans are dropped, and counted."""
    lost, ours = (_home(unexplained_environment, tmp_path / name) for name in ("lost", "ours"))
    with simulator(synthetic=74) as github, _stopped_in_a_request(github, lost) as process:
        os.killpg(process.pid, signal.SIGSTOP)
        try:
            with worker(ours):
                wait_until(lambda: _attempt(_spans(ours), attempt=1).keys() == DIED)
                _until_it_is_over()
        finally:
            os.killpg(process.pid, signal.SIGCONT)
        wait_until(lambda: _dropped(lost) == 2)
        process.stop()
    _is_whole(ours, lost)
    assert _attempt(_spans(lost), attempt=1) == {}


def _dropped(environment: Mapping[str, str]) -> int:
    counts = ledger.of_home(environment["SYNCTRACE_HOME"])
    return counts["file"].dropped.get("ended_elsewhere", 0)
