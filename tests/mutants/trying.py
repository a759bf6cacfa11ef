"""Try mistakes in a copy of the checkout, with a PostgreSQL and a Valkey that stay up from one to the next."""

from __future__ import annotations

import compileall
import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from py_compile import PycInvalidationMode

from apps.embedded import servers
from tests.mutants.changes import Change
from tests.mutants.rooms import CHECKOUT, room_of
from tests.mutants.seen import Seen

_PASSED, _FAILED = 0, 1  # exit codes of pytest
_NOT_FOUND = frozenset({4, 5})
_LEAST_SECONDS, _USUAL_SECONDS = 20.0, 5.0
_PATIENCE = 10  # times as long as a test took may it take, before what it waits for never comes
_OPTIONS = ("-q", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:xdist", "--reuse-db", "--tb=line")


class StoppedError(RuntimeError):
    """No test could say whether it notices a mistake."""


class Copy:
    """A copy of the checkout in which one mistake at a time is tried."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.checkout = folder / "checkout"
        self._forking: subprocess.Popen[bytes] | None = None
        self._running: int | None = None
        self._is_stopped = False

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Make the copy anew, and keep its servers up inside the block."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.checkout.mkdir(parents=True)
        for name in _files():
            if (CHECKOUT / name).is_file():
                (self.checkout / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(CHECKOUT / name, self.checkout / name)
        (self.checkout / ".venv").symlink_to((CHECKOUT / ".venv").resolve())
        for name in ("apps", "telemetry", "tests"):  # by its text: two mistakes may have one size, and come in one second
            compileall.compile_dir(self.checkout / name, quiet=1, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
        with servers(home=self.folder / "embedded", throwaway=True), self._forks():
            yield

    def look(self, files: Sequence[str], where: Path) -> None:
        """Run test files as they are, and write into `where` what they come by."""
        arguments = ["-p", "tests.mutants.seen_lines", "--timeout=600", *files]
        if self._pytest(arguments, seconds=3600, SEEN_IN=str(where)) not in (_PASSED, _FAILED) or not where.exists():
            raise SystemExit(f"Nothing was seen of {' '.join(files)}:\n{self.said()[-2000:]}")
        if failed := json.loads(where.read_text())["failed"]:
            sys.stdout.write(f"fail as they are, and are left out: {' '.join(failed)}\n")

    def notices(self, module: str, change: Change, seen: Seen, *, slowest: float) -> bool:
        """Return whether a test fails once the mistake is made; slower ones than `slowest` run only if need be.

        Where those that come by it do not, others do only if they pass as they are: what they say may be chance. So do tests
        that pytest does not find: they are not there, or the mistake keeps their module from being imported.
        """
        path = self.checkout / module
        text = path.read_text()
        tests, others = seen.chosen_for(change, room=room_of(module), slowest=slowest)
        try:
            path.write_text(change.made_in(text))
            code = self._try(tests, seen)
            if code == _PASSED:
                tests, code = others, self._try(others, seen)
                is_certain = code == _PASSED
            else:
                is_certain = code not in _NOT_FOUND
        finally:
            path.write_text(text)
        if is_certain:
            return code != _PASSED
        as_it_is = self._try(tests, seen)
        if as_it_is in _NOT_FOUND:
            raise StoppedError(f"nothing is known of {' '.join(tests)}: {self.said()[-500:]}")
        return as_it_is == _PASSED

    def _try(self, tests: Sequence[str], seen: Seen) -> int:
        """Run tests until one fails or takes too long; return pytest's exit code."""
        if not tests:
            return _PASSED
        took = [seen.seconds.get(test, _USUAL_SECONDS) for test in tests]
        each = _LEAST_SECONDS + _PATIENCE * max(took)
        code = self._pytest(["-x", f"--timeout={each:.0f}", *tests], seconds=each + _PATIENCE * sum(took))
        if self._is_stopped:
            raise StoppedError(f"stopped while it ran {' '.join(tests)}")
        return code

    def stop(self) -> None:
        """End the tests that are running, if any are: they say nothing of the mistake."""
        self._is_stopped = True
        self._end()

    def said(self) -> str:
        """Return what the last tests printed."""
        return (self.folder / "said").read_text(errors="replace")

    @contextmanager
    def _forks(self) -> Iterator[None]:
        """Keep a process at hand that has imported what is not ours, and runs tests in forks of itself."""
        command = [sys.executable, "-m", "tests.mutants.forking"]
        environment = {**os.environ, "PYTEST_XDIST_WORKER": "gw0", "PYTHONDONTWRITEBYTECODE": "1"}
        self._forking = subprocess.Popen(
            command,
            cwd=self.checkout,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,  # or a second line would be read with the first, and not be waited for
            start_new_session=True,
        )
        try:
            yield
        finally:
            self._forking.kill()
            self._forking.communicate()

    def _pytest(self, arguments: Sequence[str], *, seconds: float, **variables: str) -> int:
        """Run tests; return their exit code, or that of failed ones if they take too long."""
        if self._forking is None or self._forking.stdin is None or self._forking.stdout is None:
            raise RuntimeError("The copy is not ready")
        asked = {
            "arguments": [*_OPTIONS, f"--basetemp={self.folder / 'gw0'}", *arguments],
            "variables": variables,
            "said": str(self.folder / "said"),
        }
        self._forking.stdin.write(f"{json.dumps(asked)}\n".encode())
        self._running = int(self._forking.stdout.readline())
        try:
            ended, _, _ = select.select([self._forking.stdout], [], [], seconds)
        finally:
            self._end()  # also what the tests have started
        code = int(self._forking.stdout.readline())
        return code if ended else _FAILED

    def _end(self) -> None:
        """End the tests and what they started."""
        if self._running is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._running, signal.SIGKILL)
        self._running = None


def _files() -> list[str]:
    """Return the files of the checkout, committed or about to be."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    return done.stdout.split("\0")[:-1]
