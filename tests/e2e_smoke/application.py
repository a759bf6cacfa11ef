"""Use the application as its users do, by its commands, and read its rows afterwards."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from apps.processes import Program
from tests.e2e_smoke.stack import Stack, StackError
from tests.e2e_smoke.story import Team

_INSIDE: Final = Path(__file__).with_name("inside.py")
_ENDS_WITHIN: Final = 20.0  # seconds, once it has printed everything


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """One repository of a run; `stored` counts its pull requests in the database."""

    repo_id: int
    full_name: str
    state: str
    attempts: int
    stored: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run according to its row; times are in nanoseconds of Unix time."""

    id: int
    team_id: int
    kind: str
    state: str
    phase: str
    task_id: str | None
    trace_id: str
    root_id: str
    follows: int | None
    backfill: bool
    started_ns: int
    ended_ns: int | None
    exported_ns: int | None
    repositories: tuple[Repository, ...]

    @property
    def was_emitted_again(self) -> bool:
        """Whether the sweep emitted the root span again, a minute after the end, because its export was not confirmed."""
        return (self.exported_ns or 0) - (self.ended_ns or 0) > 60 * 1_000_000_000

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Run:
        """Return the run that an entry of `inside.tell` describes."""
        repositories = tuple(Repository(**each) for each in row["repositories"])
        return cls(**{**row, "repositories": repositories})


class Command(Program):
    """A running command of the application, which prints its answer and writes errors to its log."""

    def answer(self) -> tuple[int | None, str]:
        """Wait for its end; return its exit code and what it has printed."""
        self.stdin.close()
        printed = self.stdout.read().decode(errors="replace")
        return self.wait(_ENDS_WITHIN), printed

    def results(self) -> tuple[int | None, list[dict[str, Any]]]:
        """Wait for the end of a `manage.py sync`; return its exit code and the result of each repository."""
        code, printed = self.answer()
        try:
            return code, [orjson.loads(line) for line in printed.splitlines()]
        except orjson.JSONDecodeError as error:
            raise StackError(f"manage.py sync: {printed}{self.tail()}") from error


class Application:
    """The application on a running stack."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def begin(self, *teams: Team, days: int) -> list[str]:
        """Start a recent run over `days` and backfills of the rest for each team, and return the ids of the tasks."""
        return list(self._ask(do="begin", teams=list(map(asdict, teams)), api_url=self._stack.github, days=days))

    def wait(self, task_ids: Sequence[str], *, seconds: float = 240) -> None:
        """Wait until all runs of these tasks have ended and exported their root spans; raise `StackError` on timeout."""
        self._ask(do="wait", task_ids=task_ids, seconds=seconds)

    def runs(self) -> list[Run]:
        """Return every run, oldest first."""
        return [Run.of(row) for row in self._ask(do="tell")]

    @contextmanager
    def syncing(self, team: Team) -> Iterator[Command]:
        """Run `manage.py sync` over the whole history of the team's repositories during the block."""
        arguments = ["manage.py", "sync", *team.repositories, "--team", team.slug, "--all"]
        arguments += ["--api-url", self._stack.github, "--format", "json"]
        with self._command("sync", *arguments, GITHUB_TOKEN=team.token) as command:
            yield command

    def sync(self, team: Team) -> tuple[int | None, list[dict[str, Any]]]:
        """Run `manage.py sync` to its end; return its exit code and the result of each repository."""
        with self.syncing(team) as command:
            return command.results()

    def explain(self, run: Run, *, jaeger: str | None = None) -> dict[str, Any]:
        """Return what `manage.py explain` says of a run, by all that is here or by the Jaeger at a URL alone."""
        where = [] if jaeger is None else ["--jaeger", jaeger]
        with self._command("explain", "manage.py", "explain", str(run.id), *where, "--format", "json") as command:
            code, printed = command.answer()
            if code != 0:
                raise StackError(f"explain {run.id}: {printed}{command.tail()}")
            return dict(orjson.loads(printed))

    def _ask(self, **request: Any) -> Any:
        with self._command(request["do"], "-", orjson.dumps(request).decode()) as command:
            command.stdin.write(_INSIDE.read_bytes())
            code, printed = command.answer()
            if code != 0:
                raise StackError(f"{request['do']}: {command.tail()}")
            return orjson.loads(printed.splitlines()[-1])

    def _command(self, name: str, *arguments: str, **environment: str) -> Command:
        python, *rest = self._stack.python(*arguments)
        return Command(
            [shutil.which(python) or python, *rest],
            name=name,
            log=self._stack.folder / f"{name}.log",
            environment=os.environ | self._stack.environment | environment,
            piped=True,
        )
