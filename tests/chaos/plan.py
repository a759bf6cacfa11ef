"""The seeded plan: which faults strike, in which order, and what each waits for. At which moment is up to the machine."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

from tests.chaos.faults import Fault
from tests.chaos.places import PLACES, Place

_WORK: Final[tuple[Place, ...]] = ("request", "write", "analysis", "dispatch", "flush")
_EVERY_PLACE: Final[tuple[Place, ...]] = (*PLACES, *_WORK, "fork")  # of a child: what matters most, twice
_KILLS: Final = ("worker", "worker", "parent", "beat", "valkey", "backend")
_LASTING: Final = (
    *("freeze child", "freeze child", "freeze worker", "freeze database", "freeze valkey"),
    *("github down", "github silent", "github cut", "collector down", "collector silent"),
    *("database crash", "database restart"),
)
_LASTING_PER_DECK = 6
_SHORTEST, _LONGEST = 0.5, 4.0  # seconds: an attempt is taken for dead after 3, a phase's step fails its run after 6.4


def faults(seed: int) -> Iterator[Fault]:
    """Yield faults without end: a deck of every kind is dealt, shuffled, again and again."""
    chance = random.Random(seed)  # noqa: S311  # a plan, no secret
    lasting: list[str] = []
    while True:
        deck = [Fault("child", place) for place in _EVERY_PLACE]
        deck += [Fault(kind, chance.choice(_WORK)) for kind in _KILLS]
        while len(lasting) < _LASTING_PER_DECK:  # so that each has its turn before any comes again
            lasting += chance.sample(_LASTING, len(_LASTING))
        deck += [
            Fault(kind, chance.choice(_WORK), chance.uniform(_SHORTEST, _LONGEST)) for kind in lasting[:_LASTING_PER_DECK]
        ]
        del lasting[:_LASTING_PER_DECK]
        chance.shuffle(deck)
        yield from deck
