"""Write what was caught of each module as text, and as the table in `docs/mutants.md`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.figures import this_machine
from tests.documents import table, write_between
from tests.mutants.changes import Change, name_at
from tests.mutants.results import Equivalent, equivalents, what_runs
from tests.mutants.rooms import CHECKOUT, core_modules

DOCUMENT = CHECKOUT / "docs" / "mutants.md"
GOAL = 0.9
_ROW = re.compile(r"^\| `(.+?)` \| `([0-9a-f]+)` \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|", re.MULTILINE)
_BEGIN, _END = "<!-- results: written by `make mutants MUTANTS_ARGS=--docs` -->\n", "<!-- end of results -->\n"


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A module, the mistakes that were planted of those that could be, and which of them no test noticed."""

    module: str
    possible: int
    planted: int
    survivors: Sequence[Change]
    named: Sequence[Equivalent] = field(default_factory=equivalents)

    @property
    def unnamed(self) -> list[Change]:
        """The survivors that are not named equivalent."""
        return [change for change in self.survivors if not any(each.is_of(self.module, change) for each in self.named)]

    @property
    def equivalent(self) -> int:
        """How many survivors are named equivalent."""
        return len(self.survivors) - len(self.unnamed)

    @property
    def caught(self) -> int:
        """How many mistakes a test noticed."""
        return self.planted - len(self.survivors)


def as_line(tried: Tried) -> str:
    """Return what became of a module's mistakes."""
    of = tried.planted - tried.equivalent
    named = f", {tried.equivalent} more are named equivalent" if tried.equivalent else ""
    return f"{tried.module}: {tried.caught} of {of} caught ({_share(tried.caught, of)}){named}"


def as_text(tried: Sequence[Tried]) -> str:
    """Return the sum over modules, and each survivor."""
    caught = sum(each.caught for each in tried)
    of = caught + sum(len(each.unnamed) for each in tried)
    lines = [
        f"{caught} of {of} caught ({_share(caught, of)}; the goal is over {GOAL:.0%})",
        f"{sum(each.equivalent for each in tried)} more are named equivalent",
        *(f"  survived  {place(each.module, change)}: {change}" for each in tried for change in each.unnamed),
    ]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, kw_only=True)
class Row:
    """What the page says of a module, and of which text of that module it says it."""

    module: str
    code: str
    possible: int
    planted: int
    equivalent: int
    survived: int

    @classmethod
    def of(cls, tried: Tried) -> Row:
        """Return the row of a module that was tried as it is now."""
        return cls(
            module=tried.module,
            code=what_runs(tried.module)[:8],
            possible=tried.possible,
            planted=tried.planted,
            equivalent=tried.equivalent,
            survived=len(tried.unnamed),
        )

    @property
    def of_all(self) -> int:
        """How many mistakes could have been noticed."""
        return self.planted - self.equivalent

    @property
    def is_as_it_is(self) -> bool:
        """Whether the module's code is still the one that mistakes were planted in."""
        return what_runs(self.module).startswith(self.code)

    def cells(self) -> list[str]:
        """Return its cells."""
        share = _share(self.of_all - self.survived, self.of_all)
        numbers = (self.possible, self.planted, self.equivalent, self.survived)
        return [f"`{self.module}`", f"`{self.code}`", *map(str, numbers), share]


def rows_of(document: Path = DOCUMENT, *, chosen: str) -> dict[str, Row]:
    """Return the rows of core modules that a page has, if its mistakes were chosen in the same way."""
    text = document.read_text(encoding="utf-8")
    rows = [
        Row(
            module=module,
            code=of,
            possible=int(possible),
            planted=int(planted),
            equivalent=int(same),
            survived=int(survived),
        )
        for module, of, possible, planted, same, survived in _ROW.findall(text if chosen in text else "")
    ]
    return {row.module: row for row in rows if row.module in core_modules()}


def write(tried: Sequence[Tried], *, sample: int, seed: int, document: Path = DOCUMENT) -> None:
    """Put what was tried in its rows between the markers in `document`; the rows of other modules stay."""
    how = how_chosen(sample, seed)
    found = rows_of(document, chosen=how) | {each.module: Row.of(each) for each in tried}
    rows = [found[module] for module in core_modules() if module in found]
    survived, of = sum(row.survived for row in rows), sum(row.of_all for row in rows)
    machine = this_machine()
    caught = (
        f"{of - survived} of {of} caught, {_share(of - survived, of)}, in {len(rows)} of {len(core_modules())} core modules"
    )
    sentences = [f"{how}: {caught}. {machine.date}, {machine.system}, Python {machine.python}."]
    if changed := [f"`{row.module}`" for row in rows if not row.is_as_it_is]:
        sentences.append(f"Changed since mistakes were planted in them: {', '.join(changed)}.")
    head = ["module", "its code", "possible", "planted", "equivalent", "survived", "caught"]
    text = "\n\n".join([*sentences, table([head, *(row.cells() for row in rows)])])
    write_between(_BEGIN, _END, f"{text}\n", document=document)


def how_chosen(sample: int, seed: int) -> str:
    """Say which mistakes of each module are planted."""
    return f"Up to {sample} mistakes of each module, chosen by seed {seed}" if sample else "Every mistake of each module"


def place(module: str, change: Change) -> str:
    """Return where a mistake is."""
    return f"{module}:{change.line} {name_at(change.line, (CHECKOUT / module).read_text())}".rstrip()


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "nothing to catch"
