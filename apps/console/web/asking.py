"""What an address asks for, as a form's fields: what is empty asks for nothing."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

from django.http import QueryDict

_LONGEST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Fields of text, each of which an address may give a value."""

    @classmethod
    def of(cls, query: QueryDict) -> Self:
        """Return what an address asks for."""
        return cls(**{each.name: query.get(each.name, "").strip()[:_LONGEST].replace("\x00", "") for each in fields(cls)})

    def as_query(self) -> dict[str, str]:
        """Return the values that an address asks for the same with."""
        return {each.name: value for each in fields(self) if (value := getattr(self, each.name))}
