"""The messages from which a picture with many spans is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def many_spans(number: int, *, in_a_message: int = 4_000) -> Iterator[dict[str, Any]]:
    """Yield the messages of so many spans, every thousandth of which is an error; all are on the critical path."""
    ids = [f"{at + 1:016x}" for at in range(number)]
    ends = {"is_running": False, "now": 2.0 * number, "length": 2.0 * number}
    parts = [{"key": "github_answering", "words": "GitHub answering", "waits": False}]
    yield {"head": {"run": 1, "root": ids[0], "attempt": "sync.repo", "parts": parts, **ends}}
    yield {"spans": _columns([ids[0]], name=[0], detail=[0], parent=[-1], start=[0.0], length=[2.0 * number], part=[-1])}
    for begin in range(1, number, in_a_message):
        places = range(begin, min(number, begin + in_a_message))
        yield {
            "spans": _columns(
                ids[places.start : places.stop],
                name=[1 + (at - 1) % 2 for at in places],
                detail=list(range(len(places))),
                parent=[0 if at % 2 else 1 + (at - 1 - begin) if at > begin else 0 for at in places],
                start=[2.0 * (at - 1) for at in places],
                length=[1.5] * len(places),
                part=[(at - 1) % 2 - 1 for at in places],
                flags=[int((at - 1) % 1_000 == 0) for at in places],
                details=[f"number {at}" for at in places],
                parents=[ids[0], *ids[places.start : places.stop]],
            )
        }
    yield {"whole": True}
    path = range(1, number)
    critical = {"start": [2.0 * (at - 1) for at in path], "length": [1.5 for _ in path], "part": [0 for _ in path]}
    yield {"time": {**ends, "idle": [], "critical": {**critical, "id": ids[1:]}}}


def _columns(ids: list[str], **columns: Any) -> dict[str, Any]:
    usual = {"flags": [0] * len(ids), "details": ["number 0"], "parents": [], "repository": [0] * len(ids)}
    return {"id": ids, "names": ["sync.pipeline", "sync.repo", "sync.api.graphql"], **usual, **columns}
