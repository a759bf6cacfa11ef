"""Explain a run: evidence in, an explanation out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from apps.explain.blast_radius import also_affected
from apps.explain.comparison import Unusual, profile_of, unusual
from apps.explain.database import earlier_runs, facts_of, surroundings_of
from apps.explain.decomposition import Decomposition
from apps.explain.estimate import Estimate, estimate_of
from apps.explain.facts import RunFacts, Surroundings
from apps.explain.facts_from_spans import facts_in, with_removed
from apps.explain.findings import Finding, findings
from apps.explain.gaps import Stretch
from apps.explain.points import points_of
from apps.explain.sources import lines_around, of_the_time_of, spans_of_run, written_here
from apps.explain.story import FEWEST_EARLIER, Line, Story
from apps.explain.summary import advice_of, outcome_of, sentence_of
from apps.integrations.models import PipelineRun
from telemetry import trace_id_of
from telemetry.reading import Source, Span

_MOST_REQUESTS = 3_000
"""Earlier runs with more requests in total are compared by rows only: their spans would take too long to read."""
_UNEXPLAINED_SHARE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What a run did, why, and on what evidence."""

    facts: RunFacts
    outcome: str
    sentence: str
    advice: str
    causes: Sequence[Finding]
    time: Decomposition
    points: Mapping[str, Any]
    compared_with: Sequence[int]
    unusual: Sequence[Unusual]
    also_affected: Sequence[Mapping[str, Any]]
    missing: Sequence[str]
    has_spans: bool
    """Whether any span of the run could be read."""
    estimate: Estimate | None = None
    """When an unfinished run will have read everything; None if that cannot be told."""

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "run": self.facts.run_id,
            "outcome": self.outcome,
            "sentence": self.sentence,
            "advice": self.advice,
            "causes": [_cause(finding) for finding in self.causes],
            "time": {
                "wall_sec": self.time.wall_sec,
                "parts": self.time.as_json()["parts"],
                "critical_path": [_on_path(stretch, self.time.start_ns) for stretch in _joined(self.time.path)],
            },
            "points": self.points,
            "compared_with": list(self.compared_with),
            "unusual": [one.as_json() for one in self.unusual],
            "also_affected": list(self.also_affected),
            "missing": list(self.missing),
        }


def explain_run(run_id: int, *, source: Source | None = None, command: str = "python manage.py") -> Explanation:
    """Explain a run from its rows and the spans and lines in `source`, by default this machine's files.

    `command` is how commands are called here. Raises `PipelineRun.DoesNotExist`.
    """
    run = PipelineRun.objects.select_related("team").get(pk=run_id)
    source = written_here() if source is None else source
    facts = facts_of(run)
    own = of_the_time_of(source, facts.started_ns, facts.ended_ns)
    spans = spans_of_run(own, facts.trace_id)
    lines, others = _lines(source, facts, of_run=own.find_lines(trace_id=facts.trace_id))
    facts = with_removed(facts, spans, lines)
    around = surroundings_of(run, facts)
    around = replace(around, earlier=_with_profiles(source, run, around))
    story = Story(facts, spans=spans, lines=lines, surroundings=around)
    return explain(story, others=others, command=command)


def explain_trace(source: Source, trace_id: str, *, command: str = "python manage.py") -> Explanation | None:
    """Explain the run of a trace from `source` alone; None for a trace that is not a run's."""
    spans = source.trace(trace_id)
    run_lines = source.find_lines(trace_id=trace_id)
    facts = facts_in(spans, run_lines, trace_id=trace_id) if spans else None
    if facts is None:
        return None
    lines, others = _lines(source, facts, of_run=run_lines)
    return explain(Story(facts, spans=spans, lines=lines), others=others, command=command)


