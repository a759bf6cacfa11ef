"""Find the run that a person asks about, wherever its evidence is, and have it explained."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from apps.console import meant
from apps.console.lookup import NotFoundError, find_run, one_trace, parse, trace_of_task
from apps.explain.activities import ROOT
from apps.explain.explanation import Explanation, explain_run, explain_trace
from apps.explain.sources import UnreadableError, files_in, jaeger_at, written_here
from apps.explain.story import SYNC
from apps.integrations.models import PipelineRun
from telemetry.model import Outcome
from telemetry.reading import JaegerError, Source, Span

_TEAM = re.compile(r"team=([\w-]+)")
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
_TRACE_ID = re.compile(r"[0-9a-f]{32}")
_MOST_LISTED = 5


class CannotExplainError(Exception):
    """There is no such run, or nothing that tells of it; the message says what there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The explanation of a run, and why it is that run's."""

    explanation: Explanation
    why: str


def explain_here(name: str | None, *, command: str) -> Chosen:
    """Explain the run that `name` means by this machine's rows and files; None means the newest that is not simply fine."""
    source = written_here()
    try:
        run, why = _run_named(name, source, command)
    except NotFoundError as error:
        raise CannotExplainError(str(error)) from error
    if run is not None:
        state = f"{run.kind} run {run.pk} of {run.team.slug}, {run.state}"
        return Chosen(explanation=explain_run(run.pk, source=source, command=command), why=f"{state}{why}")
    trace_id = one_trace(name or "")
    found = trace_of_task(source, trace_id) or trace_id
    explanation = explain_trace(source, found, command=command)
    if explanation is None:
        raise CannotExplainError(f"There is no run {name}: no row and no span here is of it.")
    return Chosen(explanation=explanation, why=f"trace {found}, without its rows")


def explain_there(name: str | None, *, folder: str | None, jaeger: str | None, command: str) -> Chosen:
    """Explain the run that `name` means by files in a folder or by Jaeger alone; None means the newest not simply fine."""
    try:
        source: Source = files_in(Path(folder)) if folder else jaeger_at(jaeger or "")
        roots = source.find_spans(name=ROOT)
        chosen, why = _trace_named(name, source, roots)
        explanation = explain_trace(source, chosen, command=command)
    except (UnreadableError, JaegerError) as error:
        raise CannotExplainError(str(error)) from error
    if explanation is None:
        raise CannotExplainError(f"There is no run {name} in {folder or jaeger}: {_listed(roots)}.")
    return Chosen(explanation=explanation, why=f"trace {chosen} of {folder or jaeger}{why}")


def _run_named(name: str | None, source: Source, command: str) -> tuple[PipelineRun | None, str]:
    """Return the run that a name means, and in what sense where that is not plain; None for one without a row."""
    if name is None:
        run = meant.not_simply_fine(PipelineRun.objects.select_related("team"))
        if run is None:
            raise NotFoundError(f"There is no run yet: start one with `{command} sync OWNER/NAME`.")
        return run, ": the newest run that is not simply fine" if run.state != run.State.COMPLETED else ": the newest run"
    team, repository = _TEAM.fullmatch(name), _REPOSITORY.fullmatch(name)
    if team or repository:
        runs = meant.of_team(team[1]) if team else meant.of_repository(name)
        run = meant.not_simply_fine(runs.select_related("team"))
        if run is None:
            raise NotFoundError(f"There is no run of {team[1] if team else name}.")
        return (
            run,
            f": the newest of {name} that is not simply fine"
            if run.state != run.State.COMPLETED
            else f": the newest of {name}",
        )
    run = find_run(one_trace(name))
    if run is None:
        parse(name)  # says what is no name at all, or no run's number
    return run, ""


def _trace_named(name: str | None, source: Source, roots: list[Span]) -> tuple[str, str]:
    """Return the trace that a name means in files or Jaeger, and in what sense."""
    if name is not None and _TRACE_ID.fullmatch(name):
        return name, ""
    candidates = roots
    why = ""
    if name is not None:
        if _REPOSITORY.fullmatch(name):
            traces = {span.trace_id for span in source.find_spans(name=SYNC, full_name=name)}
        elif name.isdigit():
            traces = {span.trace_id for span in source.find_spans(run_id=int(name))}
        else:
            key, _, value = name.partition("=")
            traces = {span.trace_id for span in source.find_spans(**({key: value} if value else {"task_id": name}))}
        if not traces:
            raise UnreadableError(f"There is no run {name}: {_listed(roots)}.")
        candidates = [root for root in roots if root.trace_id in traces]
        if not candidates:
            return sorted(traces)[0], ""
    if not candidates:
        traces = {span.trace_id for span in source.find_spans(name=SYNC)}
        if not traces:
            raise UnreadableError("There is no run's span in it.")
        return sorted(traces)[-1], ": the root span of none has come"
    newest_first = sorted(candidates, key=lambda root: -root.start_ns)
    bad = next((root for root in newest_first if not _is_fine(root)), None)
    if len(newest_first) > 1:
        why = ": the newest run that is not simply fine" if bad is not None else ": the newest run"
    return (bad or newest_first[0]).trace_id, why


def _is_fine(root: Span) -> bool:
    return root.outcome == Outcome.COMPLETED and not root.attributes.get("repos_failed")


def _listed(roots: list[Span]) -> str:
    """Return which runs there are."""
    numbers = [str(root.attributes.get("run_id", root.trace_id)) for root in sorted(roots, key=lambda root: -root.start_ns)]
    return f"there are {', '.join(numbers[:_MOST_LISTED])}" if numbers else "there is none"
