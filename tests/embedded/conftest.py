"""A home for embedded servers that leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.embedded import folders


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A folder for servers; what root's servers keep elsewhere for it, or for homes in it, is removed at the end."""
    yield tmp_path
    for place in list(tmp_path.rglob("postgresql")):
        folders.remove_data(place.parent)
