"""The oracles pass what an undisturbed sync leaves, and say what is wrong with every other: each can fail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from telemetry.ledger import Count
from telemetry.reading import Span
from tests.chaos.evidence import Evidence, Repository, Run
from tests.chaos.oracles import ORACLES
from tests.chaos.rows import Rows

NAMES = ("a/one", "a/two")
TABLES = ("pull requests", "reviews", "commits", "files", "analyses", "weekly metrics")
SECOND = 1_000_000_000
Change = Callable[[Evidence], Evidence]


def repository(name: str, *, attempts: int = 1) -> Repository:
    """One that is synced."""
    return Repository(name, "completed", "synced", attempts, "")


def run(number: int, team: str, *names: str, attempts: int = 1) -> Run:
    """A run that has ended well: a backfill if it is over one repository."""
    kind, phase = ("backfill", "complete") if len(names) == 1 else ("recent", "phase1_complete")
    return Run(
        id=number,
        team=team,
        kind=kind,
        state="completed",
        phase=phase,
        error="",
        trace_id=f"{number:032x}",
        root_id=f"{number:016x}",
        exported=True,
        repositories=tuple(repository(name, attempts=attempts) for name in names),
    )


def span(of: Run, name: str, span_id: str, parent_id: str | None, **attributes: Any) -> Span:
    """A span of the run's trace."""
    return Span(
        name=name,
        trace_id=of.trace_id,
        span_id=span_id,
        parent_id=parent_id,
        attributes=attributes,
        status="OK",
        status_message="",
        start_ns=0,
        end_ns=SECOND,
        links=(),
        resource={},
    )


def spans_of(of: Run) -> list[Span]:
    """The run's root, and every attempt with its `sync.repo`."""
    spans = [span(of, "sync.pipeline", of.root_id, None)]
    for repo_id, each in enumerate(of.repositories):
        for number in range(1, each.attempts + 1):
            own = f"{of.id}-{repo_id}-{number}"
            attributes = {"repo_id": repo_id, "celery.attempt": number}
            spans.append(span(of, "run/apps.integrations.tasks.sync_repository", own, of.root_id, **attributes))
            spans.append(span(of, "sync.repo", f"{own}-sync", own))
    return spans


def lines_of(of: Run) -> list[dict[str, Any]]:
    """The lines of the run's start and end."""
    return [line_of(of, f"sync.pipeline.{what}", of.root_id) for what in ("started", "completed")]


def line_of(of: Run, event: str, span_id: str) -> dict[str, Any]:
    """A line inside a span of the run's trace."""
    return {"event": event, "trace_id": of.trace_id, "span_id": span_id}


def rows() -> Rows:
    """Two rows in each table."""
    return {table: Counter({(("number", 1),): 1, (("number", 2),): 1}) for table in TABLES}


TEAMS = ("bakers", "millers")
RUNS = [
    run(1, "bakers", *NAMES, attempts=2),
    run(2, "bakers", NAMES[0]),
    run(3, "bakers", NAMES[1]),
    run(4, "millers", *NAMES),
    run(5, "millers", NAMES[0], attempts=3),
    run(6, "millers", NAMES[1]),
]
GOOD = Evidence(
    teams=2,
    repositories=2,
    runs=RUNS,
    rows={team: rows() for team in TEAMS},
    expected=rows(),
    most_in_flight={"user-1": 1, "user-2": 1},
    spans=[each for one in RUNS for each in spans_of(one)],
    lines=[each for one in RUNS for each in lines_of(one)],
    ledger={"file": Count(started=40, open=1, exported=36, died=3), "otlp": Count(started=40, spooled=8, exported=32)},
    arrived={"file": 36, "otlp": 32},
)


def with_run(number: int, **changes: Any) -> Change:
    """The evidence with one run changed."""
    return lambda good: replace(good, runs=[replace(one, **changes) if one.id == number else one for one in good.runs])


def without_span(span_id: str) -> Change:
    """The evidence without a span."""
    return lambda good: replace(good, spans=[each for each in good.spans if each.span_id != span_id])


def span_again(span_id: str) -> Change:
    """The evidence with a span written twice."""
    return lambda good: replace(good, spans=[*good.spans, *(each for each in good.spans if each.span_id == span_id)])


def ending_later(span_id: str, seconds: int) -> Change:
    """The evidence with a span that lasts so much longer."""
    return lambda good: replace(
        good,
        spans=[
            replace(each, end_ns=each.end_ns + seconds * SECOND) if each.span_id == span_id else each for each in good.spans
        ],
    )


def with_count(name: str, **changes: Any) -> Change:
    """The evidence with another ledger of an exporter."""
    return lambda good: replace(good, ledger={**good.ledger, name: replace(good.ledger[name], **changes)})


def with_rows(table: str, *changed: tuple[str, int], team: str = "millers") -> Change:
    """The evidence with these rows in a team's table."""
    counted = Counter((each,) for each in changed)
    return lambda good: replace(good, rows={**good.rows, team: {**good.rows[team], table: counted}})


