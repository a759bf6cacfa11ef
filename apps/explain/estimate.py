"""Estimate when a run will have read everything, from its recent speed and GitHub's limits, and how surely."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from apps.explain import event_names
from apps.explain.facts import RepositoryFacts
from apps.explain.moments import clock_of, length_of
from apps.explain.story import Story, moment_of

_LATE_NS = 600 * 10**9
"""The time over which recent speed is measured."""
_SPANS = 3
"""Recent time is divided into this many pieces, whose spread of speeds is the uncertainty."""
_SLOWEST = 0.25
"""Below this share of the usual speed nothing is estimated: the run may as well be stalled."""
_HOUR = 3600.0
_SHORTEST_NS = 5 * 10**9  # a shorter time says nothing about what follows


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """How fast a run reads, and how long the rest will take, in seconds.

    `least` and `most` equal `left` if nothing shows how steady the speed is. `limited` is the part spent waiting for a
    limit that is expected to be used up and to reset at `resets_ns`.
    """

    per_minute: float
    left: float
    least: float
    most: float
    begins_ns: int
    limited: float = 0.0
    resets_ns: int | None = None
    is_recent: bool = False

    @property
    def ends_ns(self) -> int:
        """When it is expected to have read everything, in Unix nanoseconds."""
        return self.begins_ns + int(self.left * 1e9)

    @property
    def sentence(self) -> str:
        """Say how fast it is, how long the rest will take, and how certain that is."""
        speed = f"{self.per_minute:,.0f} a minute {'of late' if self.is_recent else 'so far'}"
        left = f"about {length_of(self.left)} left"
        sure = (
            f" ({length_of(self.least)} to {length_of(self.most)})"
            if self.most > self.least
            else ", if it goes on like that"
        )
        limit = ""
        if self.resets_ns is not None:
            limit = f", {length_of(self.limited)} of it for the limit, which resets at {clock_of(self.resets_ns)}"
        return f"{speed}; {left}{sure}{limit}."


def estimate_of(story: Story) -> Estimate | None:
    """Return when an unfinished run will have read everything; None if it has ended, or if that cannot be told."""
    facts = story.facts
    unfinished = [one for one in facts.repositories if not one.has_ended]
    done = sum(one.prs_done or 0 for one in facts.repositories)
    if not facts.is_running or not unfinished or not done or any(one.prs_total is None for one in unfinished):
        return None
    left = sum(max(0, (one.prs_total or 0) - (one.prs_done or 0)) for one in unfinished)
    read = list(_read(story))
    speeds = _speeds(read, facts.started_ns, facts.now_ns)
    if not speeds and (facts.is_resumed or not facts.seconds):  # another run's reading tells nothing
        return None
    usual = speeds[0] if speeds else done / facts.seconds
    likely = left / usual
    least, most = (left / max(speed, _SLOWEST * usual) for speed in (max(speeds or [usual]), min(speeds or [usual])))
    limited, resets_ns = _limited(story, unfinished, likely)
    wait = max((one.due_ns or 0 for one in unfinished if one.wait_reason), default=0)
    return Estimate(
        per_minute=usual * 60,
        left=likely + limited,
        least=least + limited,
        most=most + limited,
        begins_ns=max(facts.now_ns, wait),
        limited=limited,
        resets_ns=resets_ns,
        is_recent=bool(speeds),
    )


def _read(story: Story) -> Iterator[tuple[int, int]]:
    """Yield when, and how many, pull requests were read, according to the lines."""
    of_repository: dict[object, list[tuple[int, int]]] = {}
    for line in story.lines_of(event_names.REPO_PROGRESS):
        at, done = moment_of(line), line.get("prs_done")
        if at is not None and isinstance(done, int):
            of_repository.setdefault(line.get("repo_id"), []).append((at, done))
    for told in of_repository.values():
        yield from ((at, done - before) for (_, before), (at, done) in pairwise(sorted(told)) if done > before)


def _speeds(read: Sequence[tuple[int, int]], started_ns: int, now_ns: int) -> list[float]:
    """Return the recent speed per second and those of its pieces; nothing if too little is known."""
    begins = max(started_ns, now_ns - _LATE_NS)
    length = now_ns - begins
    late = [(at, count) for at, count in read if at > begins]
    if not late or length < _SHORTEST_NS:
        return []
    pieces = [0] * _SPANS
    for at, count in late:
        pieces[min(_SPANS - 1, (at - begins) * _SPANS // length)] += count
    seconds = length / 1e9
    return [sum(pieces) / seconds, *(count * _SPANS / seconds for count in pieces)]


def _limited(story: Story, unfinished: Sequence[RepositoryFacts], seconds: float) -> tuple[float, int | None]:
    """Return how long the run will probably wait for a limit used up before it ends, and when that resets."""
    waits = [(0.0, None)] + [
        found
        for account in {one.account for one in unfinished}
        if (found := _limited_by(story, [one for one in unfinished if one.account == account], account, seconds))
    ]
    return max(waits, key=lambda wait: wait[0])


def _limited_by(
    story: Story, unfinished: Sequence[RepositoryFacts], account: str, seconds: float
) -> tuple[float, int | None] | None:
    limit = story.surroundings.limits.get(account)
    rows = [one for one in story.facts.repositories if one.account == account and one.prs_done]
    read = sum(one.prs_done or 0 for one in rows)
    left = sum(max(0, (one.prs_total or 0) - (one.prs_done or 0)) for one in unfinished)
    needed = left * sum(one.points or 0 for one in rows) / read if read else 0.0
    if limit is None or needed <= limit.remaining or limit.resets_ns <= story.facts.now_ns:
        return None
    until_reset = (limit.resets_ns - story.facts.now_ns) / 1e9
    used_up = seconds * limit.remaining / needed
    further = int((needed - limit.remaining) / limit.limit) * _HOUR
    return max(0.0, until_reset - used_up) + further, limit.resets_ns
