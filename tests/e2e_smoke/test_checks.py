"""The checks of the smoke test: they pass a correct run, and report everything that is wrong with another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest

from telemetry.reading import Span
from tests.e2e_smoke import check_lines, check_traces
from tests.e2e_smoke.application import Repository, Run
from tests.e2e_smoke.check_copies import changed, line_key, missing, span_key, strangers, twice
from tests.e2e_smoke.steps import Steps

TRACE = "a" * 32
SECOND = 1_000_000_000
STATUS = {"completed": "OK", "retrying": "ERROR", "failed": "ERROR"}

RUN = Run(
    id=1,
    team_id=1,
    kind="recent",
    state="completed",
    phase="phase1_complete",
    task_id="t",
    trace_id=TRACE,
    root_id="root",
    follows=None,
    backfill=False,
    started_ns=0,
    ended_ns=10 * SECOND,
    exported_ns=11 * SECOND,
    repositories=(Repository(repo_id=2, full_name="a/b", state="completed", attempts=2, stored=1),),
)


def span(name: str, span_id: str, parent: str | None, start: float, end: float, **attributes: Any) -> Span:
    """Return a span of the trace between these seconds; it has succeeded unless `sync.outcome` says otherwise."""
    outcome = attributes.get("sync.outcome")
    links = attributes.pop("links", ())
    return Span(
        name=name,
        trace_id=TRACE,
        span_id=span_id,
        parent_id=parent,
        attributes=attributes,
        status=STATUS[outcome] if outcome else "OK",
        status_message="",
        start_ns=int(start * SECOND),
        end_ns=int(end * SECOND),
        links=links,
        resource={},
    )


LINK = {"sync.link.relation": "started_by"}


def ended(outcome: str, **attributes: Any) -> dict[str, Any]:
    """Return the attributes of a span with this outcome."""
    return {"sync.outcome": outcome, **attributes}


SPANS = {
    each.span_id: each
    for each in (
        span("sync.pipeline", "root", None, 0, 11, **ended("completed")),
        span(check_traces.ATTEMPT, "one", "root", 1, 3, repo_id=2, **{"celery.attempt": 1}),
        span("sync.repo", "repo1", "one", 1.1, 2.9, **ended("retrying")),
        span("sync.api.graphql", "call", "repo1", 1.2, 2.2, **ended("failed", duration_ms=1000.0)),
        span("POST", "post", "call", 1.3, 2.1),
        span(check_traces.ATTEMPT, "two", "root", 5, 11, repo_id=2, links=((TRACE, "one"),), **{"celery.attempt": 2}),
        span("sync.repo", "repo2", "two", 5.1, 9, **ended("completed")),
        span("sync.db.write", "write", "repo2", 6, 6.5, **ended("completed", duration_ms=500.0)),
        span("sync.run.link", "link", "root", 0, 0, links=((TRACE, "one"),), **LINK, **ended("completed")),
    )
}


def line(event: str, span_id: str, **fields: Any) -> dict[str, Any]:
    """Return a line of the trace."""
    return {"event": event, **fields, "trace_id": TRACE, "span_id": span_id, "trace_flags": 3}


LINES = [
    line("sync.pipeline.started", "root"),
    line("sync.repo.started", "repo1"),
    line("sync.api.graphql", "call", duration_ms=1000.0),
    line("sync.repo.started", "repo2"),
    line("sync.db.write", "write", duration_ms=500.0),
    line("sync.pr.processed", "repo2", repo_id=2, pr_number=7),
    line("sync.repo.completed", "repo2", duration_sec=3.9),
    line("sync.pipeline.completed", "root", duration_sec=10.0),
]


def problems_of(run: Run, spans: list[Span], lines: list[dict[str, Any]]) -> str:
    """Return everything that the checks say."""
    return "\n".join(
        [
            *check_traces.shape(run, spans),
            *check_traces.verdicts(run, spans),
            *check_traces.durations(run, spans, lines),
            *check_traces.links(run, [run], spans, spans),
            *check_lines.of_spans(lines, spans),
            *check_lines.counts(lines, [run], {"requests": {"graphql": 1, "rest": 0}}, {}),
            *check_lines.pull_requests(lines, [run], {"a/b": 1}),
        ]
    )


def test_what_went_right_is_passed_over_in_silence() -> None:
    """This includes a retried attempt, and a task that outlasts the run that it ends."""
    phases = [line("sync.pipeline.phase_changed", "root")] * 3
    assert problems_of(RUN, list(SPANS.values()), [*LINES, *phases]) == ""


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"repo2": None}, "sync.db.write write has a parent that is not there"),
        ({"root": None}, "its roots are []"),
        ({"one": {"parent_id": None}}, "its roots are [('sync.pipeline', 'root'), ('run/"),
        ({"write": {"parent_id": "root"}}, "sync.db.write stands under sync.pipeline"),
        ({"write": {"name": "sync.odd"}}, "sync.odd is no span of the design's tree"),
        ({"post": None}, "1 sync.api.graphql, but 0 POST in them"),
        ({"call": {"status": "UNSET"}}, "sync.api.graphql call ended failed with status UNSET"),
        ({"two": {"status": "UNSET"}}, "two does not say how it ended"),
        ({"root": {"end_ns": 9 * SECOND}}, "the root is from 0 to 9000000000, the run from 0 to 10000000000"),
        ({"root": {"end_ns": 16 * SECOND}}, "the root is from 0 to 16000000000, the run from 0 to 10000000000"),
        ({"root": {"end_ns": 10 * SECOND}}, "two is not within its parent sync.pipeline"),
        ({"post": {"end_ns": 3 * SECOND}}, "POST post is not within its parent sync.api.graphql"),
        ({"repo2": {"end_ns": 11 * SECOND}}, "sync.repo repo2 ends after the run"),
        ({"write": {"end_ns": 9 * SECOND}}, "sync.db.write took 500.000 ms, its span 3000.000 ms"),
        ({"write": {"attributes": {"sync.outcome": "completed"}}}, "sync.db.write took 500.0 ms, its span says None"),
        ({"two": {"links": ()}}, "attempt 2 at repository 2 is not linked to the one before"),
        ({"link": None}, "it is not linked to the task that started it"),
        ({"root": {"links": ((TRACE, "one"),)}}, "its root is linked, instead of the spans below it"),
        ({"root": {"links": ((TRACE, "nobody"),)}}, "sync.pipeline root is linked to what is not there"),
        ({"two": None}, "attempts [1] at a/b, its row counts 2"),
    ],
)
def test_a_broken_trace_is_described(broken: dict[str, dict[str, Any] | None], said: str) -> None:
    """Every span that is removed, moved or altered is reported."""
    spans = {**SPANS}
    for span_id, change in broken.items():
        spans.pop(span_id) if change is None else spans.update({span_id: replace(spans[span_id], **change)})
    assert said in problems_of(RUN, list(spans.values()), LINES)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: lines[1:], "sync.pipeline.started: 0 lines, and it happened 1 times"),
        (lambda lines: [*lines, lines[2]], "sync.api.graphql: 2 lines, and it happened 1 times"),
        (lambda lines: [*lines, lines[2]], "sync.api.graphql call (failed) has the lines {'sync.api.graphql': 2}"),
        (lambda lines: [*lines, line("a library's", "lost")], "1 lines of a library's name a span that is not there"),
        (lambda lines: [*lines, line("sync.repo.failed", "repo2")], "sync.repo repo2 (completed) has the lines"),
        (
            lambda lines: [each for each in lines if each["event"] != "sync.pr.processed"],
            "1 pull requests, 1 stored, 0 with",
        ),
        (lambda lines: [*lines, line("sync.repo.progress", "repo2", run_id=1, repo_id=2, prs_done=20)], "goes [20]"),
    ],
)
def test_lines_too_many_or_too_few_are_told(
    change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]], said: str
) -> None:
    """A line that is missing, duplicated, invented or without its span is reported."""
    assert said in problems_of(RUN, list(SPANS.values()), change(LINES))


def test_copies_are_held_against_their_originals() -> None:
    """Missing, duplicate, invented and altered copies are reported by name; order and trace flags are ignored."""
    spans = list(SPANS.values())
    name = {"key": span_key, "name": lambda each: each.name}
    assert list(missing(spans, spans[::-1], **name)) == []
    assert list(missing(spans, spans[:-1], **name)) == ["1 of 1 sync.run.link missing"]
    assert list(twice(spans, [*spans, spans[4]], **name)) == ["1 POST there more than once"]
    assert list(strangers(spans[1:], spans, **name)) == ["1 sync.pipeline that nobody wrote"]
    assert list(changed(spans, [replace(spans[4], status="ERROR")])) == ["POST post: status is 'ERROR', not 'OK'"]
    copies = [{name: value for name, value in reversed(each.items()) if name != "trace_flags"} for each in LINES]
    assert {line_key(each) for each in copies} == {line_key(each) for each in LINES}
    assert line_key(LINES[2]) != line_key({**LINES[2], "duration_ms": 1000.1})


def test_every_event_must_have_happened() -> None:
    """A story in which an event never happens would not test it."""
    problems = list(check_lines.well_formed([line("sync.repo.started", "repo1", team_id=1, repo_id=2, full_name="a/b")]))
    assert "sync.repo.started: its level is info, not None (1 lines)" in problems
    assert "sync.task.retry never happened" in problems


def test_a_record_has_the_name_of_the_event_that_it_is() -> None:
    """A library's message has none."""
    records = [("sync.repo.started", "sync.repo.started"), ("Task x[1] received", ""), ("celery.beat", "celery.beat")]
    assert list(check_lines.event_names(records)) == ["1 records of celery.beat have the EventName 'celery.beat'"]
    assert list(check_lines.event_names([("sync.repo.started", "")])) == [
        "1 records of sync.repo.started have the EventName ''"
    ]


def test_a_root_is_known_to_be_emitted_again() -> None:
    """The sweep does that a minute after the end if the first export was not confirmed."""
    assert not RUN.was_emitted_again
    assert replace(RUN, exported_ns=80 * SECOND).was_emitted_again


def test_a_report_names_each_fact_once_with_what_denies_it() -> None:
    """The problems of one step do not hide those of another, and a long one is truncated."""
    steps = Steps(StringIO())
    for fact, problems in (("good", []), ("bad", ["x" * 400, *("one two" for _ in range(20))]), ("worse", ["why"])):
        with steps.step(fact) as found:
            found += problems
    report = steps.report().splitlines()
    assert report[0] == "Not true: bad"
    assert report[-3:] == ["  and 9 more", "Not true: worse", "  - why"]
    assert max(map(len, report)) < 310
