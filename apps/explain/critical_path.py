"""Find the path through a run that decided how long it took, walking backwards from its end.

Traces do not record what depended on what, so these rules do: an attempt depends on the previous one and what that
asked for; a repository that queued behind another in its run depends on that one; a phase's step depends on what ended
last before it, and so does a run that follows another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from apps import machine_catalog
from apps.explain.activities import Activity, Chain
from apps.explain.gaps import Gap, Stretch
from apps.explain.inside import stretches_inside
from apps.explain.parts import Part, key_of

_BEHIND = key_of(machine_catalog.QueueWait, "behind")
_BEHIND_RUN = key_of(machine_catalog.QueueWait, "behind_run")
Place = tuple[Chain, int]
"""A chain, and how many of its activities lie before this place."""


class Paths:
    """Walks the chains of a run, or of several consecutive ones, between two moments.

    `run_starts` says when each run began.
    """

    def __init__(
        self,
        chains: Mapping[Chain, Sequence[Activity]],
        *,
        start_ns: int,
        end_ns: int,
        is_running: bool,
        run_starts: Mapping[object, int],
    ) -> None:
        self._chains = chains
        self._start_ns, self._end_ns = start_ns, end_ns
        self._is_running = is_running
        self._run_starts = run_starts
        self._longest = {chain: _longest_so_far(activities) for chain, activities in chains.items()}
        self._attempts = {chain: _latest_attempts(activities) for chain, activities in chains.items()}
        self._found_inside: dict[tuple[int, int, int], list[Stretch]] = {}
        self._chain_of = {(chain[0], one.full_name): chain for chain, many in chains.items() for one in many}

    def critical(self) -> list[Stretch]:
        """Return the path that decided when the run ended, in order and without gaps: it lasts as long as the run."""
        return list(self._walked(self._last(self._end_ns, unfinished=self._is_running), self._end_ns))[::-1]

    def of_each_chain(self) -> Iterator[Stretch]:
        """Yield what each chain's time went into, chain by chain, whether or not they overlapped."""
        for chain, activities in self._chains.items():
            last = self._attempts[chain][len(activities)]
            is_open = self._is_running and chain[1] is not None and (last is None or not last.has_ended)
            end = self._end_ns if is_open else min(self._end_ns, max(activity.end_ns for activity in activities))
            yield from self._walked((chain, len(activities)), end, alone=True)

    def _walked(self, place: Place | None, at: int, *, alone: bool = False) -> Iterator[Stretch]:
        """Yield the path backwards from `place` and `at`, latest first; `alone` stays in one chain."""
        following: Activity | None = None
        while at > self._start_ns:
            if place is None:
                yield from self._gap(self._start_ns, at, before=following)
                return
            chain, index = place
            if index == 0:
                floor = at if chain[1] is None else max(self._start_ns, self._run_starts.get(chain[0], self._start_ns))
                yield from self._gap(min(floor, at), at, before=following)
                if alone:
                    return
                at, place = min(floor, at), self._last(min(floor, at), other_than=chain)
                following = following if chain[1] is None else None
                continue
            index = self._before(chain, index, at)
            activity = self._chains[chain][index]
            ended = max(self._start_ns, min(activity.end_ns, at))
            after = self._attempts[chain][index + 1]
            yield from self._gap(ended, at, before=following, after=after, wait=activity if activity.is_wait else None)
            at, place, following = ended, (chain, index), activity
            behind = None if alone else self._behind(activity, at)
            if behind is None:
                began = max(self._start_ns, min(activity.start_ns, at))
                yield from reversed(self._inside(activity, began, at))
                at = began
            else:
                place, freed = behind, min(self._activity_before(behind).end_ns, at)
                if freed < at:
                    yield Stretch(freed, at, Part.QUEUE, "its place was handed over")
                at, following = freed, None

    def _gap(
        self, start: int, end: int, *, before: Activity | None, after: Activity | None = None, wait: Activity | None = None
    ) -> Iterator[Stretch]:
        is_running = self._is_running and end == self._end_ns
        gap = Gap(start_ns=start, end_ns=end, before=before, wait=wait, after=after, is_running=is_running)
        yield from reversed(list(gap.explained()))

    def _inside(self, activity: Activity, start: int, end: int) -> list[Stretch]:
        """Return an activity's time between two moments, computed once for both the run's path and its own chain's."""
        key = (id(activity), start, end)
        if key not in self._found_inside:
            self._found_inside[key] = list(stretches_inside(activity, start, end))
        return self._found_inside[key]

    def _before(self, chain: Chain, index: int, at: int) -> int:
        """Return the place of the activity that last ended by `at`, or last began of those that go on longer."""
        latest = index - 1
        return latest if self._chains[chain][latest].end_ns >= at else self._longest[chain][latest]

    def _activity_before(self, place: Place) -> Activity:
        return self._chains[place[0]][place[1] - 1]

    def _last(self, at: int, *, unfinished: bool = False, other_than: Chain | None = None) -> Place | None:
        """Return the place after what ended last by `at`; with `unfinished`, of what still goes on, if anything."""
        found: tuple[bool, int, int] | None = None
        place: Place | None = None
        for chain, activities in self._chains.items():
            if chain == other_than:
                continue
            goes_on = unfinished and not _has_ended(self._attempts[chain][len(activities)])
            for index, activity in enumerate(activities):
                rank = (goes_on, min(activity.end_ns, at), activity.start_ns)
                if activity.start_ns < at and (found is None or rank > found):
                    found, place = rank, (chain, index + 1)
        return place

    def _behind(self, wait: Activity, at: int) -> Place | None:
        """Return the place after the attempt in one of these runs whose end a queued repository waited for."""
        if not wait.is_wait or wait.top is None or (named := wait.top.attributes.get(_BEHIND)) is None:
            return None
        run_id = wait.top.attributes.get(_BEHIND_RUN, wait.top.attributes.get("run_id"))
        chain = self._chain_of.get((run_id, str(named)))
        if chain is None:
            return None
        for index in range(len(self._chains[chain]) - 1, -1, -1):
            activity = self._chains[chain][index]
            if not activity.is_wait and activity.start_ns < at and activity.end_ns > wait.start_ns:
                return chain, index + 1
        return None


def _has_ended(activity: Activity | None) -> bool:
    return activity is not None and activity.has_ended


def _longest_so_far(activities: Sequence[Activity]) -> list[int]:
    """Return for each place the place, up to it, of the activity that ended last."""
    longest: list[int] = []
    for index, activity in enumerate(activities):
        is_longer = not longest or activity.end_ns >= activities[longest[-1]].end_ns
        longest.append(index if is_longer else longest[-1])
    return longest


def _latest_attempts(activities: Sequence[Activity]) -> list[Activity | None]:
    """Return for each number of activities the last of them that is not a wait."""
    latest: list[Activity | None] = [None]
    for activity in activities:
        latest.append(latest[-1] if activity.is_wait else activity)
    return latest
