"""Write what was caught of each module as text, and as the table in `docs/mutants.md`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.figures import this_machine
from tests.documents import table, write_between
from tests.mutants.changes import Change, name_at
from tests.mutants.results import Equivalent, equivalents
from tests.mutants.rooms import CHECKOUT

DOCUMENT = CHECKOUT / "docs" / "mutants.md"
GOAL = 0.9
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


def write(tried: Sequence[Tried], *, sample: int, seed: int, document: Path = DOCUMENT) -> None:
    """Replace the results between the markers in `document`, and nothing else."""
    caught, survived = sum(each.caught for each in tried), sum(len(each.unnamed) for each in tried)
    rows = [["module", "possible", "planted", "equivalent", "survived", "caught"]]
    for each in tried:
        share = _share(each.caught, each.planted - each.equivalent)
        numbers = (each.possible, each.planted, each.equivalent, len(each.unnamed))
        rows.append([f"`{each.module}`", *map(str, numbers), share])
    chosen = f"Up to {sample} mistakes of each module, chosen by seed {seed}" if sample else "Every mistake of each module"
    machine = this_machine()
    sentence = (
        f"{chosen}: {caught} of {caught + survived} caught, {_share(caught, caught + survived)}. "
        f"{machine.date}, {machine.system}, Python {machine.python}."
    )
    write_between(_BEGIN, _END, f"{sentence}\n\n{table(rows)}\n", document=document)


def place(module: str, change: Change) -> str:
    """Return where a mistake is."""
    return f"{module}:{change.line} {name_at(change.line, (CHECKOUT / module).read_text())}".rstrip()


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "nothing to catch"
