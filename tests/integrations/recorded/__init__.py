"""GitHub's answers as documented and as observed, without the data of any account."""

from __future__ import annotations

import json
from pathlib import Path

from apps.integrations.github.nodes import Response

_FOLDER = Path(__file__).parent

NAMES = sorted(path.stem for path in _FOLDER.glob("*.json"))


def recorded(name: str) -> Response:
    """Return the recorded answer called `name`."""
    answer = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return Response(
        status=answer["status"],
        headers=answer["headers"],
        body=answer["body"].encode(),
        seconds=answer.get("seconds", 0.0),
    )
