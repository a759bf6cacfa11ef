"""The interface to a running stack, which processes of this machine and docker compose implement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self

Part = Literal["collector", "jaeger"]


class StackError(RuntimeError):
    """The stack cannot be started or used; the message says why, and what to do."""


class Stack(Protocol):
    """A stack that runs from `up` to the end of its `with` block, and leaves nothing behind except its `folder`.

    `web`, `jaeger` and `simulator` are addresses as this machine reaches them, `github` is the simulator's and
    `jaeger_inside` Jaeger's as the application does. `environment` is for the commands that `python` gives.
    """

    folder: Path
    web: str
    jaeger: str
    jaeger_inside: str
    simulator: str
    github: str
    environment: Mapping[str, str]

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None: ...

    def up(self) -> None:
        """Start the stack and wait until it is ready; raise `StackError` if that fails."""
        ...

    def python(self, *arguments: str) -> Sequence[str]:
        """Return the command that runs the application's Python with `arguments` in its checkout, on its servers."""
        ...

    def stop(self, part: Part) -> None:
        """End the part with SIGTERM."""
        ...

    def kill(self, part: Part) -> None:
        """End the part with SIGKILL."""
        ...

    def start(self, part: Part) -> None:
        """Restart a part that was stopped or killed, and wait until it is ready."""
        ...

    def stop_application(self) -> None:
        """Shut down worker and beat, so that no sync or sweep is running."""
        ...

    def written(self) -> Path:
        """Return a folder with the current logs.jsonl and traces.jsonl of the application."""
        ...

    def collected(self) -> Path:
        """Return a folder with the current logs.jsonl and traces.jsonl of the collector."""
        ...
