"""Programs of the benchmarks: processes that answer a line of JSON with a line of JSON.

Each side of a comparison is a process of its own, because a process configures its telemetry once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]


class NotMeasured(RuntimeError):  # noqa: N818  # it says what happened
    """A program ended instead of answering; what it printed says why."""


class Program:
    """A running program of the benchmarks."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, **question: Any) -> Any:
        """The program's answer; `NotMeasured` when it ended instead."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise NotMeasured(f"{self._process.args!r} ended with {self._process.wait()} instead of answering")
        return json.loads(answer)


@contextmanager
def program(module: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[Program]:
    """``python -m module`` runs inside, with this process's environment and ``environment``."""
    command: Sequence[str] = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=CHECKOUT,
        env={**os.environ, **(environment or {})},
        start_new_session=True,  # a Ctrl-C is for us, and then there are no more questions
    ) as process:
        try:
            yield Program(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()  # it ends with its questions
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def answer_with(answer: Callable[..., Any]) -> None:
    """Every question on stdin is answered on stdout, until there is none."""
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(**json.loads(line))) + "\n")
        sys.stdout.flush()
