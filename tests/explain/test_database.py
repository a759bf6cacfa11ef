"""What rows say of a run and of what went on around it, and that a real sync is explained by them and its spans."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.explain.database import earlier_runs, facts_of, surroundings_of
from apps.explain.explanation import explain_run
from apps.explain.known_runs import Asked
from apps.explain.runs_in_rows import Rows
from apps.github_simulator.testing import simulator
from apps.integrations import onboarding_pipeline as pipeline
from apps.integrations.errors import Unauthorized
from apps.integrations.models import Admission, ApiLane, PipelineRun, RepoSync, SweepTime
from apps.integrations.runs import attempts
from apps.repositories.models import TrackedRepository
from apps.utils import clock
from telemetry.reading import Memory
from telemetry.testing import Capture
from telemetry.timestamps import unix_nanoseconds
from tests.explain.told import BEGAN, BEGAN_NS, ROOT_ID, attempt, call, root
from tests.integrations.histories import repo_sync, repository
from tests.integrations.syncing import begin, claim, tracked

pytestmark = pytest.mark.django_db
_DAY = timedelta(days=1)


def _run(of: TrackedRepository, *, minute: int = 0, state: str = "completed", **known: Any) -> PipelineRun:
    """Return a run that began at that minute and took ten seconds, over the last day."""
    began = BEGAN + timedelta(minutes=minute)
    fields: dict[str, Any] = {
        "kind": "recent",
        "phase": "syncing",
        "traceparent": f"00-{minute + 1:032x}-{ROOT_ID}-01",
        "started_ns": BEGAN_NS + minute * 60 * 10**9,
        "started_at": began,
        "since": began - _DAY,
        "ended_at": None if state == "running" else began + timedelta(seconds=10),
        **known,
    }
    return PipelineRun.objects.create(team=of.team, state=state, **fields)


def _moment(run: PipelineRun, seconds: float) -> Any:
    return run.started_at + timedelta(seconds=seconds)


def test_a_row_s_facts_are_its_repositories() -> None:
    """With how far each came, what it waits for, and since when its message is under way."""
    cake = repository("o/1")
    run = _run(cake, state="running")
    row = repo_sync(run, cake, state="queued", prs_done=3, prs_total=9)
    Admission.objects.create(repo_sync=row, attempt=1, account="x", admitted_at=_moment(run, 1), sent_at=_moment(run, 2))
    with clock.using(clock.SteppedClock(_moment(run, 30))):
        facts = facts_of(run)
    (one,) = facts.repositories
    assert (facts.run_id, facts.state, facts.ended_ns, facts.seconds, facts.team) == (run.pk, "running", None, 30.0, "team")
    assert (one.row, one.full_name, one.progress) == (row.pk, "o/1", "after 3 of 9 pull requests")
    assert (one.sent_ns, one.due_ns) == (unix_nanoseconds(_moment(run, 2)), unix_nanoseconds(run.started_at))


def test_a_silent_attempt_is_told_by_its_row() -> None:
    """For as long as nothing was heard, once work alone does not explain it."""
    cake = repository("o/1")
    run = _run(cake, state="running")
    repo_sync(run, cake, state="running", attempt=1, alive_at=_moment(run, 0))
    with clock.using(clock.SteppedClock(_moment(run, 90))):
        assert facts_of(run).repositories[0].silent_sec == 90.0
    with clock.using(clock.SteppedClock(_moment(run, 20))):
        assert facts_of(run).repositories[0].silent_sec == 0.0


def test_who_was_at_work_and_whom_an_error_struck_meanwhile() -> None:
    """Of other runs and teams; what was over before, or is another day, is none of it."""
    cake, bread, pie = repository("o/1", "cooks"), repository("o/2", "bakers"), repository("o/3", "bakers")
    run = _run(cake)
    repo_sync(run, cake, state="completed")
    other, old = _run(bread, state="partial"), _run(bread, minute=-3000, state="failed")
    repo_sync(
        other, bread, state="completed", started_at=_moment(run, -5), alive_at=_moment(run, 4), ended_at=_moment(run, 4)
    )
    failed = {"state": "failed", "error_type": "unauthorized", "started_at": _moment(run, -50)}
    repo_sync(other, pie, **failed, alive_at=_moment(run, -40), ended_at=_moment(run, -40))
    repo_sync(old, pie, **{**failed, "started_at": old.started_at}, alive_at=old.started_at, ended_at=old.started_at)
    SweepTime.objects.create(id=SweepTime.ONLY, at=_moment(run, 3))
    around = surroundings_of(run, facts_of(run))
    assert [(one.team, one.full_name, one.run_id) for one in around.busy] == [("bakers", "o/2", other.pk)]
    assert [(one.full_name, one.run_id, one.error_type) for one in around.affected] == [("o/3", other.pk, "unauthorized")]
    assert (around.is_known, around.swept_ns) == (True, unix_nanoseconds(_moment(run, 3)))


def test_what_holds_an_account_is_told_of_a_run_that_goes_on() -> None:
    """By the lane's row."""
    cake = repository("o/1")
    run = _run(cake, state="running")
    repo_sync(run, cake, state="queued")
    until = _moment(run, 600)
    ApiLane.objects.create(account="github.test/ada", blocked_until=until, blocked_reason="secondary")
    with clock.using(clock.SteppedClock(_moment(run, 30))):
        around = surroundings_of(run, facts_of(run))
    assert around.blocks == {"github.test/ada": ("secondary", unix_nanoseconds(until))}


