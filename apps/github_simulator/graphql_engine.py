"""GraphQL over GitHub's own schema, fast enough not to distort a benchmark of its client.

Three things are cached: prepared queries, pull requests as rendered for one selection, and whole answers. The last two
are dropped when the world changes; `rateLimit` is filled in afresh every time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import orjson
from graphql import (
    DocumentNode,
    FieldNode,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    execute_sync,
    get_operation_ast,
    visit,
)
from graphql.execution.values import get_variable_values

from apps.github_simulator.accounts import Account
from apps.github_simulator.cache import BoundedCache
from apps.github_simulator.github_schema import github_schema
from apps.github_simulator.graphql_errors import RefusedQueryError, error_payload, executed_error
from apps.github_simulator.graphql_execution import (
    CachingExecution,
    CachingQueryContext,
    ParsedQuery,
    RateLimitSlot,
    RenderedPullRequests,
    parse_query,
)
from apps.github_simulator.query_cost import QueryCost, measure
from apps.github_simulator.rate_limits import Budget
from apps.github_simulator.resolvers import resolve, typename
from apps.github_simulator.times import format_epoch
from apps.github_simulator.world import World

_CACHED_BYTES = 64_000_000
_CACHED_QUERIES = 5_000
_ANSWER_OVERHEAD_BYTES = 1_000
_DEFAULT_ROOT = "repository"


@dataclass(frozen=True, kw_only=True)
class GraphQLRequest:
    """The payload that a client posted."""

    query: str
    variables: Mapping[str, Any]
    operation_name: str | None = None


@dataclass(frozen=True, kw_only=True)
class PreparedQuery:
    """A parsed query with its cost, or with `errors` that are returned instead of executing it.

    `root` is the response key of the first field other than `rateLimit` and `__typename`.
    """

    key: bytes
    request: GraphQLRequest
    parsed: ParsedQuery | None = None
    operation_name: str | None = None
    root: str = _DEFAULT_ROOT
    cost: QueryCost | None = None
    errors: tuple[Mapping[str, Any], ...] = ()

    @property
    def points(self) -> int:
        """The points charged for the query, whether or not it is executed."""
        return self.cost.points if self.cost else 1

    def owner_of_field(self, name: str) -> str | None:
        """Return the first type on which the query selects a field called `name`, or None."""
        if self.parsed is None or self.parsed.document is None:
            return None
        finder = _FieldFinder(name)
        visit(self.parsed.document, TypeInfoVisitor(finder.types, finder))
        return finder.owner


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A computed answer; `data` is None where GitHub sends none."""

    cost: QueryCost | None = None
    data: Mapping[str, Any] | None = None
    errors: tuple[Mapping[str, Any], ...] = ()

    def render(self, budget: Budget) -> bytes:
        """Return the answer as JSON, with `rateLimit` taken from `budget`."""

        def fill(value: object) -> object:
            if isinstance(value, RateLimitSlot):
                return {key: _rate_limit(name, budget, self.cost) for key, name in value.fields}
            raise TypeError(f"{value!r} cannot be written as JSON")

        parts: dict[str, Any] = {} if self.data is None else {"data": self.data}
        if self.errors:
            parts["errors"] = self.errors
        return orjson.dumps(parts, default=fill, option=orjson.OPT_PASSTHROUGH_DATACLASS)


