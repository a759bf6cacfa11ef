"""Gaps: what a repository's row records as unavailable, or as differing from GitHub's value. Pure.

A gap is one of these:

- `{pull_request, list, stored, total}`: a list with fewer members than GitHub counts;
- `{pull_request, field, reason}`: a value that was mended or is null, because it was not text (`text`), not a date in
  the years 1 to 9999 (`date`), not a number (`number`), or hidden from this token (`hidden`);
- `{pull_request: null, field, reason, cursor}`: a pull request that is hidden from this token.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import asdict

from apps.integrations.github.nodes import Flaw

Gap = dict[str, Any]

_MOST = 1_000
"""How many flaws a row holds: a server whose every value is odd must not fill it."""


def new_flaws(flaws: Iterable[Flaw], *, known: Sequence[Gap]) -> list[Gap]:
    """Return the `flaws` that are not `known` as gaps, up to what a row holds."""
    new: list[Gap] = []
    for flaw in flaws:
        gap = {name: value for name, value in asdict(flaw).items() if name != "cursor" or value is not None}
        if gap not in known and gap not in new:
            new.append(gap)
    return new[: max(0, _MOST - len(known))]


def hides_pull_requests(gaps: Iterable[Gap]) -> bool:
    """Return whether a whole pull request is hidden from this token."""
    return any(map(_is_pull_request, gaps))


def without_pull_requests(gaps: Iterable[Gap]) -> list[Gap]:
    """Return the gaps without those of whole pull requests: all of them have been read after all."""
    return [gap for gap in gaps if not _is_pull_request(gap)]


def _is_pull_request(gap: Gap) -> bool:
    return gap.get("reason") == "hidden" and gap["pull_request"] is None