def test_earlier_runs_are_of_the_same_repositories_and_window() -> None:
    """The last seven that completed; another window, another set, a failure or a backfill is no measure."""
    cake, bread = repository("o/1"), repository("o/2")
    alike = [_run(cake, minute=minute) for minute in range(8)]
    others = [
        _run(cake, minute=9, since=None),
        _run(cake, minute=10, state="failed"),
        _run(cake, minute=11, kind="backfill"),
    ]
    both, run = _run(cake, minute=12), _run(cake, minute=20)
    for one in [*alike, *others, both, run]:
        repo_sync(one, cake, state="completed", attempt=2, requests=5, points=4)
    repo_sync(both, bread, state="completed")
    assert earlier_runs(run) == alike[:0:-1]
    earlier = surroundings_of(run, facts_of(run)).earlier
    assert [(one.wall_sec, one.requests, one.points, one.attempts) for one in earlier] == [(10.0, 5, 4, 2)] * 7


@pytest.mark.django_db(transaction=True)
def test_a_real_sync_that_is_cancelled_is_explained_by_its_rows_and_lines(captrace: Capture) -> None:
    """From what it really left: its line, its row and its root span."""
    with simulator(synthetic=3) as github:
        row = begin(tracked(github, "synthetic/repo-0"))
        pipeline.cancel(row.run_id, by="ada@laptop")
    found = explain_run(row.run_id, source=Memory(captrace.spans, captrace.lines)).as_json()
    assert (found["outcome"], [cause["code"] for cause in found["causes"]]) == ("cancelled", ["cancelled"])
    assert [sorted(step) for step in found["causes"][0]["chain"]] == [
        ["says", "span_id", "trace_id"],
        ["line", "says", "trace_id"],
    ]
    (line,) = [line for line in captrace.lines if line["event"] == "sync.run.cancelled"]
    assert found["causes"][0]["chain"][1]["line"] == f"{line['timestamp']} sync.run.cancelled"


@pytest.mark.django_db(transaction=True)
def test_a_real_sync_without_any_telemetry_is_explained_by_its_rows(captrace: Capture) -> None:
    """They say which error it stopped with; that nothing else can be read is said."""
    with simulator(synthetic=3) as github:
        row = begin(tracked(github, "synthetic/repo-0"))
        _, own = claim(row)
        attempts.fail(own, Unauthorized("GitHub: 401"), disposition=RepoSync.Disposition.FORBIDDEN)
        pipeline.advance(row.run_id)
    found = explain_run(row.run_id, source=Memory()).as_json()
    assert found["sentence"].startswith("synthetic/repo-0 stopped before the first pull request: GitHub refused the token")
    assert [step["row"] for step in found["causes"][0]["chain"]] == [f"PipelineRun {row.run_id}", f"RepoSync {row.pk}"]
    assert [each.split(":")[0] for each in found["missing"]] == ["the run's spans", "the run's lines"]


