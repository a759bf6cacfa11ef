"""What the smoke test needs of a running stack: processes of this machine and docker compose both give it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self

Part = Literal["collector", "jaeger"]


class StackError(RuntimeError):
    """The stack could not be started or used; the message says why, and what to do about it."""


class Stack(Protocol):
    """A stack that runs from `up` to the end of its `with` block; nothing but its `folder` is left afterwards.

    `web`, `jaeger` and `simulator` are addresses as this machine reaches them, `github` is the simulator's as the worker
    does. `environment` is for the commands that `python` gives.
    """

    folder: Path
    web: str
    jaeger: str
    simulator: str
    github: str
    environment: Mapping[str, str]

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None: ...

    def up(self) -> None:
        """Start it, and wait until everything of it is ready; raise `StackError` if it does not get there."""
        ...

    def python(self, *arguments: str) -> Sequence[str]:
        """Return the command that runs the application's Python, in its checkout and on its servers, with `arguments`."""
        ...

    def stop(self, part: Part) -> None:
        """End the part with SIGTERM."""
        ...

    def kill(self, part: Part) -> None:
        """End the part with SIGKILL."""
        ...

    def start(self, part: Part) -> None:
        """Start the part again, which was stopped or killed, and wait until it is ready."""
        ...

    def stop_application(self) -> None:
        """End worker and beat in good order, so that nobody syncs or sweeps any more."""
        ...

    def written(self) -> Path:
        """Return a folder with logs.jsonl and traces.jsonl as the application has written them by now."""
        ...

    def collected(self) -> Path:
        """Return a folder with logs.jsonl and traces.jsonl as the collector has written them by now."""
        ...
