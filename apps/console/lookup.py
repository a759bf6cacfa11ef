"""Find what a person names: a run's number, OWNER/NAME, a task or trace id, `team=SLUG`, or other context."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from apps import catalog
from apps.explain.known_runs import Asked, KnownRun, Register, first, meant
from apps.explain.runs_in_lines import Lines, TeamsUnknownError
from apps.explain.runs_in_rows import Rows
from apps.integrations.models import PipelineRun
from apps.repositories.names import InvalidRepositoryName, repository_name
from apps.utils.text import storable
from telemetry import trace_id_of
from telemetry.reading import Source

NAME = "RUN | OWNER/NAME | TASK_ID | TRACE_ID | KEY=VALUE"
"""What may be named, as a command's help shows it."""
NAME_HELP = "a run's number, a repository, a task's or trace's id, team=SLUG, team_id=N, repo_id=N"

TEAMS_UNKNOWN = "What teams are called is in the database, which does not answer: name the team as team_id=N."

AS_NAMED = "as named"
"""How a run was chosen if by its own number."""

_TRACE_ID = re.compile(r"[0-9a-f]{32}")
_TASK_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_KEY_VALUE = re.compile(rf"({'|'.join(catalog.CONTEXT)}|trace_id|team|repository|full_name)=(.+)", re.DOTALL)
_GITHUB = "https://api.github.com"
_MOST_SHOWN = 5


class NotFoundError(Exception):
    """Nothing here has that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The run that a name led to, how, and others that match the name."""

    run: KnownRun
    how: str
    others: Sequence[KnownRun] = ()
    more: bool = False
    """Whether there are more of these."""

    @property
    def sentence(self) -> str:
        """Say which run was chosen."""
        return f"Run {self.run.number} ({self.run.state}): {self.how}. {self.listed}".rstrip()

    @property
    def listed(self) -> str:
        """Name the others with their states; nothing if there are none."""
        others = ", ".join(f"run {one.number} ({one.state})" for one in self.others)
        return f"Others: {others}{', and more' if self.more else ''}." if others else ""


def known_here(source: Source) -> Register:
    """Return the database's runs or, if it does not answer, those in the lines of `source`."""
    if settings.SYNCTRACE_HAS_DATABASE:
        try:
            connection.ensure_connection()
        except (OperationalError, InterfaceError):
            return Lines(source)
        return Rows()
    return Lines(source)


def asked_by(name: str) -> Asked:
    """Return which runs a name asks for; raise `NotFoundError` if it is not a name."""
    if storable(name) != name:
        raise NotFoundError(f"{name!r} names nothing: it holds a NUL or bytes that are not UTF-8.")
    if match := _KEY_VALUE.fullmatch(name):
        return _asked_by_key(match[1], match[2])
    if _is_number(name):
        return Asked(number=int(name))
    if _TRACE_ID.fullmatch(name):
        return Asked(trace_id=name)
    if _TASK_ID.fullmatch(name):
        return Asked(task_id=name)
    if "/" in name:
        return Asked(repository=_repository(name))
    keys = " or ".join(catalog.CONTEXT)
    raise NotFoundError(f"{name!r} is not a run number, OWNER/NAME, task id, trace id, team=SLUG, nor {keys} with a value.")


def is_of_one_run(asked: Asked) -> bool:
    """Return whether only one run can match."""
    return (asked.number, asked.trace_id, asked.task_id) != (None, None, None)


def choose(register: Register, name: str | None, *, source: Source) -> Chosen:
    """Return the run that a person means by a name, or by none; raise `NotFoundError` if there is none.

    Of several it is the newest that is not simply fine, else the newest.
    """
    if name is None:
        choice = _meant(register, Asked())
        if choice is None:
            raise NotFoundError(f"There is no run yet: start one with `{settings.SYNCTRACE_COMMAND} sync OWNER/NAME`.")
        return choice
    asked = asked_by(name)
    if not is_of_one_run(asked):
        choice = _meant(register, asked)
        if choice is None:
            raise NotFoundError(f"There is no run of {name}. The latest: {latest(register)}.")
        return choice
    run = run_of(register, asked, source=source)
    if run is None:
        raise NotFoundError(f"There is no run {name}. The latest: {latest(register)}.")
    return Chosen(run=run, how=AS_NAMED if asked.number is not None else f"it has {name}")


