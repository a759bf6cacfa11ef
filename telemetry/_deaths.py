"""What killed a process, as far as is known, and what its spans then carry."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import Any

OUTCOME = "span.outcome"
"""The outcome's key on a library's span that died: no operation declares one for it."""


@dataclass(frozen=True, slots=True)
class Death:
    """What killed a process, as far as is known."""

    cause: str = "unknown"
    """`signal`, `time_limit`, `out_of_memory`, `machine_gone`, `exit` or `unknown`."""
    signal: str | None = None
    exit_code: int | None = None
    limit_sec: float | None = None
    is_certain: bool = True
    """Whether the process is known to be dead; otherwise it has only fallen silent."""

    @property
    def sentence(self) -> str:
        """Return the cause in words, for a span's status."""
        match self.cause:
            case "signal":
                return f"the process was killed by {self.signal}"
            case "time_limit":
                return "the process was killed at its hard time limit" + (
                    f" of {self.limit_sec:g} s" if self.limit_sec else ""
                )
            case "out_of_memory":
                return "the process was killed because memory ran out"
            case "machine_gone":
                return "the process's machine is gone"
            case "exit":
                return f"the process exited with code {self.exit_code} before the span ended"
        return "the process ended before the span did" if self.is_certain else "nothing was heard of the process any more"

    @property
    def attributes(self) -> dict[str, Any]:
        """Return the attributes of a span that died with the process."""
        known = {"died.signal": self.signal, "died.exit_code": self.exit_code, "died.limit_sec": self.limit_sec}
        return {"error.type": "died", "died.cause": self.cause} | {k: v for k, v in known.items() if v is not None}


def by_exit_code(code: int, *, is_out_of_memory: bool = False) -> Death:
    """Return the death that an exit code stands for; negative codes are signals, as in `subprocess`."""
    if is_out_of_memory and code == -signal.SIGKILL:
        return Death("out_of_memory", signal="SIGKILL")
    if code >= 0:
        return Death("exit", exit_code=code)
    try:
        return Death("signal", signal=signal.Signals(-code).name)
    except ValueError:  # a real-time signal has no name
        return Death("signal", signal=str(-code))
