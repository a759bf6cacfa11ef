"""An OTLP receiver behind a wire, as a program that can be away or silent while a sync goes on; it counts what came.

``python -m tests.chaos.collector`` answers on standard output each line of standard input, as `program` programs do.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.benchmarks.programs import answer_with
from tests.chaos.wire import wire
from tests.telemetry.otlp import receiver


def main() -> None:
    """Receive until the input ends, and answer questions meanwhile."""
    with receiver() as arrived, wire(int(arrived.url.rpartition(":")[2])) as line:

        def answer(do: str) -> Any:
            match do:
                case "tell":
                    times = Counter(span.span_id.hex() for span in arrived.spans())
                    return {"url": f"http://127.0.0.1:{line.port}", "spans": times}
                case "up" | "down" | "silent":
                    line.turn(do)
            return {}

        answer_with(answer)


if __name__ == "__main__":
    main()
