"""Play the plan, round by round: syncs begin, faults strike them, they end, and the oracles look at what they have left."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from itertools import islice

from tests.chaos.faults import KINDS, Fault, strike
from tests.chaos.oracles import ORACLES
from tests.chaos.places import PLACES
from tests.chaos.rows import Rows
from tests.chaos.stack import Stack
from tests.chaos.syncs import TEAMS_PER_ACCOUNT, NeverHappened, Syncs
from tests.chaos.tally import Round, Strike, Tally

TEAMS = 6
_MOST_FAULTS = 9  # a repository may fail six times in a row, a phase's step twice: more at once could end a run, as designed
_MOST_GAP_SECONDS = 0.6
_END_SECONDS = 60.0
_ARRIVE_SECONDS = 1.5  # for spans that have ended to be in the file
_SETTLE_SECONDS = 12.0
_TOLD = 5  # contradictions of a round
_HAND = 6  # faults that wait for somebody to come to their places

Tell = Callable[[str], None]


def undisturbed(stack: Stack) -> Rows:
    """Sync without any fault, and return the rows of a team; raise `NeverHappened` if even that goes wrong."""
    syncs = Syncs.begin(stack, "undisturbed", teams=TEAMS_PER_ACCOUNT)
    syncs.wait_for(syncs.have_ended, "the undisturbed syncs have ended", seconds=_END_SECONDS)
    rows = syncs.rows()[syncs.slugs[0]]
    problems = _problems(syncs, rows)
    wrong = [text for texts in problems.values() for text in texts]
    unseen = [place for place in PLACES if not stack.watch.usual_seconds(place)]
    if wrong or unseen:
        raise NeverHappened(f"the undisturbed syncs went right: {'; '.join([*wrong, *unseen])}")
    return rows


def play(stack: Stack, plan: Iterator[Fault], *, kills: int, minutes: float, seed: int, expected: Rows, tell: Tell) -> Tally:
    """Strike until so many processes are killed, or a round ends after so many minutes, and return what happened."""
    until = time.monotonic() + 60 * minutes
    chance = random.Random(seed)  # noqa: S311  # moments, no secret
    tally, hand = Tally(), list[Fault]()
    while tally.kills < kills and time.monotonic() < until:
        began = time.monotonic()
        syncs = Syncs.begin(stack, f"round-{len(tally.rounds) + 1}", teams=TEAMS)
        strikes = _strike(stack, syncs, plan, hand, kills=kills - tally.kills, chance=chance)
        problems = _end(syncs, expected)
        done = Round(syncs=TEAMS, strikes=strikes, problems=problems, seconds=time.monotonic() - began)
        tally.rounds.append(done)
        tell("\n".join([_line(tally, done), *(f"     {text}" for text in done.said()[:_TOLD])]))
    tally.ended.update(stack.ended)
    return tally


def look_again(stack: Stack, tally: Tally, *, expected: Rows) -> Round:
    """Return what the oracles find when the worker and beat have ended: what was true after a round must have stayed so."""
    began = time.monotonic()
    slugs = [f"round-{number}-{team}" for number in range(1, len(tally.rounds) + 1) for team in range(TEAMS)]
    syncs = Syncs(stack, slugs)
    problems = _problems(syncs, expected, at_rest=True)
    return Round(syncs=len(slugs), strikes=(), problems=problems, seconds=time.monotonic() - began)


def _strike(
    stack: Stack, syncs: Syncs, plan: Iterator[Fault], hand: list[Fault], *, kills: int, chance: random.Random
) -> list[Strike]:
    """Strike the syncs with what is in the `hand`, filled up from the plan, until they have ended or have had enough."""
    strikes: list[Strike] = []
    while len(strikes) < _MOST_FAULTS and sum(KINDS[each.kind].is_kill for each in strikes) < kills:
        hand += islice(plan, _HAND - len(hand))
        time.sleep(chance.uniform(0.0, _MOST_GAP_SECONDS))
        stack.tend()
        if syncs.have_ended():
            break
        struck = strike(stack, hand, chance=chance)
        if struck is not None:
            fault, place = struck
            hand.remove(fault)
            strikes.append(Strike(fault.kind, place))
    return strikes


def _end(syncs: Syncs, expected: Rows) -> dict[str, list[str]]:
    """Wait for the end of the syncs and of what is still to be written, and return what is not true then."""
    late = []
    try:
        syncs.wait_for(syncs.have_ended, "every run has ended and is exported", seconds=_END_SECONDS)
    except NeverHappened as error:
        late = [str(error)]
    problems = _problems(syncs, expected)
    if late:
        problems.setdefault("end", []).extend(late)
    return problems


def _problems(syncs: Syncs, expected: Rows, *, at_rest: bool = False) -> dict[str, list[str]]:
    """Return what the oracles find: nothing that should be true, or what is still not true after a while."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    time.sleep(_ARRIVE_SECONDS)
    while True:
        evidence = syncs.evidence(expected, at_rest=at_rest)
        problems = {each.name: found for each in ORACLES if (found := list(each.problems(evidence)))}
        if not problems or time.monotonic() > deadline:
            return problems
        syncs.stack.watch.listen()
        time.sleep(0.5)


def _line(tally: Tally, done: Round) -> str:
    struck = ", ".join(f"{each.kind} at {each.place}" for each in done.strikes)
    found = ", ".join(f"{name} {len(texts)}" for name, texts in done.problems.items())
    return f"{len(tally.rounds):3}  {done.seconds:5.1f} s  {tally.kills:3} kills  {found or 'all true'}  [{struck}]"
