"""Query execution by graphql-core, with a cache of pull requests as rendered for one selection."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count
from typing import Any, cast

import orjson
from graphql import (
    DocumentNode,
    ExecutionContext,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLResolveInfo,
    VariableNode,
    parse,
    validate,
)
from graphql.language import Node, Visitor, visit
from graphql.pyutils import Path

from apps.github_simulator.cache import BoundedCache
from apps.github_simulator.github_schema import github_schema
from apps.github_simulator.graphql_errors import executed_error
from apps.github_simulator.model import PullRequest
from apps.github_simulator.query_context import QueryContext
from apps.github_simulator.root_fields import RateLimitField

_Selection = tuple[int, ...]
RenderedKey = tuple[PullRequest, int, _Selection, bytes]
RenderedPullRequests = BoundedCache[RenderedKey, orjson.Fragment]

_serial = count()


@dataclass(frozen=True, slots=True)
class RateLimitSlot:
    """The place of `rateLimit` in a cached answer: response keys, each with the field that belongs there."""

    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class ParsedQuery:
    """A query's document, or the errors that GitHub returns instead of running it."""

    document: DocumentNode | None
    errors: tuple[dict[str, Any], ...] = ()
    serial: int = field(default_factory=lambda: next(_serial))
    _variables: dict[_Selection, tuple[str, ...]] = field(default_factory=dict)

    def variables_in(self, nodes: list[FieldNode]) -> tuple[str, ...]:
        """Return the names of the variables that are used in these fields or below them."""
        selection = tuple(id(node) for node in nodes)
        if selection not in self._variables:
            self._variables[selection] = _variables_in(nodes, cast("DocumentNode", self.document))
        return self._variables[selection]


@lru_cache(maxsize=256)
def parse_query(text: str) -> ParsedQuery:
    """Parse a query and validate it against GitHub's schema."""
    try:
        document = parse(text)
    except GraphQLError as error:
        return ParsedQuery(document=None, errors=(executed_error(error),))
    errors = validate(github_schema(), document)
    return ParsedQuery(document=document, errors=tuple(executed_error(error) for error in errors))


@dataclass(slots=True)
class CachingQueryContext(QueryContext):
    """The context of a query whose pull requests may have been rendered before."""

    query: ParsedQuery = field(kw_only=True)
    rendered: RenderedPullRequests = field(kw_only=True)


class CachingExecution(ExecutionContext):
    """Renders a pull request once per selection and the values of the variables in it.

    Overrides a method that graphql-core calls internal, because no public one sees completed values.
    """

    def complete_object_value(
        self,
        return_type: GraphQLObjectType,
        field_nodes: list[FieldNode],
        info: GraphQLResolveInfo,
        path: Path,
        result: Any,
    ) -> Any:
        """Return the object as a dictionary, or a pull request as JSON and `rateLimit` as a slot to fill in."""
        if isinstance(result, RateLimitField):
            fields = self.collect_subfields(return_type, field_nodes)
            return RateLimitSlot(tuple((key, nodes[0].name.value) for key, nodes in fields.items()))
        if not isinstance(result, PullRequest):
            return super().complete_object_value(return_type, field_nodes, info, path, result)
        context: CachingQueryContext = self.context_value
        names = context.query.variables_in(field_nodes)
        values = orjson.dumps([self.variable_values.get(name) for name in names])
        key = (result, context.query.serial, tuple(id(node) for node in field_nodes), values)
        rendered = context.rendered.get(key)
        if rendered is None:
            failures = context.failures
            completed = super().complete_object_value(return_type, field_nodes, info, path, result)
            text = orjson.dumps(completed)
            rendered = orjson.Fragment(text)
            if context.failures == failures:  # a cached rendering would lose the errors that belong to it
                context.rendered.put(key, rendered, size=len(text))
        return rendered


def _variables_in(nodes: list[FieldNode], document: DocumentNode) -> tuple[str, ...]:
    fragments = {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    collector = _VariableNames()
    waiting: list[Node] = [*nodes]
    while waiting:
        visit(waiting.pop(), collector)
        waiting.extend(fragments.pop(name) for name in collector.fragments & set(fragments))
    return tuple(sorted(collector.variables))


class _VariableNames(Visitor):
    """Collects the names of variables and of spread fragments."""

    def __init__(self) -> None:
        super().__init__()
        self.variables: set[str] = set()
        self.fragments: set[str] = set()

    def enter_variable(self, node: VariableNode, *_args: Any) -> None:
        self.variables.add(node.name.value)

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_args: Any) -> None:
        self.fragments.add(node.name.value)
