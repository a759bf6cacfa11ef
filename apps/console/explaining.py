"""Find the run that a person asks about, wherever its evidence is, and explain it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from apps.console.lookup import AS_NAMED, NotFoundError, choose, known_here
from apps.console.lookup import Chosen as ChosenRun
from apps.explain.explanation import Explanation, explain_run, explain_trace
from apps.explain.runs_in_rows import Rows
from apps.explain.runs_seen import Seen, runs_seen, traces_of
from apps.explain.sources import UnreadableError, files_in, jaeger_at, written_here
from telemetry.reading import JaegerError, Source

_TEAM = re.compile(r"team=([\w-]+)")
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
_CONTEXT = re.compile(r"(team_id|repo_id|task_id|run_id|trace_id)=(.+)", re.DOTALL)
_TRACE_ID = re.compile(r"[0-9a-f]{32}")
_TASK_ID = re.compile(r"[0-9a-f-]{36}")
_MOST_LISTED = 5
_FILES = "the files of this machine; the database does not answer"
_NEWEST_BAD = "the newest run that is not simply fine"


class CannotExplainError(Exception):
    """There is no such run, or no evidence of it; the message says what there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The explanation of a run, which run it is, and why that one."""

    explanation: Explanation
    why: str


def explain_here(name: str | None, *, command: str) -> Chosen:
    """Explain the run that `name` means from this machine's rows and files, or only its files if the database is away."""
    source = written_here()
    register = known_here(source)
    try:
        choice = choose(register, name, source=source)
    except NotFoundError as error:
        return _of_no_known_run(name, source, error, command)
    run = choice.run
    if isinstance(register, Rows):
        explanation = explain_run(run.number, source=source, command=command)
        return Chosen(explanation=explanation, why=_said(f"{run.kind} run {run.number} of {run.team}, {run.state}", choice))
    found = explain_trace(source, run.trace_id, command=command)
    if found is None:
        raise CannotExplainError(f"No span of run {run.number} is in {source.traces}.")
    said = f"run {run.number}, {run.state}, by {_FILES}"
    return Chosen(explanation=found, why=_said(said, choice))


def _said(run: str, choice: ChosenRun) -> str:
    others = f". {choice.listed}" if choice.others else ""
    return f"{run}: {choice.how}{others}" if choice.how != AS_NAMED else run


def _of_no_known_run(name: str | None, source: Source, error: NotFoundError, command: str) -> Chosen:
    """Explain a run that only spans may know; else raise an error about the name, or about what there is."""
    try:
        return _by_files(name, source, _FILES, command)
    except CannotExplainError:
        raise CannotExplainError(str(error)) from error


def explain_there(name: str | None, *, folder: str | None, jaeger: str | None, command: str) -> Chosen:
    """Explain the run that `name` means only from files in a folder, or from Jaeger."""
    try:
        source = files_in(Path(folder)) if folder else jaeger_at(jaeger or "")
        return _by_files(name, source, folder or jaeger or "", command)
    except (UnreadableError, JaegerError) as error:
        raise CannotExplainError(str(error)) from error


def _by_files(name: str | None, source: Source, where: str, command: str) -> Chosen:
    """Explain the run that a name means from one source alone."""
    seen = runs_seen(source) if name is None or not _TRACE_ID.fullmatch(name) else []
    trace_id, why = _trace_named(name, source, seen, where)
    explanation = explain_trace(source, trace_id, command=command)
    if explanation is None:
        raise CannotExplainError(f"Nothing of run {name} is in {where}: {_listed(seen)}.")
    number = explanation.facts.run_id
    said = f"{'a run' if number is None else f'run {number}'}, by {where}"
    return Chosen(explanation=explanation, why=f"{said}: {why}" if why else said)


def _trace_named(name: str | None, source: Source, seen: Sequence[Seen], where: str) -> tuple[str, str]:
    """Return the trace that a name means, and how it was chosen if that is not obvious."""
    if name is None:
        if not seen:
            raise CannotExplainError(f"There is no run in {where}.")
        return _newest(seen), _NEWEST_BAD if any(not one.is_fine for one in seen) else "the newest run, and all are fine"
    if _TRACE_ID.fullmatch(name):
        return name, ""
    traces = _traces_named(name, source, seen)
    candidates = [one for one in seen if one.trace_id in traces]
    if candidates:
        return _newest(candidates), "" if len(candidates) == 1 else f"the newest of {name}, first of those not simply fine"
    if not traces:
        raise CannotExplainError(f"There is no run {name} in {where}: {_listed(seen)}.")
    return sorted(traces)[0], ""


def _traces_named(name: str, source: Source, seen: Sequence[Seen]) -> set[str]:
    """Return the traces of what a name means; raise `CannotExplainError` if it means nothing here."""
    if name.isascii() and name.isdigit():
        return {one.trace_id for one in seen if one.run_id == int(name)}
    if _REPOSITORY.fullmatch(name):
        return traces_of(source, full_name=name)
    if match := _CONTEXT.fullmatch(name):
        return traces_of(source, **{match[1]: match[2]})
    if _TASK_ID.fullmatch(name):
        return traces_of(source, task_id=name)
    if _TEAM.fullmatch(name):
        raise CannotExplainError("Only the database knows teams by their names: name team_id=N, OWNER/NAME or a run.")
    raise CannotExplainError(
        f"{name!r} is not a run's number, OWNER/NAME, task id, trace id, or KEY=VALUE such as team_id=7."
    )


def _newest(seen: Sequence[Seen]) -> str:
    """Return the trace of the newest run that is not fine or, if all are, of the newest."""
    return next((one for one in seen if not one.is_fine), seen[0]).trace_id


def _listed(seen: Sequence[Seen]) -> str:
    """Return which runs there are."""
    numbers = [one.trace_id if one.run_id is None else str(one.run_id) for one in seen]
    more = f" and {len(numbers) - _MOST_LISTED} more" if len(numbers) > _MOST_LISTED else ""
    return f"there are {', '.join(numbers[:_MOST_LISTED])}{more}" if numbers else "there is none"
