"""What was done inside an activity, moment by moment: the innermost span that was open says it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

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
    spans = [one for one in activity.spans if one.start_ns < one.end_ns and one.start_ns < end_ns and one.end_ns > start_ns]
    latest_start = spans[-1].start_ns if spans else start_ns
    begun: list[Span] = []  # the latest is last; those that have ended are left when it comes to them
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
