"""Find the repositories that a request names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from graphql import DocumentNode, StringValueNode
from graphql.language import Visitor, visit

from apps.github_simulator.graphql_engine import Prepared
from apps.github_simulator.model import PullRequest, Repository
from apps.github_simulator.world import World


@dataclass(frozen=True)
class Subject:
    """The repositories that a request names in its path, its variables or its query."""

    world: World
    path: str
    prepared: Prepared | None

    def mentions(self, full_name: str) -> bool:
        """Return whether the request names the repository by full name, by owner and name, or by id."""
        wanted = full_name.lower()
        pattern = re.compile(rf"(?<![\w./-]){re.escape(wanted)}(?![\w.-])")
        owner, _, name = wanted.partition("/")
        return (
            any(pattern.search(text) for text in self._texts)
            or {owner, name} <= self._texts
            or any(repository.name_with_owner.lower() == wanted for repository in self._by_id)
        )

    @property
    def organization(self) -> str:
        """The owner of the first repository the request names, or a placeholder if it names none."""
        named = (one for one in self.world.repositories if self.mentions(one.name_with_owner))
        return next((repository.owner.login for repository in named), "example-org")

    @cached_property
    def _texts(self) -> frozenset[str]:
        return frozenset(text.lower() for text in self._original_texts)

    @cached_property
    def _original_texts(self) -> frozenset[str]:
        texts = {self.path.removeprefix("/api/v3").removeprefix("/repos/")}
        if self.prepared is not None:
            texts |= set(_strings(self.prepared.request.variables))
            if self.prepared.parsed is not None and self.prepared.parsed.document is not None:
                texts |= _literals(self.prepared.parsed.document)
        return frozenset(texts)

    @cached_property
    def _by_id(self) -> list[Repository]:
        nodes = (self.world.node(text) for text in self._original_texts)
        pairs = ((node.repository if isinstance(node, PullRequest) else node) for node in nodes)
        found = [node for node in pairs if isinstance(node, Repository)]
        number = self.path.rpartition("/repositories/")[2]
        return [*found, *(one for one in self.world.repositories if str(one.database_id) == number)]


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def _literals(document: DocumentNode) -> set[str]:
    collector = _Literals()
    visit(document, collector)
    return collector.found


class _Literals(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def enter_string_value(self, node: StringValueNode, *_args: Any) -> None:
        self.found.add(node.value)
