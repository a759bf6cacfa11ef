"""Query execution with graphql-core, extended to cache each pull request's rendering per selection."""

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

from apps.github_simulator.github_schema import github_schema
from apps.github_simulator.graphql_errors import executed_error
from apps.github_simulator.kept import Kept
from apps.github_simulator.model import PullRequest
from apps.github_simulator.resolvers import Asked, RateLimitField

_Selection = tuple[int, ...]
RenderedKey = tuple[PullRequest, int, _Selection, bytes]
Rendering = Kept[RenderedKey, orjson.Fragment]

_serial = count()


@dataclass(frozen=True, slots=True)
class RateLimitSlot:
    """A placeholder for `rateLimit` in a cached answer, holding (response key, field name) pairs."""

    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class ParsedQuery:
    """A parsed query, or the errors that GitHub returns instead of running it."""

    document: DocumentNode | None
    errors: tuple[dict[str, Any], ...] = ()
    serial: int = field(default_factory=lambda: next(_serial))
    _variables: dict[_Selection, tuple[str, ...]] = field(default_factory=dict)

    def variables_in(self, nodes: list[FieldNode]) -> tuple[str, ...]:
        """Return the names of the variables used in these fields, including the fragments they spread."""
        selection = tuple(id(node) for node in nodes)
        if selection not in self._variables:
            self._variables[selection] = _variables_in(nodes, cast("DocumentNode", self.document))
        return self._variables[selection]


@lru_cache(maxsize=256)
def parsed(text: str) -> ParsedQuery:
    """Parse the query in `text` and validate it against GitHub's schema."""
    try:
        document = parse(text)
    except GraphQLError as error:
        return ParsedQuery(document=None, errors=(executed_error(error),))
    errors = validate(github_schema(), document)
    return ParsedQuery(document=document, errors=tuple(executed_error(error) for error in errors))


@dataclass(slots=True)
class Execution(Asked):
    """The context of one execution of a query, with the renderings cached by earlier ones."""

    query: ParsedQuery = field(kw_only=True)
    rendering: Rendering = field(kw_only=True)


class Executor(ExecutionContext):
    """An execution context that renders each pull request once per selection and values of its variables.

    It overrides a method that graphql-core considers internal, since no public one gives access to completed values.
    """

    def complete_object_value(
        self,
        return_type: GraphQLObjectType,
        field_nodes: list[FieldNode],
        info: GraphQLResolveInfo,
        path: Path,
        result: Any,
    ) -> Any:
        """Return the completed object, a placeholder for `rateLimit`, or the cached JSON of a pull request."""
        if isinstance(result, RateLimitField):
            fields = self.collect_subfields(return_type, field_nodes)
            return RateLimitSlot(tuple((key, nodes[0].name.value) for key, nodes in fields.items()))
        if not isinstance(result, PullRequest):
            return super().complete_object_value(return_type, field_nodes, info, path, result)
        execution: Execution = self.context_value
        names = execution.query.variables_in(field_nodes)
        values = orjson.dumps([self.variable_values.get(name) for name in names])
        key = (result, execution.query.serial, tuple(id(node) for node in field_nodes), values)
        rendered = execution.rendering.get(key)
        if rendered is None:
            failures = execution.failures
            completed = super().complete_object_value(return_type, field_nodes, info, path, result)
            text = orjson.dumps(completed)
            rendered = orjson.Fragment(text)
            if execution.failures == failures:  # a cached rendering would lose the errors raised during it
                execution.rendering.put(key, rendered, size=len(text))
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
    def __init__(self) -> None:
        super().__init__()
        self.variables: set[str] = set()
        self.fragments: set[str] = set()

    def enter_variable(self, node: VariableNode, *_args: Any) -> None:
        self.variables.add(node.name.value)

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_args: Any) -> None:
        self.fragments.add(node.name.value)
