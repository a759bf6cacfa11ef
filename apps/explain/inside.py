"""What was done inside an activity, moment by moment: the innermost span that was open says it."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from itertools import pairwise

from apps.explain.activities import Activity
from apps.explain.gaps import Stretch
from apps.explain.parts import Part, part_of
from telemetry.reading import Span


def stretches_inside(activity: Activity, start_ns: int, end_ns: int) -> Iterator[Stretch]:
    """Yield the time of an activity between two moments, in order, without a hole.

    One process does one thing at a time: where spans overlap it is at the one that began last. What no span stands for is
    our own work; what is open, and has nothing in it that ended later, is open now.
    """
    parts = _parts(activity)
    spans = [(max(span.start_ns, start_ns), min(span.end_ns, end_ns), span) for span in activity.spans]
    spans = sorted((one for one in spans if one[0] < one[1]), key=lambda one: (one[0], -one[1]))  # what is inside is later
    starts, ends = [one[0] for one in spans], [one[1] for one in spans]
    moments = sorted({start_ns, end_ns, *starts, *ends})
    latest_start = starts[-1] if starts else start_ns
    starts.append(end_ns)  # the last moment, at which nothing begins
    begun: list[int] = []  # places of those that have begun, negative: the latest is first
    following = 0
    for at, until in pairwise(moments):
        while starts[following] == at and following < len(spans):
            heapq.heappush(begun, -following)
            following += 1
        while begun and ends[-begun[0]] <= at:
            heapq.heappop(begun)
        if not begun:
            yield Stretch(at, until, Part.OUR_OWN_WORK, "its own span never came")
            continue
        span = spans[-begun[0]][2]
        part = Part.OPEN_NOW if span.is_open and latest_start <= at else parts[span.span_id]
        yield Stretch(at, until, part, span.name, span.span_id)


def _parts(activity: Activity) -> Mapping[str, Part]:
    """Return what each span stands for: where it does not say itself, what it is inside of."""
    known: dict[str, Part] = {}
    unclear: list[Span] = []
    for span in activity.spans:  # as they began: what a span is inside of comes before it, nearly always
        found = part_of(span) or known.get(span.parent_id or "")
        if found is None:
            unclear.append(span)
        else:
            known[span.span_id] = found
    spans = {span.span_id: span for span in activity.spans} if unclear else {}
    for span in unclear:
        path = [span.span_id]
        at = spans.get(span.parent_id or "")
        while at is not None and at.span_id not in known and at.span_id not in path:
            path.append(at.span_id)
            at = spans.get(at.parent_id or "")
        known |= dict.fromkeys(path, Part.OUR_OWN_WORK if at is None else known.get(at.span_id, Part.OUR_OWN_WORK))
    return known
