"""Try mistakes in a copy of the checkout, with a PostgreSQL and a Valkey that stay up from one to the next."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from apps.embedded import servers
from tests.mutants.changes import Change
from tests.mutants.rooms import CHECKOUT, room_of

_FAILED, _NO_TESTS = 1, 5  # exit codes of pytest
_LEAST_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Seen:
    """Which tests come by which lines of a module, and how long each takes."""

    tests: dict[int, list[str]]
    seconds: dict[str, float]

    def chosen_for(self, change: Change, text: str, *, room: Sequence[str]) -> list[str]:
        """Return the tests that come by a change in a module's `text`, the quickest first; the room where none is known to.

        What runs as the module is imported, or once for all, is come by unseen: of a variable or of a function with a cache
        those count, too, that come by a line with its name; of anything else that nobody is seen at, all of the module's.
        """
        lines = set(range(change.line, change.line + change.before.count("\n") + 1))
        found = self._by(lines | _lines_with(_names_made_once(lines, text), text)) or self._by(self.tests)
        return sorted(found, key=lambda test: (self.seconds.get(test, 0.0), test)) or list(room)

    def _by(self, lines: Iterable[int]) -> set[str]:
        return {test for line in lines for test in self.tests.get(line, ())}


def _names_made_once(lines: Collection[int], text: str) -> set[str]:
    """Return the names of the module's variables, and of its functions with a cache, that are made at these lines."""
    names: set[str] = set()
    for statement in ast.parse(text).body:
        if set(lines).isdisjoint(range(statement.lineno, (statement.end_lineno or 0) + 1)):
            continue
        if isinstance(statement, ast.FunctionDef) and any("cache" in ast.unparse(each) for each in statement.decorator_list):
            names.add(statement.name)
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            given = (each for each in ast.walk(statement) if isinstance(each, ast.Name))
            names |= {each.id for each in given if isinstance(each.ctx, ast.Store)}
    return names


def _lines_with(names: Collection[str], text: str) -> set[int]:
    lines = enumerate(text.splitlines(), start=1)
    return {number for number, line in lines if names and re.search(rf"\b(?:{'|'.join(names)})\b", line)}


class StoppedError(RuntimeError):
    """No test could say whether it notices a mistake."""


class Copy:
    """A copy of the checkout in which one mistake at a time is tried."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._checkout = folder / "checkout"
        self._running: subprocess.Popen[bytes] | None = None
        self._is_stopped = False

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Make the copy anew, and keep its servers up inside the block."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._checkout.mkdir(parents=True)
        for name in _files():
            if (CHECKOUT / name).is_file():
                (self._checkout / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(CHECKOUT / name, self._checkout / name)
        (self._checkout / ".venv").symlink_to((CHECKOUT / ".venv").resolve())
        with servers(home=self.folder / "embedded", throwaway=True):
            yield

    def seen(self, module: str) -> Seen:
        """Run the module's tests as they are, and return what they come by; a failure is an error of ours."""
        where = self.folder / "seen.json"
        variables = {"SEEN_MODULE": module, "SEEN_IN": str(where)}
        done = self._pytest(["-p", "tests.mutants.seen_lines", "--timeout=600", *room_of(module)], seconds=1800, **variables)
        if done != 0:
            raise SystemExit(f"{module}: its tests fail as they are: {' '.join(room_of(module))}\n{self.said()[-2000:]}")
        found = json.loads(where.read_text())
        return Seen({int(line): tests for line, tests in found["tests"].items()}, found["seconds"])

    def notices(self, module: str, change: Change, seen: Seen) -> bool:
        """Return whether a test fails once the mistake is made."""
        path = self._checkout / module
        text = path.read_text()
        tests = seen.chosen_for(change, text, room=room_of(module))
        seconds = _LEAST_SECONDS + 10 * sum(seen.seconds.get(test, 5.0) for test in tests)
        try:
            path.write_text(change.made_in(text))
            code = self._pytest(["-x", *tests], seconds=seconds)
            if code == _NO_TESTS or self._is_stopped:
                raise StoppedError(f"nothing is known of {module}:{change.line}: {self.said()[-500:]}")
            return code != 0
        finally:
            path.write_text(text)

    def stop(self) -> None:
        """End the tests that are running, if any are: they say nothing of the mistake."""
        self._is_stopped = True
        if self._running is not None:
            _end(self._running)

    def said(self) -> str:
        """Return what the last tests printed."""
        return (self.folder / "said").read_text(errors="replace")

    def _pytest(self, arguments: Sequence[str], *, seconds: float, **variables: str) -> int:
        """Run tests; return their exit code, or that of failed ones if they take too long."""
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:xdist",
            "--reuse-db",
            "--tb=line",
        ]
        command += [f"--basetemp={self.folder / 'gw0'}", *arguments]
        environment = {**os.environ, "PYTEST_XDIST_WORKER": "gw0", "PYTHONDONTWRITEBYTECODE": "1", **variables}
        with (self.folder / "said").open("wb") as said:
            process = subprocess.Popen(
                command,
                cwd=self._checkout,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._running = process
            try:
                return process.wait(seconds)
            except subprocess.TimeoutExpired:
                return _FAILED
            finally:
                _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the tests and what they started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()


def _files() -> list[str]:
    """Return the files of the checkout, committed or about to be."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    return done.stdout.split("\0")[:-1]
