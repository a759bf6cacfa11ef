"""What the program shows while it works: one short line a step, with how long it took; and in the end what was wrong."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TextIO

_SHOWN: Final = 12  # problems of one step
_WIDTH: Final = 300


class Steps:
    """Steps are told to `output` as they end; `wrong` is what was found wrong, by the fact that it denies."""

    def __init__(self, output: TextIO = sys.stdout) -> None:
        self.wrong: dict[str, list[str]] = {}
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
        if problems:
            self.wrong.setdefault(fact, []).extend(problems)

    def report(self) -> str:
        """Everything that was wrong, a line each below the fact that it denies."""
        lines = []
        for fact, problems in self.wrong.items():
            lines.append(f"Not true: {fact}")
            lines += [f"  - {problem[:_WIDTH]}" for problem in problems[:_SHOWN]]
            if len(problems) > _SHOWN:
                lines.append(f"  and {len(problems) - _SHOWN} more")
        return "\n".join(lines)

    def _tell(self, verdict: str, fact: str, started: float) -> None:
        self._output.write(f"{time.monotonic() - started:6.1f} s  {verdict:5}  {fact}\n")
        self._output.flush()
