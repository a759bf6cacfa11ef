"""Programs of the benchmarks: processes that answer a line of JSON with a line of JSON.

Each side of a comparison is a process of its own, because a process configures its telemetry once.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from apps.processes import Program

CHECKOUT = Path(__file__).resolve().parents[2]
_ENDS_WITHIN = 20.0  # seconds


class NotMeasured(RuntimeError):  # noqa: N818  # it says what happened
    """A program ended instead of answering; the message holds the end of what it printed."""


class Answering(Program):
    """A program that answers questions until there are none."""

    def ask(self, **question: Any) -> Any:
        """Return its answer; raise `NotMeasured` if it ended instead."""
        with suppress(BrokenPipeError):  # it has ended, and so will its output
            self.stdin.write(json.dumps(question).encode() + b"\n")
            self.stdin.flush()
        answer = self.stdout.readline()
        if not answer:
            code = self.wait(_ENDS_WITHIN)
            raise NotMeasured(f"{self.name} ended with {code} instead of answering. It printed last:\n{self.tail()}")
        return json.loads(answer)

    def stop(self) -> None:
        """Let it end with its questions, so that it flushes what it has."""
        with suppress(BrokenPipeError):
            self.stdin.close()
        self.wait(_ENDS_WITHIN)
        super().stop()


@contextmanager
def program(module: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[Answering]:
    """Run `python -m module` in the block, with `environment` added to this process's."""
    with (
        tempfile.TemporaryDirectory(prefix="synctrace-benchmark-") as folder,
        Answering(
            [sys.executable, "-m", module, *arguments],
            name=module,
            log=Path(folder) / "errors.log",
            environment={**os.environ, **(environment or {})},
            folder=CHECKOUT,
            piped=True,
        ) as answering,
    ):
        yield answering


def answer_with(answer: Callable[..., Any]) -> None:
    """Answer every question on the input with a line on the output, until there is none."""
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(**json.loads(line))) + "\n")
        sys.stdout.flush()
