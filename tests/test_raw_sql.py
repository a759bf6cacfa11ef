"""Raw SQL names tables by their models, so that the direction of imports is that of SQL, too."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from django.apps import apps

SOURCE = Path(__file__).parent.parent / "apps"


def test_no_table_is_named_as_text() -> None:
    """But by `Model._meta.db_table`: whoever imports a model is seen by import-linter, whoever spells its table is not."""
    tables = {model._meta.db_table for model in apps.get_models() if model.__module__.startswith("apps.")}
    spelled = re.compile(rf"\b({'|'.join(sorted(tables))})\b")
    found = [
        f"{file.relative_to(SOURCE)}:{node.lineno} {match[0]}"
        for file in sorted(SOURCE.rglob("*.py"))
        if "migrations" not in file.parts
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for match in spelled.finditer(node.value)
    ]
    assert found == []