def explain(story: Story, *, others: Sequence[Line] = (), command: str = "python manage.py") -> Explanation:
    """Explain a story; `others` are lines about what struck other runs."""
    causes, undecided = findings(story)
    causes = [replace(one, advice=one.advice.replace("{command}", command)) for one in causes]
    outcome = outcome_of(story)
    return Explanation(
        facts=story.facts,
        outcome=outcome,
        sentence=sentence_of(story, causes, outcome),
        advice=advice_of(story, causes),
        causes=causes,
        time=story.time,
        points=points_of(story),
        compared_with=[one.run_id for one in story.surroundings.earlier],
        unusual=unusual(story),
        also_affected=also_affected(story, causes, others),
        missing=[*undecided, *_missing(story, undecided)],
        has_spans=bool(story.spans),
        estimate=estimate_of(story),
    )


def _lines(source: Source, facts: RunFacts, *, of_run: Sequence[Line]) -> tuple[list[Line], list[Line]]:
    """Return the lines of a run and of the machine meanwhile, in order, and those about what struck others."""
    own = list(of_run)
    machine, others = lines_around(source, start_ns=facts.started_ns, end_ns=facts.end_ns)
    known = {id(line) for line in own}
    moments = {(line.get("timestamp"), line.get("event")) for line in own}
    own += [line for line in machine if id(line) not in known and (line.get("timestamp"), line.get("event")) not in moments]
    others = [line for line in others if line.get("trace_id") != facts.trace_id]
    return sorted(own, key=lambda line: str(line.get("timestamp", ""))), others


def _with_profiles(source: Source, run: PipelineRun, around: Surroundings) -> Any:
    """Return the earlier runs, with what their spans say if there are few enough to read."""
    earlier = around.earlier
    if len(earlier) < FEWEST_EARLIER or sum(one.requests for one in earlier) > _MOST_REQUESTS:
        return earlier
    runs = earlier_runs(run)
    traces = {trace_id_of(one.traceparent): one.pk for one in runs}
    theirs = of_the_time_of(source, min(one.started_ns for one in runs), None)
    spans: dict[int, list[Span]] = {}
    for span in theirs.find_spans(trace_id=list(traces)):
        spans.setdefault(traces[span.trace_id], []).append(span)
    return tuple(replace(one, profile=profile_of(spans[one.run_id])) if one.run_id in spans else one for one in earlier)


def _missing(story: Story, undecided: Sequence[str]) -> list[str]:
    """Return what the evidence lacks, in clauses."""
    missing: list[str] = []
    facts = story.facts
    if not story.spans:
        missing.append("the run's spans: none can be read here, so that where its time went is not known")
    if facts.removed is not None:
        missing.append(f"what the rows of its repositories said, which go with them: {facts.removed.said}")
    if not story.lines:
        missing.append("the run's lines: none can be read here")
    if not facts.has_row:
        missing.append(
            "the run's rows: without the database it is not known who else was at work, nor how earlier runs went"
        )
        if facts.is_running:
            missing.append("the run's root span: it goes on, or its end was not recorded")
    unexplained = sum(stretch.duration_ns for stretch in story.time.unexplained) / 1e9
    if story.spans and not undecided and unexplained > _UNEXPLAINED_SHARE * facts.seconds:
        missing.append(f"what {unexplained:.1f} s of its time went into: no span says it")
    return missing


def _cause(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code.name,
        "repositories": list(finding.repositories),
        "seconds": finding.seconds,
        "sentence": finding.sentence,
        "advice": finding.advice,
        "chain": [step.as_json() for step in finding.chain],
        "inferred": finding.is_inferred,
    }


def _joined(path: Sequence[Stretch]) -> list[Stretch]:
    """Return the path with neighbours of the same part and span joined."""
    joined: list[Stretch] = []
    for stretch in path:
        last = joined[-1] if joined else None
        if last is not None and (last.part, last.why, last.span_id) == (stretch.part, stretch.why, stretch.span_id):
            joined[-1] = replace(last, end_ns=stretch.end_ns)
        else:
            joined.append(stretch)
    return joined


def _on_path(stretch: Stretch, start_ns: int) -> dict[str, Any]:
    return {
        "part": stretch.part.key,
        "why": stretch.why,
        "at_sec": (stretch.start_ns - start_ns) / 1e9,
        "seconds": stretch.duration_ns / 1e9,
        "span_id": stretch.span_id,
    }
