"""Decompose a run's time: along its critical path, where the parts sum to its duration, and over all workers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.explain.activities import ROOT, chains_of
from apps.explain.critical_path import Paths
from apps.explain.gaps import Stretch
from apps.explain.missing import confirmed
from apps.explain.parts import Part
from telemetry.reading import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Decomposition:
    """Where a run's time went; both mappings have every part, in order, in nanoseconds.

    `wall` follows the critical path and sums to the duration, exactly. `over_workers` sums what each repository's time
    went into, whether or not they overlapped.
    """

    start_ns: int
    end_ns: int
    path: tuple[Stretch, ...]
    wall: Mapping[Part, int]
    over_workers: Mapping[Part, int]

    @property
    def wall_sec(self) -> float:
        """How long the run took, or has taken so far."""
        return (self.end_ns - self.start_ns) / 1e9

    def as_json(self) -> dict[str, Any]:
        """Return it for programs: seconds by part."""
        return {
            "wall_sec": self.wall_sec,
            "parts": {part.key: value / 1e9 for part, value in self.wall.items()},
            "sum_over_workers": {part.key: value / 1e9 for part, value in self.over_workers.items()},
        }

    def on_path(self, spans: Iterable[Span]) -> frozenset[str]:
        """Return the ids of the spans on the critical path and of the spans that enclose them."""
        parents = {span.span_id: span.parent_id for span in spans}
        found: set[str] = set()
        for stretch in self.path:
            at = stretch.span_id
            while at is not None and at not in found:
                found.add(at)
                at = parents.get(at)
        return frozenset(found)

    @property
    def unexplained(self) -> tuple[Stretch, ...]:
        """The stretches of time that nothing explains."""
        return tuple(stretch for stretch in self.path if stretch.part is Part.UNEXPLAINED)


def decompose(
    spans: Iterable[Span], *, start_ns: int, end_ns: int, is_running: bool = False, reserved: Collection[str] = ()
) -> Decomposition:
    """Decompose the time between two moments, in Unix nanoseconds, of the runs in `spans`.

    `is_running` says that `end_ns` is now and not an end. `reserved` are the span ids of roots not yet emitted.
    """
    spans = list(spans)
    end_ns = max(start_ns, end_ns)
    chains = {chain: confirmed(activities) for chain, activities in chains_of(spans, reserved=reserved).items()}
    paths = Paths(
        {chain: activities for chain, activities in chains.items() if activities},
        start_ns=start_ns,
        end_ns=end_ns,
        is_running=is_running,
        run_starts={span.attributes.get("run_id"): span.start_ns for span in spans if span.name == ROOT},
    )
    path = tuple(paths.critical())
    return Decomposition(
        start_ns=start_ns, end_ns=end_ns, path=path, wall=_summed(path), over_workers=_summed(list(paths.of_each_chain()))
    )


def _summed(stretches: Sequence[Stretch]) -> Mapping[Part, int]:
    sums = dict.fromkeys(Part, 0)
    for stretch in stretches:
        sums[stretch.part] += stretch.end_ns - stretch.start_ns
    return sums
