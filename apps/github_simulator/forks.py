"""Forks, and what they share with the repositories that the simulator holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from apps.github_simulator.actors import Actor
from apps.github_simulator.identity import WebPage, node_id, stable_number


class NamedRepository(WebPage):
    """Everything about a repository that follows from its owner, name and id."""

    __slots__ = ()
    typename = "Repository"
    owner: Actor
    name: str
    database_id: int

    @property
    def id(self) -> str:
        """The global node id."""
        return node_id("R", self.database_id)

    @property
    def name_with_owner(self) -> str:
        """The full name, `OWNER/NAME`."""
        return f"{self.owner.login}/{self.name}"

    @property
    def resource_path(self) -> str:
        """The path of its page."""
        return f"/{self.name_with_owner}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork(NamedRepository):
    """A contributor's fork, known only as the source of pull requests."""

    is_fork = True
    owner: Actor
    name: str
    database_id: int

    @classmethod
    def owned_by(cls, owner: Actor, *, name: str) -> Self:
        """Return the fork `name` in the account of `owner`, with an id of its own."""
        return cls(owner=owner, name=name, database_id=stable_number(f"{owner.login}/{name}".lower()))
