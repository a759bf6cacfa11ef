"""SQL names tables by their models, so that an app's SQL reaches no table of an app above: imports forbid that already."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

from django.apps import apps

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    path
    for path in (ROOT / "apps").rglob("*.py")
    if "migrations" not in path.parts  # they rename tables, and tell of names that no model has any more
)
_MODELS = "|".join(model.__name__ for model in apps.get_models())
TABLES = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
_LABELS = re.compile(rf"\b({'|'.join(app.label for app in apps.get_app_configs())})\.(?:{_MODELS})\b", re.IGNORECASE)
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


def _named_apps(source: str) -> set[str]:
    """The apps of the models that `source` names as Django does, in texts such as `pulls.Review`."""
    texts = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
    return {label for text in texts if isinstance(text, str) for label in _LABELS.findall(text)}


def _order() -> list[str]:
    """The apps, the highest first, as import-linter holds them."""
    contracts = ConfigParser()
    contracts.read(ROOT / ".importlinter")
    return contracts["importlinter:contract:apps"]["layers"].split()


def test_a_table_is_named_by_its_model() -> None:
    """`Model._meta.db_table`, of a model that is imported: so import-linter's order of apps holds for SQL, too."""
    named = {str(path.relative_to(ROOT)): list(_named_tables(path.read_text())) for path in SOURCES}
    assert {path: names for path, names in named.items() if names} == {}


def test_a_model_that_is_named_in_a_text_is_of_the_same_app_or_below() -> None:
    """No import shows it."""
    order = _order()
    for path in SOURCES:
        app = path.relative_to(ROOT / "apps").parts[0]
        above = order[: order.index(app)] if app in order else order
        assert _named_apps(path.read_text()).isdisjoint(above), path


def test_a_name_in_a_text_is_found() -> None:
    """Whatever the text looks like."""
    assert {"pulls_pullrequest", "repositories_trackedrepository", "auth_user"} <= TABLES
    source = '''
def count(cursor, window):
    """Rows of pulls_review."""
    cursor.execute(f"SELECT count(*) FROM pulls_pullrequest p WHERE {window}")
    cursor.execute("DELETE FROM " "auth_user")
    apps.get_model("analysis.Analysis")
    return "pulls_pullrequests", "my_pulls_pullrequest", "pulls.review"
'''
    assert sorted(_named_tables(source)) == [(4, "pulls_pullrequest"), (5, "auth_user")]
    assert _named_apps(source) == {"analysis", "pulls"}
    assert _order().index("analysis") < _order().index("pulls")