def run_of(register: Register, asked: Asked, *, source: Source) -> KnownRun | None:
    """Return the one run asked for by its number, its trace, the task that started it, or one that ran in it."""
    found = list(_runs(register, asked))
    if found:
        return found[-1]  # backfills also have the starting task's id, and higher numbers
    if asked.task_id is not None and (trace_id := trace_of_task(source, asked.task_id)) is not None:
        return first(_runs(register, Asked(trace_id=trace_id)))
    return None


def one_to(verb: str, register: Register, name: str, *, states: frozenset[str], source: Source) -> KnownRun:
    """Return the run that a name means among those that one can `verb`; raise `NotFoundError` listing several.

    A run named directly is returned whatever its state.
    """
    asked = asked_by(name)
    if is_of_one_run(asked):
        return choose(register, name, source=source).run
    found = list(islice(_runs(register, replace(asked, in_states=states)), _MOST_SHOWN + 1))
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFoundError(
            f"There is no run of {name} to {verb}. {_listed(list(islice(_runs(register, asked), _MOST_SHOWN)))}"
        )
    raise NotFoundError(f"{name} fits several runs. {_listed(found)} Name the number of the one to {verb}.")


def trace_of_task(source: Source, task_id: str) -> str | None:
    """Return the trace that a task ran in, or None if no span belongs to that task."""
    return next((span.trace_id for span in source.find_spans(task_id=task_id)), None)


def trace_ids(run: PipelineRun) -> tuple[str, dict[str, str]]:
    """Return the run's trace and those it is linked to, by trace id."""
    linked = {}
    if run.follows is not None:
        linked[trace_id_of(run.follows.traceparent)] = f"run {run.follows.pk}, which it follows"
    for other in PipelineRun.objects.filter(follows=run).order_by("pk"):
        linked[trace_id_of(other.traceparent)] = f"run {other.pk}, {PipelineRun.Kind(other.kind).label}, {other.state}"
    return trace_id_of(run.traceparent), linked


def latest(register: Register) -> str:
    """Return the newest runs with their states, in words."""
    shown = [f"{run.number} ({run.state})" for run in islice(register.runs(Asked()), _MOST_SHOWN)]
    return ", ".join(shown) or "none yet"


def _asked_by_key(key: str, value: str) -> Asked:
    if key in ("team_id", "repo_id", "run_id") and not _is_number(value):
        raise NotFoundError(f"{key}={value} is not a number: write it as {key}=7.")
    match key:
        case "team_id":
            return Asked(team_id=int(value))
        case "repo_id":
            return Asked(repo_id=int(value))
        case "run_id":
            return Asked(number=int(value))
        case "task_id":
            return Asked(task_id=value)
        case "trace_id":
            return Asked(trace_id=value)
        case "team":
            return Asked(team=value)
    return Asked(repository=_repository(value))


def _repository(name: str) -> str:
    try:
        return repository_name(name, api_url=_GITHUB)
    except InvalidRepositoryName as error:
        raise NotFoundError(str(error)) from error


def _meant(register: Register, asked: Asked) -> Chosen | None:
    try:
        choice = meant(register, asked)
        if choice is None:
            return None
        others = [] if asked == Asked() else list(islice(register.runs(asked), _MOST_SHOWN + 2))
    except TeamsUnknownError:
        raise _teams_unknown() from None
    shown = [run for run in others if run.number != choice.run.number]
    return Chosen(run=choice.run, how=choice.how, others=shown[:_MOST_SHOWN], more=len(shown) > _MOST_SHOWN)


def _runs(register: Register, asked: Asked) -> Sequence[KnownRun]:
    try:
        return list(islice(register.runs(asked), 100))
    except TeamsUnknownError:
        raise _teams_unknown() from None


def _teams_unknown() -> NotFoundError:
    return NotFoundError(TEAMS_UNKNOWN)


def _listed(runs: Sequence[KnownRun]) -> str:
    shown = ", ".join(f"run {run.number} ({run.state}, {run.names})" for run in runs[:_MOST_SHOWN])
    return f"There are: {shown}{', and more' if len(runs) > _MOST_SHOWN else ''}." if runs else "There is none at all."


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit() and len(name) < 19  # within a bigint, and too short for a trace id
