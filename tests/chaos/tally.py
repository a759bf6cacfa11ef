"""What happened in a run of the test: each fault with its place and what came of it, and what the oracles found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.chaos.faults import KINDS
from tests.chaos.oracles import ORACLES, Oracle


@dataclass(frozen=True, slots=True)
class Strike:
    """A fault that struck, and the place where it did."""

    kind: str
    place: str


@dataclass(frozen=True, kw_only=True)
class Round:
    """Syncs that ran side by side, the faults that struck meanwhile, and by oracle what is not true afterwards."""

    syncs: int
    strikes: Sequence[Strike]
    problems: dict[str, list[str]]
    seconds: float

    def said(self) -> list[str]:
        """Return the problems that the oracles found, each with what it contradicts."""
        return [f"not true that {each.states}: {text}" for each in ORACLES for text in self.problems.get(each.name, ())]


@dataclass
class Tally:
    """All rounds so far."""

    rounds: list[Round] = field(default_factory=list)
    ended: Counter[str] = field(default_factory=Counter)
    """How often which program ended by itself."""

    @property
    def strikes(self) -> list[Strike]:
        """Every fault that struck."""
        return [strike for each in self.rounds for strike in each.strikes]

    @property
    def kills(self) -> int:
        """How many of them were kills."""
        return sum(KINDS[strike.kind].is_kill for strike in self.strikes)

    def counts(self) -> Counter[tuple[str, str]]:
        """Return how often each kind struck at each place."""
        return Counter((strike.kind, strike.place) for strike in self.strikes)

    def healed(self) -> Counter[tuple[str, str]]:
        """Return how often each kind struck at each place in rounds after which all was true."""
        return Counter((strike.kind, strike.place) for each in self.rounds if not each.problems for strike in each.strikes)

    def problems(self, oracle: Oracle) -> int:
        """Return how many problems an oracle found in all rounds."""
        return sum(len(each.problems.get(oracle.name, ())) for each in self.rounds)

    def wrong(self) -> list[str]:
        """Return what is not true and should be."""
        return [f"round {number}: {text}" for number, each in enumerate(self.rounds, 1) for text in each.said()]
