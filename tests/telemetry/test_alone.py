"""The package is tested as an adopter would use it: no test of it knows an application."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def imported(source: str) -> Iterator[str]:
    """Yield the modules that a source file imports, wherever in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module


@pytest.mark.parametrize("file", sorted(HERE.glob("*.py")), ids=lambda file: file.name)
def test_no_test_of_the_package_imports_an_application(file: Path) -> None:
    """Declarations come from the test itself or from the bakery."""
    assert [name for name in imported(file.read_text()) if name.partition(".")[0] == "apps"] == []


def test_imports_are_found() -> None:
    """The test above can fail."""
    assert list(imported("import a.b\ndef f():\n    from apps.catalog import TABLE\n")) == ["a.b", "apps.catalog"]
