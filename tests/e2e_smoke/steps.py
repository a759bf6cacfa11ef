"""Show what the program does: one short line a step, with how long it took; and in the end what was wrong."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TextIO

_SHOWN: Final = 12  # problems of one step
_WIDTH: Final = 300


class Steps:
    """Steps, written to `output` as they end; `wrong` is what was found wrong, by the fact that it denies."""

    def __init__(self, output: TextIO = sys.stdout) -> None:
        self.wrong: dict[str, list[str]] = {}
        self._output = output
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """The seconds that all of it has taken so far."""
        return time.monotonic() - self._started

    @contextmanager
    def step(self, fact: str) -> Iterator[list[str]]:
        """Write after the block whether `fact` holds, which problems put into the list deny, and how long it took."""
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
        """Return everything that was wrong, a line each below the fact that it denies."""
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
