"""The simulated GitHub behind a wire, as a program that `stack` runs and can stop, freeze and cut off."""

from __future__ import annotations

import sys
from typing import Any, Final

from apps.github_simulator.testing import Limits, simulator
from tests.benchmarks.programs import answer_with
from tests.chaos.wire import wire

NAMES: Final = ("synthetic/repo-0", "synthetic/repo-1")
_SIZES: Final = (41, 23)  # pull requests
_NO_LIMITS: Final = Limits(graphql=10**9, core=10**9, graphql_per_minute=None, core_per_minute=None)


def main(latency_ms: float) -> None:
    """Serve until the input ends, and answer questions meanwhile."""
    with simulator(synthetic=_SIZES[0], latency_ms=latency_ms, limits=_NO_LIMITS) as github:
        for seed, size in enumerate(_SIZES[1:], start=1):
            github.add_synthetic(size, seed=seed)
        with wire(int(github.url.rpartition(":")[2])) as line:

            def answer(do: str) -> Any:
                match do:
                    case "tell":
                        return {"url": f"http://127.0.0.1:{line.port}", **github.stats()}
                    case "cut":
                        line.cut()
                    case "up" | "down" | "silent":
                        line.turn(do)
                return {}

            answer_with(answer)


if __name__ == "__main__":
    main(float(sys.argv[1]))
