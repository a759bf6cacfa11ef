"""SQL names tables by their models, so that an app's SQL reaches no table of an app above: imports forbid that already."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    path
    for path in (ROOT / "apps").rglob("*.py")
    if "migrations" not in path.parts  # they rename tables, and tell of names that no model has any more
)
TABLES = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
_NAMES = re.compile(rf"\b({'|'.join(sorted(TABLES))})\b")


def _named_tables(source: str) -> Iterator[tuple[int, str]]:
    """The lines of `source` with a text, other than a docstring, that has a table's name in it; and the name."""
    tree = ast.parse(source)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield from ((node.lineno, name) for name in _NAMES.findall(node.value))


def _looked_up_models(source: str) -> Iterator[int]:
    """The lines of `source` that get a model by its name: an import would have shown which app it is of."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _LOOK_UPS:
            yield node.lineno


_LOOK_UPS = {"get_model", "get_models"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_table_is_named_by_its_model(path: Path) -> None:
    """`Model._meta.db_table`, of a model that is imported: so import-linter's order of apps holds for SQL, too."""
    source = path.read_text()
    assert list(_named_tables(source)) == []
    assert list(_looked_up_models(source)) == []


def test_a_name_in_a_text_is_found() -> None:
    """Whatever the text looks like."""
    assert {"pulls_pullrequest", "repositories_trackedrepository", "auth_user"} <= TABLES
    source = '''
def count(cursor, window):
    """Rows of pulls_review."""
    cursor.execute(f"SELECT count(*) FROM pulls_pullrequest p WHERE {window}")
    cursor.execute("DELETE FROM " "auth_user")
    return "pulls_pullrequests", "my_pulls_pullrequest"
'''
    assert sorted(_named_tables(source)) == [(4, "pulls_pullrequest"), (5, "auth_user")]
    assert list(_looked_up_models("from django.apps import apps\napps.get_model('pulls', 'Review')")) == [2]
