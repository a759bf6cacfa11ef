"""Tell what was done inside an activity, moment by moment, by the innermost open span."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from apps.explain.activities import Activity
from apps.explain.gaps import Stretch
from apps.explain.parts import Part, part_of
from telemetry.reading import Span


def stretches_inside(activity: Activity, start_ns: int, end_ns: int) -> Iterator[Stretch]:
    """Yield an activity's time between two moments, in order and without gaps.

    One process does one thing at a time: where spans overlap, it is at the one that began last. Time without a span is
    our own work. An open span with nothing in it that ended later is open now.
    """
    parts = _parts(activity)
    spans = [one for one in activity.spans if one.start_ns < one.end_ns and one.start_ns < end_ns and one.end_ns > start_ns]
    latest_start = spans[-1].start_ns if spans else start_ns
    begun: list[Span] = []  # the latest is last; ended ones are popped when reached
    at = start_ns
    for following in (*spans, None):
        begins = end_ns if following is None else following.start_ns
        while at < begins:
            while begun and begun[-1].end_ns <= at:
                begun.pop()
            if not begun:
                yield Stretch(at, begins, Part.OUR_OWN_WORK, "its own span never came")
                break
            span = begun[-1]
            until = min(span.end_ns, begins)
            part = Part.OPEN_NOW if span.is_open and latest_start <= at else parts[span.span_id]
            yield Stretch(at, until, part, span.name, span.span_id)
            at = until
        at = max(at, begins)
        if following is not None:
            begun.append(following)


def _parts(activity: Activity) -> Mapping[str, Part]:
    """Return each span's part: its own, or else that of the span that encloses it."""
    known: dict[str, Part] = {}
    unclear: list[Span] = []
    for span in activity.spans:  # in starting order: an enclosing span nearly always comes first
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
