"""Compute what a GraphQL query costs by GitHub's formula, and refuse the queries that GitHub would refuse.

Source: "Rate limits and query limits for the GraphQL API" in GitHub's documentation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    get_directive_values,
    get_named_type,
    value_from_ast_untyped,
)

from apps.github_simulator.graphql_errors import RefusedQueryError

NODE_LIMIT = 500_000
PAGE_LIMIT = 100
IDS_LIMIT = 100
_PAGED_FIELDS = {"nodes", "edges", "pageInfo"}


@dataclass(frozen=True, kw_only=True)
class QueryCost:
    """The upper bounds of what a query can fetch.

    `requests` is the number of requests needed to fill every connection, and `nodes` the number of nodes they can
    return. Faults match on `page_size`, the `first` or `last` of the outermost connection, and on `continued`, which
    is true if any connection has a cursor.
    """

    requests: int
    nodes: int
    page_size: int | None
    continued: bool

    @property
    def points(self) -> int:
        """The points charged: one per hundred requests, rounded, and at least one."""
        return max(1, (self.requests + 50) // 100)


def measure(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
) -> QueryCost:
    """Return the cost of the operation with the given coerced variables.

    Raise RefusedQueryError if GitHub would not run the query: a connection has neither `first` nor `last`, a page has
    more than 100 records, or the query asks for more than 100 ids or 500,000 possible nodes.
    """
    meter = _Meter(schema, document, variables)
    root = schema.get_root_type(operation.operation)
    if root is None:
        raise RefusedQueryError("UNSUPPORTED", f"There are no {operation.operation.value}s.")
    meter.visit(operation.selection_set, root, times=1, path=())
    if meter.nodes > NODE_LIMIT:
        raise RefusedQueryError(
            "MAX_NODE_LIMIT_EXCEEDED",
            f"This query requests up to {meter.nodes:,} possible nodes which exceeds the maximum limit of {NODE_LIMIT:,}.",
        )
    return QueryCost(requests=meter.requests, nodes=meter.nodes, page_size=meter.page_size, continued=meter.continued)


class _Meter:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self._schema = schema
        self.requests = 0
        self.nodes = 0
        self.page_size: int | None = None
        self.continued = False
        self._outermost: int | None = None
        self._variables = dict(variables)
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }

    def visit(self, selection: SelectionSetNode, parent: GraphQLNamedType, *, times: int, path: tuple[str, ...]) -> None:
        for field, owner in self._fields(selection, parent):
            definition = owner.fields.get(field.name.value)
            if definition is None or field.selection_set is None:
                continue
            inner = get_named_type(definition.type)
            here = (*path, (field.alias or field.name).value)
            size = self._size(field, inner, here, times=times)
            self.visit(field.selection_set, inner, times=times * size, path=here)

    def _size(self, field: FieldNode, inner: GraphQLNamedType, path: tuple[str, ...], *, times: int) -> int:
        """Return the largest number of inner objects this field can return."""
        arguments = self._arguments(field)
        ids = arguments.get("ids")
        if field.name.value == "nodes" and isinstance(ids, list):
            if len(ids) > IDS_LIMIT:
                message = f"You may not provide more than {IDS_LIMIT} node ids; you provided {len(ids)}."
                raise RefusedQueryError("ARGUMENT_LIMIT", message, path=path, field=field)
            self.nodes += len(ids)
            return max(1, len(ids))
        if not inner.name.endswith("Connection"):
            return 1
        bound = next((bound for bound in ("first", "last") if arguments.get(bound) is not None), None)
        if bound is None:
            self._refuse_unbounded(field, path)
            return 1
        size: int = arguments[bound]
        if not 0 <= size <= PAGE_LIMIT:
            message = (
                f"Requesting {size} records on the `{field.name.value}` connection "
                f"exceeds the `{bound}` limit of {PAGE_LIMIT} records."
            )
            raise RefusedQueryError("EXCESSIVE_PAGINATION", message, path=path, field=field)
        self.requests += times
        self.nodes += times * size
        self.continued |= any(arguments.get(cursor) is not None for cursor in ("after", "before"))
        self._note_outermost(field.name.value, size, depth=len(path))
        return size

    def _note_outermost(self, name: str, size: int, *, depth: int) -> None:
        """Remember the size of the outermost connection, except `search`, which is used only for its count."""
        if name != "search" and (self._outermost is None or depth < self._outermost):
            self._outermost, self.page_size = depth, size

    def _refuse_unbounded(self, field: FieldNode, path: tuple[str, ...]) -> None:
        """Refuse a connection without bounds, unless the query selects only its totals."""
        selected = field.selection_set.selections if field.selection_set else ()
        names = {node.name.value for node in selected if isinstance(node, FieldNode)}
        if names & _PAGED_FIELDS:
            name = field.name.value
            message = f"You must provide a `first` or `last` value to properly paginate the `{name}` connection."
            raise RefusedQueryError("MISSING_PAGINATION_BOUNDARIES", message, path=path, field=field)

    def _fields(
        self, selection: SelectionSetNode, parent: GraphQLNamedType
    ) -> Iterator[tuple[FieldNode, GraphQLObjectType | GraphQLInterfaceType]]:
        for node in selection.selections:
            if not self._included(node):
                continue
            if isinstance(node, FieldNode):
                if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
                    yield node, parent
            elif isinstance(node, FragmentSpreadNode):
                fragment = self._fragments[node.name.value]
                yield from self._fields(fragment.selection_set, self._narrowed(fragment, parent))
            elif isinstance(node, InlineFragmentNode):
                yield from self._fields(node.selection_set, self._narrowed(node, parent))

    def _narrowed(self, node: FragmentDefinitionNode | InlineFragmentNode, parent: GraphQLNamedType) -> GraphQLNamedType:
        condition = node.type_condition
        return self._schema.type_map[condition.name.value] if condition else parent

    def _included(self, node: SelectionNode) -> bool:
        skip = get_directive_values(GraphQLSkipDirective, node, self._variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self._variables)
        return not (skip and skip["if"]) and (include is None or bool(include["if"]))

    def _arguments(self, field: FieldNode) -> dict[str, Any]:
        return {argument.name.value: value_from_ast_untyped(argument.value, self._variables) for argument in field.arguments}
