"""docs/qa.md names tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]


def test_every_test_that_the_document_names_is_there() -> None:
    """In the file it names."""
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", (CHECKOUT / "docs" / "qa.md").read_text())
    assert len(named) > 15
    missing = [name for file, name in named if f"def {name}" not in (CHECKOUT / file).read_text()]
    assert missing == []
