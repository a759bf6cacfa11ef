"""Homes for embedded servers that leave nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.embedded import folders, servers
from tests.embedded.programs import answer


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder for servers, and remove what root's servers keep elsewhere for it or for homes in it."""
    yield tmp_path
    _remove_data_below(tmp_path)


@pytest.fixture(scope="session")
def settled_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield a home that was used before: its database has a table `kept` with the number 42. Tests leave it whole."""
    folder = tmp_path_factory.mktemp("settled")
    with servers(home=folder) as running:
        answer(running.database_url, "CREATE TABLE kept AS SELECT 42 AS number")
    yield folder
    _remove_data_below(folder)


def _remove_data_below(folder: Path) -> None:
    for place in list(folder.rglob("postgresql")):
        folders.remove_data(place.parent)
