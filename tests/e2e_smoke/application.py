"""The application as its users reach it: commands on its servers, and what its rows say afterwards."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from tests.e2e_smoke.stack import Stack, StackError
from tests.e2e_smoke.story import Team

_INSIDE: Final = Path(__file__).with_name("inside.py")


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
    """One run as its row has it; times are Unix nanoseconds."""

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
        """Whether the sweep, a minute after the end, emitted the root span again: its first export was not confirmed."""
        return (self.exported_ns or 0) - (self.ended_ns or 0) > 60 * 1_000_000_000

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Run:
        """The run that `inside.tell` told."""
        repositories = tuple(Repository(**each) for each in row["repositories"])
        return cls(**{**row, "repositories": repositories})


def results_of(process: subprocess.Popen[str]) -> tuple[int, list[dict[str, Any]]]:
    """The exit code of a `manage.py sync` that has ended or will, and the result of each repository."""
    said, trouble = process.communicate()
    try:
        return process.returncode, [orjson.loads(line) for line in said.splitlines()]
    except orjson.JSONDecodeError as error:
        raise StackError(f"manage.py sync: {said}{trouble}") from error


class Application:
    """What a person does with the application, on a stack that runs."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def begin(self, *teams: Team, days: int) -> list[str]:
        """Start a recent run over so many days and backfills of the rest for each; return the tasks that do."""
        return list(self._ask(do="begin", teams=list(map(asdict, teams)), api_url=self._stack.github, days=days))

    def wait(self, task_ids: Sequence[str], *, seconds: float = 240) -> None:
        """Every run of these has ended, its root span exported; `StackError` when that takes longer."""
        self._ask(do="wait", task_ids=task_ids, seconds=seconds)

    def runs(self) -> list[Run]:
        """Every run, oldest first."""
        return [Run.of(row) for row in self._ask(do="tell")]

    @contextmanager
    def syncing(self, team: Team) -> Iterator[subprocess.Popen[str]]:
        """`manage.py sync` over all history of the team's repositories runs inside, as a person runs it."""
        arguments = ["manage.py", "sync", *team.repositories, "--team", team.slug, "--all"]
        process = self._start(*arguments, "--api-url", self._stack.github, "--format", "json", GITHUB_TOKEN=team.token)
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def sync(self, team: Team) -> tuple[int, list[dict[str, Any]]]:
        """`manage.py sync` has ended: its exit code, and the result of each repository."""
        with self.syncing(team) as process:
            return results_of(process)

    def _ask(self, **request: Any) -> Any:
        process = self._start("-", orjson.dumps(request).decode(), stdin=_INSIDE)
        try:
            said, trouble = process.communicate()
        except BaseException:
            process.kill()
            process.communicate()
            raise
        if process.returncode:
            raise StackError(f"{request['do']}: {trouble.strip()[-2_000:]}")
        return orjson.loads(said.splitlines()[-1])

    def _start(self, *arguments: str, stdin: Path | None = None, **environment: str) -> subprocess.Popen[str]:
        with (stdin or Path(os.devnull)).open("rb") as script:
            return subprocess.Popen(
                self._stack.python(*arguments),
                env=os.environ | self._stack.environment | environment,
                stdin=script,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
