"""Check the evidence, one step per fact."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from telemetry.reading import Span
from tests.e2e_smoke import check_explained, check_lines, check_pages, check_traces, story
from tests.e2e_smoke.application import Application, Run
from tests.e2e_smoke.check_copies import changed, line_key, missing, span_key, strangers, twice
from tests.e2e_smoke.evidence import Evidence, Line
from tests.e2e_smoke.jaeger import Jaeger
from tests.e2e_smoke.stack import Stack
from tests.e2e_smoke.steps import Steps

READ_AHEAD: Final = 5.0
"""Seconds before a SIGKILL from which the collector may lack lines, since it notes what it read before it delivers that."""


class Kill(NamedTuple):
    """A SIGKILL of the collector, between these two moments in Unix seconds."""

    after: float
    before: float


def nothing_missing_nothing_twice(evidence: Evidence, steps: Steps) -> None:
    """Check that every span and line that the application wrote is in Jaeger and in the collector's files, once."""
    spans, lines = evidence.spans, evidence.lines
    with steps.step(f"Jaeger has each of {len(evidence.shown)} of {len(spans)} spans once, as it was written") as problems:
        problems += missing(evidence.shown, evidence.in_jaeger, key=span_key, name=_name)
        problems += twice(evidence.shown, evidence.in_jaeger, key=span_key, name=_name)
        problems += strangers(evidence.shown, evidence.in_jaeger, key=span_key, name=_name)
        problems += changed(evidence.shown, evidence.in_jaeger)
    with steps.step("the collector's file of spans has each once") as problems:
        again = {run.root_id for run in evidence.runs if run.was_emitted_again}
        problems += missing(spans, evidence.exported, key=span_key, name=_name)
        problems += twice([s for s in spans if s.span_id not in again], evidence.exported, key=span_key, name=_name)
    with steps.step(f"the collector's file of lines has each of {len(lines)} once, one record a line") as problems:
        problems += missing(lines, evidence.records, key=line_key, name=_event)
        problems += twice(lines, evidence.records, key=line_key, name=_event)
        problems += [f"{len(records)} records in one line" for records in evidence.collected if len(records) != 1]
    with steps.step("its records of declared events, and no others, have that event's name") as problems:
        problems += check_lines.event_names(evidence.event_names)


def whole_traces(evidence: Evidence, stack: Stack, steps: Steps) -> None:
    """Check that Jaeger has the complete trace of each run, and finds it by its tags."""
    with steps.step(f"the traces of {len(evidence.runs)} runs are whole: tree, outcomes, durations, links") as problems:
        problems += [f"run {run.id}: {problem}" for run in evidence.runs for problem in _of_run(run, evidence)]
    with steps.step("the tasks ran in several children of the worker, and all that was tried is in the traces") as problems:
        ran_in = {span.resource.get("process.pid") for span in evidence.in_jaeger if span.name.startswith("run/")}
        if len(ran_in) < 2:
            problems.append("all tasks ran in one process")
        outcomes = {span.outcome for span in evidence.in_jaeger if span.name == "sync.repo"}
        if outcomes != {"completed", "failed", "retrying", "waiting"}:
            problems.append(f"attempts ended {outcomes}")
    with steps.step("Jaeger finds them by team_id, repo_id and task_id") as problems:
        problems += _search(Jaeger(stack.jaeger), evidence)
    with steps.step("Jaeger's pages warn of nothing, name what is there, and draw each run's critical path") as problems:
        problems += [problem for run in evidence.runs for problem in _on_its_page(run, Jaeger(stack.jaeger))]
    with steps.step("what a command did is one trace") as problems:
        problems += check_pages.commands(1, evidence.whole)
    with steps.step("a search for errors finds the runs that lost something, and none that met only a limit") as problems:
        problems += check_pages.searches(evidence.runs, evidence.shown, Jaeger(stack.jaeger).search)


def explained_alike(evidence: Evidence, application: Application, stack: Stack, steps: Steps) -> None:
    """Check that the run that lost a repository, one that waited, and one that failed are explained by Jaeger alone."""
    teams = {run.team_id: run for run in reversed(evidence.runs)}  # their recent runs
    with steps.step(f"`manage.py explain --jaeger` says of {len(teams)} runs what `explain` says here") as problems:
        for run in teams.values():
            here, there = application.explain(run), application.explain(run, jaeger=stack.jaeger_inside)
            span_ids = {span.span_id for span in evidence.in_jaeger if span.trace_id == run.trace_id}
            problems += [f"run {run.id}: {problem}" for problem in check_explained.alike(here, there, span_ids=span_ids)]