class GraphQLEngine:
    """Answers GraphQL requests about a world."""

    def __init__(self, world: World) -> None:
        """Start with empty caches."""
        self._world = world
        self._version = world.version
        self._prepared: BoundedCache[bytes, PreparedQuery] = BoundedCache(_CACHED_QUERIES)
        self._answers: BoundedCache[tuple[Account, bytes], Answer] = BoundedCache(_CACHED_BYTES)
        self._rendered: RenderedPullRequests = BoundedCache(_CACHED_BYTES)

    def prepare(self, request: GraphQLRequest) -> PreparedQuery:
        """Parse, validate and measure the request's query without executing it."""
        key = orjson.dumps((request.query, request.variables, request.operation_name))
        prepared = self._prepared.get(key)
        if prepared is None:
            prepared = _prepare(key, request)
            self._prepared.put(key, prepared)
        return prepared

    def answer(self, account: Account, prepared: PreparedQuery) -> Answer:
        """Return the answer that `account` gets to the query."""
        if prepared.errors or prepared.parsed is None:
            return Answer(errors=prepared.errors)
        if self._version != self._world.version:
            self._answers.clear()
            self._rendered.clear()
            self._version = self._world.version
        answer = self._answers.get((account, prepared.key))
        if answer is None:
            answer, size = self._execute(account, prepared.parsed, prepared)
            self._answers.put((account, prepared.key), answer, size=size)
        return answer

    def _execute(self, account: Account, query: ParsedQuery, prepared: PreparedQuery) -> tuple[Answer, int]:
        """Return the answer with its approximate size in bytes."""
        result = execute_sync(
            github_schema(),
            cast("DocumentNode", query.document),
            variable_values=dict(prepared.request.variables),
            operation_name=prepared.request.operation_name,
            context_value=CachingQueryContext(self._world, account, query=query, rendered=self._rendered),
            field_resolver=resolve,
            type_resolver=typename,
            execution_context_class=CachingExecution,
        )
        errors = tuple(executed_error(error) for error in result.errors or ())
        if result.data is None:
            return Answer(cost=prepared.cost, errors=errors), _ANSWER_OVERHEAD_BYTES
        data: dict[str, object] = {}
        size = _ANSWER_OVERHEAD_BYTES
        for name, value in result.data.items():
            if isinstance(value, RateLimitSlot):
                data[name] = value
            else:
                text = orjson.dumps(value)
                data[name], size = orjson.Fragment(text), size + len(text)
        return Answer(cost=prepared.cost, data=data, errors=errors), size


class _FieldFinder(Visitor):
    """Notes on which type a field is first selected."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.types = TypeInfo(github_schema())
        self.owner: str | None = None
        self._name = name

    def enter_field(self, node: FieldNode, *_: object) -> None:
        parent = self.types.get_parent_type()
        if self.owner is None and node.name.value == self._name and parent is not None:
            self.owner = parent.name


def _prepare(key: bytes, request: GraphQLRequest) -> PreparedQuery:
    query = parse_query(request.query)
    if query.errors or query.document is None:
        return PreparedQuery(key=key, request=request, errors=query.errors)
    operation = get_operation_ast(query.document, request.operation_name)
    if operation is None:
        name = request.operation_name
        message = f"No operation named {name!r}" if name else "An operation name is required"
        return PreparedQuery(key=key, request=request, errors=(error_payload(None, message),))
    name = operation.name.value if operation.name else None
    coerced = get_variable_values(github_schema(), operation.variable_definitions, dict(request.variables))
    if isinstance(coerced, list):
        errors = tuple(executed_error(error) for error in coerced)
        return PreparedQuery(key=key, request=request, operation_name=name, errors=errors)
    try:
        cost = measure(github_schema(), query.document, operation, coerced)
    except RefusedQueryError as refused:
        return PreparedQuery(key=key, request=request, operation_name=name, errors=(refused.error,))
    return PreparedQuery(key=key, request=request, parsed=query, operation_name=name, root=_root_key(operation), cost=cost)


def _root_key(operation: OperationDefinitionNode) -> str:
    fields = (node for node in operation.selection_set.selections if isinstance(node, FieldNode))
    keys = ((node.alias or node.name).value for node in fields if node.name.value not in ("rateLimit", "__typename"))
    return next(keys, _DEFAULT_ROOT)


def _rate_limit(name: str, budget: Budget, cost: QueryCost | None) -> int | str:
    """Return the value of one field of `rateLimit`."""
    if cost is not None and name in ("cost", "nodeCount"):
        return cost.points if name == "cost" else cost.nodes
    values: dict[str, int | str] = {
        "__typename": "RateLimit",
        "limit": budget.limit,
        "remaining": budget.remaining,
        "used": budget.used,
        "resetAt": format_epoch(budget.reset),
    }
    return values[name]
