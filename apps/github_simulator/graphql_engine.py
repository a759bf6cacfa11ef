"""Execution of queries against GitHub's own schema, fast enough not to distort a benchmark of the client.

Measured requests are cached; rendered pull requests (one rendering per selection) and whole answers are cached until
the world changes. Only `rateLimit` is filled in afresh for every answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import orjson
from graphql import DocumentNode, FieldNode, OperationDefinitionNode, execute_sync, get_operation_ast
from graphql.execution.values import get_variable_values

from apps.github_simulator.accounts import Account
from apps.github_simulator.github_schema import github_schema
from apps.github_simulator.graphql_errors import RefusedQueryError, error_payload, executed_error
from apps.github_simulator.graphql_execution import (
    Execution,
    Executor,
    ParsedQuery,
    RateLimitSlot,
    Rendering,
    parsed,
)
from apps.github_simulator.kept import Kept
from apps.github_simulator.query_cost import QueryCost, measure
from apps.github_simulator.rate_limits import Budget
from apps.github_simulator.resolvers import resolve, typename
from apps.github_simulator.times import text_of_epoch
from apps.github_simulator.world import World

_KEPT_BYTES = 64_000_000
_KEPT_REQUESTS = 5_000
_ANSWER_BYTES = 1_000  # estimated size of an answer apart from its data


@dataclass(frozen=True, kw_only=True)
class GraphQLRequest:
    """A GraphQL request as posted by a client."""

    query: str
    variables: Mapping[str, Any]
    operation_name: str | None = None


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A parsed and measured request; if it has `errors`, it is answered with them instead of being executed.

    `root` is the response key of the operation's first field other than `rateLimit` and `__typename`.
    """

    key: bytes
    request: GraphQLRequest
    parsed: ParsedQuery | None = None
    operation_name: str | None = None
    root: str = "repository"
    cost: QueryCost | None = None
    errors: tuple[Mapping[str, Any], ...] = ()

    @property
    def points(self) -> int:
        """The number of points charged for the request, whether or not it is executed."""
        return self.cost.points if self.cost else 1


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A computed answer; `data` is None if GitHub would omit it."""

    cost: QueryCost | None = None
    data: Mapping[str, Any] | None = None
    errors: tuple[Mapping[str, Any], ...] = ()

    def render(self, budget: Budget) -> bytes:
        """Return the answer as JSON, with `budget` filled in for `rateLimit`."""

        def fill(value: object) -> object:
            if isinstance(value, RateLimitSlot):
                return {key: _rate_limit(name, budget, self.cost) for key, name in value.fields}
            raise TypeError(f"{value!r} is not JSON")

        parts: dict[str, Any] = {} if self.data is None else {"data": self.data}
        if self.errors:
            parts["errors"] = self.errors
        return orjson.dumps(parts, default=fill, option=orjson.OPT_PASSTHROUGH_DATACLASS)


class GraphQLEngine:
    """An engine that answers GraphQL requests from the simulated world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._version = world.version
        self._prepared: Kept[bytes, Prepared] = Kept(_KEPT_REQUESTS)
        self._answers: Kept[tuple[Account, bytes], Answer] = Kept(_KEPT_BYTES)
        self._rendering: Rendering = Kept(_KEPT_BYTES)

    def prepare(self, request: GraphQLRequest) -> Prepared:
        """Parse, validate and measure the request without executing it."""
        key = orjson.dumps((request.query, request.variables, request.operation_name))
        prepared = self._prepared.get(key)
        if prepared is None:
            prepared = _prepare(key, request)
            self._prepared.put(key, prepared)
        return prepared

    def answer(self, account: Account, prepared: Prepared) -> Answer:
        """Return the answer to the request as `account` is allowed to see it."""
        if prepared.errors or prepared.parsed is None:
            return Answer(errors=prepared.errors)
        if self._version != self._world.version:
            self._answers.clear()
            self._rendering.clear()
            self._version = self._world.version
        answer = self._answers.get((account, prepared.key))
        if answer is None:
            answer, size = self._execute(account, prepared.parsed, prepared)
            self._answers.put((account, prepared.key), answer, size=size)
        return answer

    def _execute(self, account: Account, query: ParsedQuery, prepared: Prepared) -> tuple[Answer, int]:
        result = execute_sync(
            github_schema(),
            cast("DocumentNode", query.document),
            variable_values=dict(prepared.request.variables),
            operation_name=prepared.request.operation_name,
            context_value=Execution(self._world, account, query=query, rendering=self._rendering),
            field_resolver=resolve,
            type_resolver=typename,
            execution_context_class=Executor,
        )
        errors = tuple(executed_error(error) for error in result.errors or ())
        if result.data is None:
            return Answer(cost=prepared.cost, errors=errors), _ANSWER_BYTES
        data: dict[str, object] = {}
        size = _ANSWER_BYTES
        for name, value in result.data.items():
            if isinstance(value, RateLimitSlot):
                data[name] = value
            else:
                text = orjson.dumps(value)
                data[name], size = orjson.Fragment(text), size + len(text)
        return Answer(cost=prepared.cost, data=data, errors=errors), size


def _prepare(key: bytes, request: GraphQLRequest) -> Prepared:
    query = parsed(request.query)
    if query.errors or query.document is None:
        return Prepared(key=key, request=request, errors=query.errors)
    operation = get_operation_ast(query.document, request.operation_name)
    if operation is None:
        name = request.operation_name
        message = f"No operation named {name!r}" if name else "An operation name is required"
        return Prepared(key=key, request=request, errors=(error_payload(None, message),))
    name = operation.name.value if operation.name else None
    coerced = get_variable_values(github_schema(), operation.variable_definitions, dict(request.variables))
    if isinstance(coerced, list):
        errors = tuple(executed_error(error) for error in coerced)
        return Prepared(key=key, request=request, operation_name=name, errors=errors)
    try:
        cost = measure(github_schema(), query.document, operation, coerced)
    except RefusedQueryError as refused:
        return Prepared(key=key, request=request, operation_name=name, errors=(refused.error,))
    root = _root(operation)
    return Prepared(key=key, request=request, parsed=query, operation_name=name, root=root, cost=cost)


def _root(operation: OperationDefinitionNode) -> str:
    fields = (node for node in operation.selection_set.selections if isinstance(node, FieldNode))
    keys = ((node.alias or node.name).value for node in fields if node.name.value not in ("rateLimit", "__typename"))
    return next(keys, "repository")


def _rate_limit(name: str, budget: Budget, cost: QueryCost | None) -> int | str:
    if cost is not None and name in ("cost", "nodeCount"):
        return cost.points if name == "cost" else cost.nodes
    values: dict[str, int | str] = {
        "__typename": "RateLimit",
        "limit": budget.limit,
        "remaining": budget.remaining,
        "used": budget.used,
        "resetAt": text_of_epoch(budget.reset),
    }
    return values[name]
