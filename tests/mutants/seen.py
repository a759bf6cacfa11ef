"""Which tests come by which lines: what is seen of a test file is kept until it, or what it tests, has changed."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.mutants.changes import Change
from tests.mutants.rooms import files_with_tests


@dataclass(frozen=True, slots=True)
class Seen:
    """Which tests come by which lines of a module, and how long each takes."""

    tests: dict[int, list[str]]
    seconds: dict[str, float]

    def chosen_for(
        self, change: Change, *, room: Sequence[str], slowest: float = 5.0
    ) -> tuple[Sequence[str], Sequence[str]]:
        """Return the tests that come by a change, the quickest first, and the others of the room, in their own order.

        Those others count, too: what runs once, as a module is imported or in what is made for all, only the first test is
        seen at. Those that took longer than `slowest` seconds are left out where there are quicker ones. Where no test is
        known, the others are the whole room.
        """
        lines = range(change.line, change.line + change.before.count("\n") + 1)
        found = {test for line in lines for test in self.tests.get(line, ())}
        coming_by = sorted(found, key=lambda test: (self.seconds.get(test, 0.0), test))
        others = [test for test in self.seconds if "::" in test and test not in found]  # a file is named beside its tests
        quick = {test for test in (*coming_by, *others) if self.seconds.get(test, 0.0) <= slowest}
        quick_ones, quick_others = ([test for test in tests if test in quick] for tests in (coming_by, others))
        return quick_ones or coming_by, quick_others or ([] if coming_by else others or room)


@dataclass(frozen=True, slots=True)
class SeenFiles:
    """What is seen of a checkout's test files, kept in a folder. `look` runs some of them, and writes what it saw."""

    folder: Path
    checkout: Path
    look: Callable[[Sequence[str], Path], None]

    def of(self, module: str) -> Seen:
        """Return the tests of the module's room that come by it, but for those that fail as they are: they say nothing."""
        files = files_with_tests(module, checkout=self.checkout)
        unknown = [name for name in files if self._known(name) is None]
        if unknown:
            self._look_at(unknown)
        tests: defaultdict[int, list[str]] = defaultdict(list)
        seconds: dict[str, float] = {}
        for found in filter(None, map(self._known, files)):
            seconds |= {test: each for test, each in found["seconds"].items() if test not in found["failed"]}
            for test, lines in found["lines"].items():
                for line in lines.get(module, ()) if test not in found["failed"] else ():
                    tests[line].append(test)
        return Seen(dict(tests), seconds)

    def _known(self, name: str) -> Any:
        """Return what is kept of a test file, or None if that, or what it comes by, has changed."""
        if not self._place(name).exists():
            return None
        found = json.loads(self._place(name).read_text())
        return found if all(self._digest(module) == digest for module, digest in found["modules"].items()) else None

    def _look_at(self, files: Sequence[str]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        where = self.folder / "now.json"
        self.look(files, where)
        found = json.loads(where.read_text())
        for name in files:
            of_file: dict[str, Any] = {
                part: {test: each for test, each in found[part].items() if test.partition("::")[0] == name}
                for part in ("lines", "seconds")
            }
            modules = {module for lines in of_file["lines"].values() for module in lines}
            of_file["failed"] = [test for test in found["failed"] if test.partition("::")[0] == name]
            of_file["modules"] = {module: self._digest(module) for module in sorted(modules)}
            self._place(name).write_text(json.dumps(of_file))

    def _place(self, name: str) -> Path:
        shared = [folder / "conftest.py" for folder in Path(name).parents]
        return self.folder / f"{self._digest(name, *map(str, shared))}.json"

    def _digest(self, *names: str) -> str:
        found = hashlib.sha256()
        for path in (self.checkout / name for name in names):
            found.update(str(path.relative_to(self.checkout)).encode())
            found.update(path.read_bytes() if path.exists() else b"")
        return found.hexdigest()[:16]
