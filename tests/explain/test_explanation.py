"""An explanation for programs: exactly the fields that were promised, and what stands in them."""

from __future__ import annotations

from typing import Any

from apps.explain.facts import Affected, Earlier, Profile, Surroundings
from tests.explain.stories import asked, line, only, refused, repository, told_run
from tests.explain.told import at, attempt, span, write


def _failed_run() -> dict[str, Any]:
    spans = attempt(
        0.0,
        9.0,
        asked(0.0, 1.0, points=2),
        write(1.0, 1.5),
        refused(8.0, 8.5, "unauthorized", status=401),
        outcome="failed",
        has={"error.type": "unauthorized"},
    )
    failed = repository(state="failed", error_type="unauthorized", prs_done=25, prs_total=60)
    return told_run(spans, end=9.0, state="failed", repositories=[failed]).as_json()


def test_its_fields_are_those_that_were_promised() -> None:
    """No more and no fewer, in their order; a step names exactly one thing that proves it."""
    found = _failed_run()
    assert list(found) == [
        "run",
        "outcome",
        "sentence",
        "advice",
        "causes",
        "time",
        "points",
        "compared_with",
        "unusual",
        "also_affected",
        "missing",
    ]
    assert list(found["time"]) == ["wall_sec", "parts", "critical_path"]
    (cause,) = found["causes"]
    assert list(cause) == ["code", "repositories", "seconds", "sentence", "advice", "chain", "inferred"]
    assert only(cause, "code", "repositories", "seconds", "inferred") == {
        "code": "token_refused",
        "repositories": ["o/1"],
        "seconds": 0.5,
        "inferred": False,
    }
    assert [sorted(step) for step in cause["chain"]] == [
        ["says", "span_id", "trace_id"],
        ["row", "says", "trace_id"],
        ["says", "span_id", "trace_id"],
        ["says", "span_id", "trace_id"],
    ]
    assert (found["run"], found["outcome"]) == (1, "failed")


def test_its_times_sum_to_the_run_s() -> None:
    """By part, and along the path."""
    time = _failed_run()["time"]
    assert time["wall_sec"] == sum(time["parts"].values()) == sum(one["seconds"] for one in time["critical_path"]) == 9.0
    assert time["parts"]["github_answering"] == 1.5
    assert [(one["part"], one["at_sec"], one["seconds"]) for one in time["critical_path"]] == [
        ("github_answering", 0.0, 1.0),
        ("database", 1.0, 0.5),
        ("our_own_work", 1.5, 6.5),
        ("github_answering", 8.0, 0.5),
        ("our_own_work", 8.5, 0.5),
    ]


def test_points_are_summed_by_query_and_repository() -> None:
    """The dearest first; a request of which no price is known counts as one."""
    first = attempt(0.0, 3.0, asked(0.0, 1.0, points=2), asked(1.0, 2.0, query="PullRequestLists"))
    look_up = span("sync.api.rest", 3.0, 3.5, outcome="completed", has={"endpoint": "/repos/{owner}/{repo}"})
    second = attempt(3.0, 6.0, look_up, asked(4.0, 5.0, points=4), repo=2)
    explanation = told_run(first, second, end=6.0, repositories=[repository(1), repository(2)])
    assert explanation.points == {
        "points": 7,
        "requests": 4,
        "by_query": {
            "PullRequests": {"points": 6, "requests": 2},
            "PullRequestLists": {"points": 1, "requests": 1},
            "/repos/{owner}/{repo}": {"points": 0, "requests": 1},
        },
        "by_repository": {"o/2": {"points": 4, "requests": 2}, "o/1": {"points": 3, "requests": 2}},
    }


def _earlier(*walls: float) -> list[Earlier]:
    profile = Profile(
        call_seconds={"PullRequests": 1.0}, calls={"PullRequests": 2}, pull_requests_a_page=49, errors=frozenset({"timeout"})
    )
    return [
        Earlier(run_id=90 + number, wall_sec=wall, requests=2, points=2, attempts=1, profile=profile)
        for number, wall in enumerate(walls)
    ]


def test_what_is_unusual_is_told_with_how_much_it_explains() -> None:
    """Slower calls, smaller pages, new errors, against the median and the spread of earlier runs."""
    spans = attempt(0.0, 9.0, asked(0.0, 4.0), asked(4.0, 8.0), refused(8.0, 8.5, "query_failed", status=502))
    around = Surroundings(earlier=_earlier(3.0, 3.2, 3.4))
    row = repository(requests=3, points=2)
    found = told_run(spans, end=9.0, repositories=[row], around=around).as_json()
    assert found["compared_with"] == [90, 91, 92]
    assert found["unusual"] == [
        {"what": "seconds a call of PullRequests", "now": 4.0, "median": 1.0, "spread": 0.0, "explains_sec": 6.0},
        {"what": "seconds in all", "now": 9.0, "median": 3.2, "spread": 0.2, "explains_sec": 5.8},
        {"what": "requests", "now": 3, "median": 2, "spread": 0, "explains_sec": None},
        {"what": "pull requests a page", "now": 25, "median": 49, "spread": 0, "explains_sec": None},
        {"what": "new error: query_failed", "now": 1, "median": 0, "spread": 0, "explains_sec": None},
    ]


def test_too_few_earlier_runs_are_no_measure() -> None:
    """Two runs tell nothing of what is usual."""
    found = told_run(attempt(0.0, 9.0), end=9.0, around=Surroundings(earlier=_earlier(3.0, 3.2))).as_json()
    assert (found["compared_with"], found["unusual"]) == ([90, 91], [])


def test_whom_else_the_cause_struck_within_the_hour() -> None:
    """By other runs' rows and lines, each repository once; another error, or another day, is none of it."""
    failed = repository(state="failed", error_type="unauthorized")
    affected = [
        Affected(
            team="cooks", full_name="c/1", repo_id=11, run_id=7, error_type="unauthorized", error_msg="", at_ns=at(600)
        ),
        Affected(team="cooks", full_name="c/2", repo_id=12, run_id=7, error_type="not_found", error_msg="", at_ns=at(600)),
        Affected(
            team="cooks", full_name="c/3", repo_id=13, run_id=6, error_type="unauthorized", error_msg="", at_ns=at(9e3)
        ),
    ]
    others = [
        line(500.0, "sync.repo.failed", run_id=7, repo_id=11, error_type="unauthorized"),
        line(500.0, "sync.task.retry", run_id=8, repo_id=14, error="unauthorized: GitHub: 401", trace_id="d" * 32),
    ]
    known: dict[str, Any] = {"error_type": "every_repository_failed"}
    explanation = told_run(
        end=9.0, state="failed", repositories=[failed], around=Surroundings(affected=affected), others=others, **known
    )
    assert explanation.also_affected == [
        {"run": 8, "team": None, "repository": "repo_id 14"},
        {"run": 7, "team": "cooks", "repository": "c/1"},
    ]


def test_what_cannot_be_read_is_missing() -> None:
    """Spans, lines, rows."""
    missing = told_run(end=None, now=9.0, has_row=False, lines=[line(1.0, "sync.repo.started")]).missing
    assert [each.split(":")[0] for each in missing] == ["the run's spans", "the run's rows", "the run's root span"]
    assert "the run's lines" in [each.split(":")[0] for each in told_run(attempt(0.0, 9.0), end=9.0).missing]
