"""What the resolvers of one query share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLResolveInfo

from apps.github_simulator.accounts import Account
from apps.github_simulator.world import World

Info = GraphQLResolveInfo
Resolver = Callable[..., Any]
FieldName = tuple[str, str]
"""A type of the schema and a field of it."""


@dataclass(slots=True)
class QueryContext:
    """The data that a query reads and the account that sent it; `failures` counts the fields that became errors."""

    world: World
    account: Account
    failures: int = 0


def context_of(info: Info) -> QueryContext:
    """Return the context that graphql-core carries untyped."""
    context: QueryContext = info.context
    return context
