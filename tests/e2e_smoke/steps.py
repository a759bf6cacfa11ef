"""Show the progress of the test, one line per step with its duration, and report at the end what was wrong."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TextIO

_SHOWN: Final = 12  # problems shown per step
_WIDTH: Final = 300


class Steps:
    """Steps that are written to `output` as they end; `wrong` has the problems by the fact that they disprove."""

    def __init__(self, output: TextIO = sys.stdout) -> None:
        self.wrong: dict[str, list[str]] = {}
        self._output = output
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """The seconds since the start."""
        return time.monotonic() - self._started

    @contextmanager
    def step(self, fact: str) -> Iterator[list[str]]:
        """Write after the block whether `fact` holds and how long that took; problems added to the list disprove it."""
        started = time.monotonic()
        problems: list[str] = []
        try:
            yield problems
        except BaseException:
            self._write("did not get to", fact, started)
            raise
        self._write("WRONG" if problems else "ok", fact, started)
        if problems:
            self.wrong.setdefault(fact, []).extend(problems)

    def report(self) -> str:
        """Return all problems, one per line below the fact that they disprove."""
        lines = []
        for fact, problems in self.wrong.items():
            lines.append(f"Not true: {fact}")
            lines += [f"  - {problem[:_WIDTH]}" for problem in problems[:_SHOWN]]
            if len(problems) > _SHOWN:
                lines.append(f"  and {len(problems) - _SHOWN} more")
        return "\n".join(lines)

    def _write(self, verdict: str, fact: str, started: float) -> None:
        self._output.write(f"{time.monotonic() - started:6.1f} s  {verdict:5}  {fact}\n")
        self._output.flush()
