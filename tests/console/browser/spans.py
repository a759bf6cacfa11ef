"""The data of a picture with many spans."""

from __future__ import annotations

from typing import Any


def many_spans(number: int) -> dict[str, Any]:
    """Return a picture's data of so many spans, every thousandth of which is an error; all are on the critical path."""
    rows = [[0, 0, 0.0, 2.0 * number, -1, 4, -1]]
    rows += [[1 + at % 2, 1 + at % 2, 2.0 * at, 1.5, at % 2 - 1, 4 + int(at % 1_000 == 0), 0] for at in range(number - 1)]
    return {
        "run": 1,
        "is_running": False,
        "now": 2.0 * number,
        "length": 2.0 * number,
        "names": ["sync.pipeline", "sync.repo", "sync.api.graphql"],
        "attempt": 1,
        "parts": [{"key": "github_answering", "words": "GitHub answering", "waits": False}],
        "rows": rows,
        "details": [f"number {at}" for at in range(number)],
        "ids": [f"{at:016x}" for at in range(number)],
        "idle": [],
        "critical": [[2.0 * at, 1.5, 0, at + 1] for at in range(number - 1)],
    }
