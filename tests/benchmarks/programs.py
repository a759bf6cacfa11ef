"""The programs of the benchmarks, which are processes that answer each line of JSON with another.

Each side of a comparison is a separate process, because a process can configure its telemetry only once.
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
    """A program ended instead of answering; the message has the end of its output."""


class Answering(Program):
    """A program that answers questions until its input ends."""

    def ask(self, **question: Any) -> Any:
        """Return the answer to a question; raise `NotMeasured` if the program ended instead."""
        with suppress(BrokenPipeError):  # it has ended, so its output ends too
            self.stdin.write(json.dumps(question).encode() + b"\n")
            self.stdin.flush()
        answer = self.stdout.readline()
        if not answer:
            code = self.wait(_ENDS_WITHIN)
            raise NotMeasured(f"{self.name} ended with {code} instead of answering. It printed last:\n{self.tail()}")
        return json.loads(answer)

    def stop(self, *, within: float | None = None) -> None:
        """End the input, and wait until the program has flushed its data and ended."""
        with suppress(BrokenPipeError):
            self.stdin.close()
        self.wait(_ENDS_WITHIN if within is None else within)
        super().stop(within=within)


@contextmanager
def program(module: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[Answering]:
    """Run `python -m module` during the block, with `environment` added to the current one."""
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
    """Answer every question on standard input with a line on standard output."""
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(**json.loads(line))) + "\n")
        sys.stdout.flush()