WRONG: list[tuple[str, Change, list[str]]] = [
    ("rows", with_rows("reviews", ("number", 1)), ["millers: 1 reviews missing or different, such as number=2"]),
    (
        "rows",
        with_rows("weekly metrics", ("number", 1), ("number", 3), team="bakers"),
        [
            "bakers: 1 weekly metrics missing or different, such as number=2",
            "bakers: 1 weekly metrics that should not be there, such as number=3",
        ],
    ),
    (
        "rows",
        with_rows("files", ("number", 1), ("number", 2), ("number", 2)),
        ["millers: 1 files that should not be there, such as number=2"],
    ),
    ("rows", lambda good: replace(good, rows={"bakers": rows()}), ["rows of 1 teams, not 2"]),
    (
        "rows",
        lambda good: replace(good, expected={}, rows={team: {} for team in TEAMS}),
        ["nothing is expected: there was no undisturbed sync"],
    ),
    ("end", lambda good: replace(good, runs=good.runs[1:]), ["1 recent runs, not 2"]),
    ("end", lambda good: replace(good, runs=good.runs[:-1]), ["3 backfill runs, not 4"]),
    ("end", with_run(2, state="running", phase="background_llm"), ["run 2 (backfill, bakers) is running in background_llm"]),
    (
        "end",
        with_run(4, state="failed", phase="llm_processing", error="boom"),
        ["run 4 (recent, millers) is failed in llm_processing boom"],
    ),
    ("end", with_run(6, phase="phase1_complete"), ["run 6 (backfill, millers) is completed in phase1_complete"]),
    (
        "end",
        with_run(3, repositories=(Repository("a/two", "failed", "gone", 1, "404"),)),
        ["run 3 (backfill, bakers): a/two is failed gone 404"],
    ),
    (
        "in flight",
        lambda good: replace(good, most_in_flight={"user-1": 1, "user-2": 2}),
        ["2 requests of user-2 at once"],
    ),
    ("in flight", lambda good: replace(good, most_in_flight={}), ["GitHub saw no request at all"]),
    ("left", lambda good: replace(good, admitted=["user-1"]), ["an attempt is still admitted to user-1"]),
    ("left", lambda good: replace(good, held=["user-2"]), ["the lane of user-2 is still held"]),
    ("left", lambda good: replace(good, left=[4711]), ["process 4711 has outlived its worker"]),
    (
        "line",
        lambda good: replace(good, lines=[*good.lines, lines_of(RUNS[1])[1]]),
        ["run 2 (backfill, bakers) has 2 lines of its end"],
    ),
    ("line", lambda good: replace(good, lines=good.lines[1:]), ["run 1 (recent, bakers) has 0 lines of its start"]),
    (
        "line",
        lambda good: replace(good, lines=[*good.lines, line_of(RUNS[3], "sync.pipeline.failed", RUNS[3].root_id)]),
        ["run 4 (recent, millers) has 2 lines of its end"],
    ),
    ("root", span_again(RUNS[4].root_id), ["run 5 (backfill, millers) has 2 root spans"]),
    ("twice", span_again("1-1-2-sync"), ["sync.repo 1-1-2-sync is there more than once"]),
    (
        "attempt",
        lambda good: without_span("5-0-2-sync")(without_span("5-0-2")(good)),
        ["run 5 (backfill, millers): of 1 attempts numbered 2 0 are there"],
    ),
    ("time", ending_later(RUNS[3].root_id, 99), ["run 4 (recent, millers): 99.000 of 100.000 s are unexplained"]),
    ("ledger", lambda good: replace(good, ledger={}), ["there is no ledger"]),
    (
        "ledger",
        lambda good: replace(good, arrived={"file": 36, "otlp": 31}),
        ["otlp: 32 are exported and 31 have arrived"],
    ),
    ("dropped", with_count("otlp", spooled=3, dropped={"unreachable": 5}), ["otlp: 5 dropped, unreachable"]),
    (
        "span of line",
        lambda good: replace(good, lines=[*good.lines, *2 * [line_of(RUNS[1], "sync.api.graphql", "a call that died")]]),
        ["2 lines of sync.api.graphql have no span"],
    ),
    (
        "orphan",
        lambda good: replace(good, spans=[*good.spans, span(RUNS[0], "POST", "post", "a call that died")]),
        ["run 1 (recent, bakers): POST post has a parent that is not there"],
    ),
]


def found(evidence: Evidence) -> dict[str, list[str]]:
    """What each oracle says."""
    return {each.name: said for each in ORACLES if (said := list(each.problems(evidence)))}


def test_what_went_right_is_passed_over_in_silence() -> None:
    """Retried attempts included."""
    assert found(GOOD) == {}


@pytest.mark.parametrize(("name", "change", "said"), WRONG)
def test_what_is_planted_is_found_by_its_oracle_alone(name: str, change: Change, said: list[str]) -> None:
    """And told with the run, team and span that it is about."""
    assert found(change(GOOD)) == {name: said}


def test_a_ledger_that_does_not_add_up_is_told_with_its_numbers() -> None:
    """One span more was started than is accounted for."""
    (said,) = found(with_count("file", started=41)(GOOD))["ledger"]
    assert said.startswith("file: {'started': 41, 'exported': 36,")
    assert said.endswith("does not add up")


def test_a_root_that_is_missing_makes_orphans_of_its_children() -> None:
    """All of it is told, and that the lines of its start and end have no span."""
    wrong = found(without_span(RUNS[5].root_id)(GOOD))
    assert wrong.keys() == {"root", "orphan", "span of line"}
    assert wrong["root"] == ["run 6 (backfill, millers) has 0 root spans"]


def test_each_oracle_can_fail() -> None:
    """For each there is a case above."""
    assert {name for name, _, _ in WRONG} == {each.name for each in ORACLES}
