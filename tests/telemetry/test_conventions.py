"""What stands in a namespace of OpenTelemetry's is OpenTelemetry's: its semantic conventions have it, as installed."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from opentelemetry.semconv import attributes, metrics

import telemetry

NO_ATTRIBUTES = {
    "telemetry.account": "an event, named for this package",
    "telemetry.problem": "an event, named for this package",
    "telemetry.request": "where a request keeps what is open for it",
}
INCUBATING = ("opentelemetry.semconv._incubating.attributes", "opentelemetry.semconv._incubating.metrics")
NAME = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+")
SOURCES = [
    *Path(telemetry.__file__).parent.rglob("*.py"),
    *(Path(telemetry.__file__).parent.parent / "apps").glob("*catalog.py"),
]


def _conventions() -> Iterator[str]:
    """Yield the names of every attribute and metric that the conventions have."""
    for package in (attributes, metrics, *map(importlib.import_module, INCUBATING)):
        for module in pkgutil.iter_modules(package.__path__):
            found = vars(importlib.import_module(f"{package.__name__}.{module.name}"))
            yield from (value for name, value in found.items() if name.isupper() and isinstance(value, str))


@pytest.fixture(scope="module")
def conventions() -> frozenset[str]:
    """Every name, of which there are many."""
    found = frozenset(_conventions())
    assert len(found) > 1000
    return found


def _texts(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and NAME.fullmatch(node.value):
            yield node.value


def test_no_name_of_ours_is_in_a_namespace_of_opentelemetry_s(conventions: frozenset[str]) -> None:
    """Modules have dots in their names, too. `telemetry.outcome` was one: `telemetry.*` is OpenTelemetry's own."""
    namespaces = {name.partition(".")[0] for name in conventions}
    ours = {text for path in SOURCES for text in _texts(path) if text.partition(".")[0] in namespaces}
    strange = {name for name in ours - conventions if not _is_module(name)}
    assert strange == set(NO_ATTRIBUTES)
    assert {"error.type", "messaging.system", "http.route", "vcs.owner.name"} <= ours


def _is_module(name: str) -> bool:
    return name.startswith("telemetry.") and find_spec(name) is not None
