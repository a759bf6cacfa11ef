"""Parse an address's query as a form's fields; empty fields do not restrict."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

from django.http import QueryDict

_LONGEST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Text fields, each of which an address may fill."""

    @classmethod
    def of(cls, query: QueryDict) -> Self:
        """Return what an address asks for."""
        return cls(**{each.name: query.get(each.name, "").strip()[:_LONGEST].replace("\x00", "") for each in fields(cls)})

    def as_query(self) -> dict[str, str]:
        """Return the query values that ask for the same."""
        return {each.name: value for each in fields(self) if (value := getattr(self, each.name))}