def right_lines(evidence: Evidence, steps: Steps) -> None:
    """Check that lines conform to the catalog and are as many as the events that happened."""
    with steps.step("every event of the catalog happened, and each line is as declared") as problems:
        problems += check_lines.well_formed(evidence.lines)
    _lines_agree(evidence, steps)
    with steps.step("GitHub saw one request at a time of each account, and no trace header") as problems:
        seen = evidence.stats["max_in_flight"]
        expected = {team.slug: 1 for team in (story.BAKERS, story.MILLERS, story.STRANGERS)}
        if seen != expected:
            problems.append(f"requests in flight at most: {seen}")
        if evidence.stats["trace_headers"]:
            problems.append(f"{evidence.stats['trace_headers']} requests had a trace header")


def after_kills(evidence: Evidence, kills: Sequence[Kill], steps: Steps) -> None:
    """Check that killing the collector lost no span, and of its copy of the lines only the last moments."""
    lines = evidence.lines
    with steps.step(f"Jaeger has each of {len(evidence.shown)} spans once, and no other") as problems:
        problems += missing(evidence.shown, evidence.in_jaeger, key=span_key, name=_name)
        problems += twice(evidence.shown, evidence.in_jaeger, key=span_key, name=_name)
        problems += strangers(evidence.shown, evidence.in_jaeger, key=span_key, name=_name)
    with steps.step("the trace of the last run is whole") as problems:
        problems += _of_run(evidence.runs[-1], evidence)
    _lines_agree(evidence, steps)
    with steps.step(
        "the collector's copy lacks lines of the last moment before a kill alone, and has none twice"
    ) as problems:
        certain = [line for line in lines if not any(k.after - READ_AHEAD < _seconds(line) < k.before for k in kills)]
        problems += missing(certain, evidence.records, key=line_key, name=_event)
        problems += twice(lines, evidence.records, key=line_key, name=_event)
        problems += strangers(lines, evidence.records, key=line_key, name=_event)


def _lines_agree(evidence: Evidence, steps: Steps) -> None:
    with steps.step(f"{len(evidence.lines)} lines agree with the spans in Jaeger, the rows and GitHub's counts") as problems:
        problems += check_lines.of_spans(evidence.lines, evidence.whole)
        problems += check_lines.counts(evidence.lines, evidence.runs, evidence.stats, story.SCRIPTED)
        problems += check_lines.pull_requests(evidence.lines, evidence.runs, story.SIZES)


def _of_run(run: Run, evidence: Evidence) -> Iterator[str]:
    trace = [span for span in evidence.whole if span.trace_id == run.trace_id]
    lines = [line for line in evidence.lines if line.get("trace_id") == run.trace_id]
    yield from check_traces.shape(run, trace)
    yield from check_traces.verdicts(run, trace)
    yield from check_traces.durations(run, trace, lines)
    yield from check_traces.links(run, evidence.runs, trace, evidence.whole)


def _on_its_page(run: Run, jaeger: Jaeger) -> Iterator[str]:
    yield from (f"run {run.id}: {problem}" for problem in check_pages.page(run, jaeger.page(run.trace_id)))


def _search(jaeger: Jaeger, evidence: Evidence) -> Iterator[str]:
    """Yield the searches by tag that find other traces than those with such a span, or miss a run's own."""
    for run in evidence.runs:
        tags = [("team_id", run.team_id), ("task_id", run.task_id)]
        tags += [("repo_id", repository.repo_id) for repository in run.repositories]
        for key, value in tags:
            found = jaeger.search(key, str(value))
            expected = {span.trace_id for span in evidence.shown if span.attributes.get(key) == value}
            if found != expected or run.trace_id not in found:
                yield f"{key}={value} finds {len(found)} traces of {len(expected)}, run {run.id}'s {run.trace_id in found}"


def _name(span: Span) -> str:
    return span.name


def _event(line: Line) -> str:
    """Return the line's event, or its logger for a library's line, whose texts vary without end."""
    return f"line of {line['logger']}" if "logger" in line else str(line["event"])


def _seconds(line: Line) -> float:
    """Return the time of the line in seconds of Unix time."""
    return datetime.fromisoformat(str(line["timestamp"])).timestamp()
