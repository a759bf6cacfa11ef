"""Why a run went as it did and where its time went, read separately, since spans are slower to find than rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from apps.console.web.page import Page
from apps.console.web.run import run_seen
from apps.console.web.sight import Sight
from apps.console.web.why import why_of
from apps.explain.decomposition import Decomposition
from apps.explain.parts import Part

_WIDTH = 1_000
"""Units of the picture: the whole duration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A part of the duration: its name, its time on the critical path and over all workers, and its place in the bar."""

    key: str
    words: str
    wall_ns: int
    over_workers_ns: int
    begins: float
    width: float
    percent: float


def shares_of(time: Decomposition) -> list[Share]:
    """Return the parts that took any time, in their order; their widths sum to the whole bar's."""
    total = (time.end_ns - time.start_ns) or 1
    shares, begins = [], 0.0
    for part in Part:
        wall = time.wall[part]
        width = _WIDTH * wall / total
        if wall or time.over_workers[part]:
            shares.append(
                Share(
                    key=part.key,
                    words=part.value,
                    wall_ns=wall,
                    over_workers_ns=time.over_workers[part],
                    begins=begins,
                    width=width,
                    percent=100 * wall / total,
                )
            )
        begins += width
    return shares


def _read(sight: Sight, _query: QueryDict, *, run_id: int) -> dict[str, Any]:
    run = run_seen(sight, run_id)
    why = why_of(run, sight)
    time = why.time
    return {
        "run": run,
        "why": why,
        "is_explained": sum(time.wall.values()) > time.wall[Part.UNEXPLAINED],
        "shares": shares_of(time),
        "total_ns": time.end_ns - time.start_ns,
        "over_workers_ns": sum(time.over_workers.values()),
    }


run_time = Page(template="console/run_time.html", part="console/parts/run_time.html", read=_read)
