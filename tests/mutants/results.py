"""What became of each mistake, kept in a file, so that a run can be stopped at any time and goes on later."""

from __future__ import annotations

import hashlib
import json
import threading
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.mutants.changes import Change, name_at
from tests.mutants.rooms import CHECKOUT, files_with_tests
from tests.mutants.wording import without_words

EQUIVALENTS = Path(__file__).with_name("equivalents.toml")


@dataclass(frozen=True, slots=True)
class Equivalent:
    """A mistake that changes nothing which anybody could notice."""

    module: str
    name: str
    """Of the function, method or variable in which it stands."""
    change: str
    reason: str

    def is_of(self, module: str, change: Change) -> bool:
        """Return whether this is that mistake in that module."""
        text = (CHECKOUT / module).read_text()
        return (self.module, self.change) == (module, str(change)) and self.name == name_at(change.line, text)


def equivalents() -> list[Equivalent]:
    """Return those that are named in `equivalents.toml`."""
    return [Equivalent(**each) for each in tomllib.loads(EQUIVALENTS.read_text()).get("equivalent", [])]


class Results:
    """Which mistakes were caught. One that was stays caught; a survivor is tried again when the tests have changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._caught: dict[tuple[str, str], bool] = {}
        if path.exists():
            for line in path.read_text().splitlines():
                one = json.loads(line)
                self._caught[one["of"], one["change"]] = one["caught"]

    def known(self, module: str, change: Change) -> bool | None:
        """Return whether the mistake was caught, or None if nobody knows."""
        named = _named(change)
        if self._caught.get((code(module), named)):
            return True
        return self._caught.get((code(module) + _tests(module), named))

    def keep(self, module: str, change: Change, *, caught: bool) -> None:
        """Keep what became of a mistake."""
        of = code(module) if caught else code(module) + _tests(module)
        with self._lock:
            self._caught[of, _named(change)] = caught
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a") as file:
                file.write(json.dumps({"of": of, "change": _named(change), "caught": caught, "module": module}) + "\n")


def _named(change: Change) -> str:
    return f"{change.start}-{change.end} {change.after}"


@cache
def code(module: str) -> str:
    """Return what tells the text of a module from any other."""
    return hashlib.sha256((module + (CHECKOUT / module).read_text()).encode()).hexdigest()[:16]


@cache
def what_runs(module: str) -> str:
    """Return what tells the code of a module from any other, whatever its docstrings and comments say."""
    return hashlib.sha256((module + without_words((CHECKOUT / module).read_text())).encode()).hexdigest()[:16]


@cache  # as they were when the copies were made
def _tests(module: str) -> str:
    found = hashlib.sha256()
    for name in files_with_tests(module):
        found.update((CHECKOUT / name).read_bytes())
    return found.hexdigest()[:16]
