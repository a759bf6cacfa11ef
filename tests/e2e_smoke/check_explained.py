"""Check that what Jaeger alone has explains a run as its rows, spans and lines do."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

_SAME_SECONDS: Final = 0.01
"""By how much of it a run's time may differ: by its rows it ends when the last of them says so."""

Explained = Mapping[str, Any]
"""What `manage.py explain --format json` prints."""


def alike(here: Explained, there: Explained, *, span_ids: Collection[str]) -> Iterator[str]:
    """Yield where `there`, by Jaeger alone, says something else than `here`, or names a span that Jaeger has not."""
    for key in ("run", "outcome"):
        if there[key] != here[key]:
            yield f"{key}: {there[key]!r} by Jaeger, {here[key]!r} here"
    if _decisive(there) != _decisive(here):
        yield f"the cause: {_decisive(there)} by Jaeger, {_decisive(here)} here"
    took, took_here = there["time"]["wall_sec"], here["time"]["wall_sec"]
    if abs(took - took_here) > _SAME_SECONDS * took_here:
        yield f"{took} s by Jaeger, {took_here} s here"
    if abs(sum(there["time"]["parts"].values()) - took) > _SAME_SECONDS * took:
        yield f"the parts of {took} s sum to {sum(there['time']['parts'].values())} s"
    proofs = [step for cause in there["causes"] for step in cause["chain"]]
    if there["causes"] and not proofs:
        yield "nothing proves the cause"
    yield from (f"a proof is not in Jaeger: {step}" for step in proofs if step.get("span_id") not in span_ids)


def _decisive(explained: Explained) -> tuple[str, Sequence[str]] | None:
    """Return the decisive cause's code and the repositories that it struck; None for a healthy run."""
    return next(((cause["code"], sorted(cause["repositories"])) for cause in explained["causes"]), None)
