"""What a sync has stored, by natural keys: what two syncs of the same repositories have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

Rows = Mapping[str, Counter[tuple[Any, ...]]]
"""By table; how often each row is there, as pairs of a field and its value."""


def rows_of(slug: str) -> Rows:
    """Return everything that is stored for the team."""
    from apps.analysis.models import Analysis, WeeklyMetrics
    from apps.pulls.models import ChangedFile, Commit, PullRequest, Review

    number, name = "pull_request__number", "pull_request__repository__full_name"
    return {
        "pull requests": _rows(PullRequest, "repository__full_name", repository__team__slug=slug),
        **{
            what: _rows(model, name, number, pull_request__repository__team__slug=slug)
            for what, model in (("reviews", Review), ("commits", Commit), ("files", ChangedFile), ("analyses", Analysis))
        },
        "weekly metrics": _rows(WeeklyMetrics, team__slug=slug),
    }


def differences(rows: Rows, expected: Rows) -> list[str]:
    """Return what `rows` lack, and what they have that nobody expects."""
    return [
        f"{sum(which.values())} {table} {what}, such as {_short(next(iter(which)))}"
        for table in expected
        for what, which in (
            ("missing or different", expected[table] - rows[table]),
            ("that should not be there", rows[table] - expected[table]),
        )
        if which
    ]


def _rows(model: Any, *keys: str, **where: Any) -> Counter[tuple[Any, ...]]:
    """Count the rows by `keys` and all columns but numbers that a database gives away."""
    own = [field.attname for field in model._meta.concrete_fields if not (field.primary_key or field.is_relation)]
    rows = model.objects.filter(**where).values_list(*keys, *own)
    return Counter(tuple(zip((*keys, *own), map(_plain, row), strict=True)) for row in rows)


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _short(row: Sequence[tuple[str, Any]]) -> str:
    return ", ".join(f"{name}={value!r:.60}" for name, value in row[:4])
