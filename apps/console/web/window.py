"""Parse how far back a run should read, as asked on a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.utils.dateparse import parse_date

_MOST_DAYS = 36_500  # a hundred years: no calendar ends before
_OLDER: Mapping[str, Mapping[str, Any]] = {"": {}, "90": {"backfill_days": 90}, "all": {"backfill_all": True}}


class UnclearWindowError(ValueError):
    """How far back is unclear; the text says what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A form's values: `kind` is days, since or all, and `older` is what is read afterwards: nothing, 90 days, or all."""

    kind: str = "days"
    days: str = "30"
    since: str = ""
    older: str = ""

    @classmethod
    def of(cls, form: Mapping[str, str]) -> Window:
        """Return a form's values, with defaults for missing ones."""
        usual = cls()
        names = {"kind": "window", "days": "days", "since": "since", "older": "older"}
        return cls(**{field: form.get(name, getattr(usual, field)).strip()[:40] for field, name in names.items()})

    def as_arguments(self, *, now: datetime) -> dict[str, Any]:
        """Return the arguments for `start_pipeline`; raise `UnclearWindowError` for values that make no sense."""
        if self.older not in _OLDER:
            raise UnclearWindowError("Choose whether older history should follow.")
        if self.kind == "all":
            return {"days": None}  # nothing is older
        if self.kind == "since":
            return {"days": None, "since": self._begin(now).isoformat(), **_OLDER[self.older]}
        if not (self.days.isascii() and self.days.isdigit() and 1 <= int(self.days) <= _MOST_DAYS):
            raise UnclearWindowError(f"The days are a number from 1 to {_MOST_DAYS:,}.")
        return {"days": int(self.days), **_OLDER[self.older]}

    def _begin(self, now: datetime) -> datetime:
        try:
            day = parse_date(self.since)
        except ValueError:  # a date that no calendar has
            day = None
        if day is None:
            raise UnclearWindowError("Choose the first day, such as 2026-01-31.")
        begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
        if begin > now:
            raise UnclearWindowError("The first day is in the future.")
        return begin
