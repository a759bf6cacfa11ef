"""What telemetry offers: the names in `__all__` of its modules whose own names have no underscore."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping

import telemetry


def public_names() -> Mapping[str, tuple[str, ...]]:
    """Return the public names of each public module."""
    modules = ["telemetry", *(f"telemetry.{found.name}" for found in pkgutil.iter_modules(telemetry.__path__))]
    return {
        name: tuple(importlib.import_module(name).__all__) for name in modules if not name.rpartition(".")[2].startswith("_")
    }


def is_known_by_its_package(module: str, name: str) -> bool:
    """Return whether `telemetry` itself offers the same thing under the same name."""
    own = getattr(importlib.import_module(module), name)
    return name in telemetry.__all__ and getattr(telemetry, name) is own
