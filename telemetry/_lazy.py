"""Import a package's names on first use: reading files needs neither OpenTelemetry nor structlog."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def names_from(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return `__getattr__` for a package whose public names live elsewhere; `homes` maps each name to its module."""

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{homes[name]}"), name)
        setattr(import_module(package), name, value)  # so that it is looked up only once
        return value

    return find
