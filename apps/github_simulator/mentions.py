"""Which repositories a request is about, judged by the strings in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from graphql import DocumentNode, StringValueNode
from graphql.language import Visitor, visit

from apps.github_simulator.graphql_engine import PreparedQuery
from apps.github_simulator.model import PullRequest, Repository
from apps.github_simulator.rest_api import ENTERPRISE_PREFIX
from apps.github_simulator.world import World

_NO_ORGANIZATION = "example-org"


@dataclass(frozen=True)
class Mentions:
    """The repositories that a request mentions in its path, its variables or its query."""

    world: World
    path: str
    query: PreparedQuery | None

    def include(self, full_name: str) -> bool:
        """Return whether the request mentions a repository: in full, as owner and name, or by an id."""
        wanted = full_name.lower()
        pattern = re.compile(rf"(?<![\w./-]){re.escape(wanted)}(?![\w.-])")
        owner, _, name = wanted.partition("/")
        return (
            any(pattern.search(text) for text in self._lower_case_texts)
            or {owner, name} <= self._lower_case_texts
            or any(repository.name_with_owner.lower() == wanted for repository in self._by_id)
        )

    @property
    def organization(self) -> str:
        """The owner of the first repository mentioned, or a stand-in."""
        mentioned = (one for one in self.world.repositories if self.include(one.name_with_owner))
        return next((repository.owner.login for repository in mentioned), _NO_ORGANIZATION)

    @cached_property
    def _lower_case_texts(self) -> frozenset[str]:
        return frozenset(text.lower() for text in self._texts)

    @cached_property
    def _texts(self) -> frozenset[str]:
        texts = {self.path.removeprefix(ENTERPRISE_PREFIX).removeprefix("/repos/")}
        if self.query is not None:
            texts |= set(_strings(self.query.request.variables))
            if self.query.parsed is not None and self.query.parsed.document is not None:
                texts |= _literals(self.query.parsed.document)
        return frozenset(texts)

    @cached_property
    def _by_id(self) -> list[Repository]:
        nodes = [self.world.find_node(text) for text in self._texts]
        owning = [node.repository if isinstance(node, PullRequest) else node for node in nodes]
        number = self.path.rpartition("/repositories/")[2]
        return [
            *(node for node in owning if isinstance(node, Repository)),
            *(one for one in self.world.repositories if str(one.database_id) == number),
        ]


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
    """Collects the string literals of a query."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def enter_string_value(self, node: StringValueNode, *_args: Any) -> None:
        self.found.add(node.value)
