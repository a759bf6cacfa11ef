"""What the program shows while it works: one short line a step, with how long it took."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_WIDTH = 78


class Steps:
    """Steps are told to `output` as they end; what was found wrong in one is kept in `problems`."""

    def __init__(self, output: TextIO = sys.stdout) -> None:
        self.problems: list[str] = []
        self._output = output
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long all of it has taken so far."""
        return time.monotonic() - self._started

    @contextmanager
    def step(self, fact: str) -> Iterator[list[str]]:
        """Afterwards a line says whether `fact` holds, which problems put into the list deny, and how long that took."""
        started = time.monotonic()
        problems: list[str] = []
        try:
            yield problems
        except BaseException:
            self._tell("did not get to", fact, started)
            raise
        self._tell("WRONG" if problems else "ok", fact, started)
        self.problems += [f"{fact}: {problem}" for problem in problems]

    def _tell(self, verdict: str, fact: str, started: float) -> None:
        self._output.write(f"{time.monotonic() - started:6.1f} s  {verdict:5}  {fact}\n")
        self._output.flush()