def test_of_removed_repositories_a_run_s_trace_still_tells() -> None:
    """By their names and how they ended, beside those that have their rows; that rows are missing is said."""
    kept = repository("o/kept")
    run = _run(kept, traceparent=f"00-{'e' * 32}-{ROOT_ID}-01", state="partial", repos_count=2, repos_failed=1)
    repo_sync(run, kept, state="completed", disposition="synced")
    lost = attempt(1.0, 9.0, repo=kept.pk + 1, outcome="failed", has={"error.type": "unauthorized"})
    found = explain_run(run.pk, source=Memory([root(10.0), *attempt(0.0, 1.0, repo=kept.pk), *lost], []))
    assert [(one.full_name, one.state) for one in found.facts.repositories] == [
        ("o/kept", "completed"),
        (f"o/{kept.pk + 1}", "failed"),
    ]
    assert found.sentence.startswith(f"o/{kept.pk + 1} stopped before the first pull request: GitHub refused the token")
    rows = "what the rows of its repositories said, which go with them: 1 of its 2 repositories was removed since"
    assert rows in found.missing


@pytest.mark.parametrize(
    ("known", "sentence"),
    [
        ({}, "Run {pk} is healthy: it completed in 1.0 s; its 2 repositories were removed since."),
        ({"repos_count": None}, "Run {pk} is healthy: it completed in 1.0 s; its repositories were removed since."),
        ({"state": "partial"}, "Run {pk} ended without some repositories; its 2 repositories were removed since."),
        (
            {"state": "failed", "error_type": "every_repository_failed", "error_msg": "o/n: 401"},
            "Run {pk} failed: o/n: 401; its 2 repositories were removed since.",
        ),
    ],
)
def test_without_rows_and_spans_only_the_run_s_own_end_is_told(known: dict[str, Any], sentence: str) -> None:
    """It is not called a run over no repository, nor a healthy one if it was not."""
    of = repository("o/n")
    run = _run(of, ended_at=BEGAN + timedelta(seconds=1), **{"repos_count": 2, **known})  # too short to ask where it went
    assert explain_run(run.pk, source=Memory([], [])).sentence == sentence.format(pk=run.pk)


def test_what_a_trace_tells_of_a_completed_run_s_removed_repositories_is_counted() -> None:
    """As it was, with what became of them since."""
    ended = BEGAN + timedelta(seconds=1)
    run = _run(repository("o/n"), traceparent=f"00-{'e' * 32}-{ROOT_ID}-01", ended_at=ended, repos_count=2)
    spans = [root(1.0)]
    for number in (7, 8):
        spans += attempt(0.0, 1.0, call(0.0, 1.0), repo=number, has={"prs_synced": 40})
    found = explain_run(run.pk, source=Memory(spans, []))
    assert found.sentence == (
        f"Run {run.pk} is healthy: 2 repositories, 80 pull requests in 1.0 s, of which GitHub took 1.0 s; "
        "its 2 repositories were removed since."
    )


def test_a_run_that_lost_a_repository_is_compared_with_none() -> None:
    """Nor is it what others are compared with: what is left of it is not what it read."""
    both = [repository("o/one"), repository("o/two")]
    runs = []
    for minute in (0, 20, 40):
        runs.append(_run(both[0], minute=minute, repos_count=2))
        for one in both:
            repo_sync(runs[-1], one, state="completed", disposition="synced")
    only = _run(both[0], minute=60, repos_count=1)
    repo_sync(only, both[0], state="completed", disposition="synced")
    assert [one.pk for one in earlier_runs(runs[-1])] == [runs[1].pk, runs[0].pk]
    both[1].delete()
    assert [earlier_runs(run) for run in (runs[-1], only)] == [[], []]


def test_a_list_names_what_was_removed_as_such() -> None:
    """Beside what is left; for programs it is a number."""
    both = [repository("o/one"), repository("o/two")]
    run = _run(both[0], repos_count=2)
    for one in both:
        repo_sync(run, one, state="completed", disposition="synced")
    told = []
    for gone in (None, *both):
        if gone is not None:
            gone.delete()
        (known,) = Rows().runs(Asked())
        told.append((known.names, known.as_json()["repositories_removed"]))
    assert told == [
        ("o/one, o/two", 0),
        ("o/two, 1 repository removed since", 1),
        ("2 repositories removed since", 2),
    ]
    PipelineRun.objects.update(repos_count=None)
    (known,) = Rows().runs(Asked())
    assert (known.names, known.as_json()["repositories_removed"]) == ("repositories removed since", None)
