"""The kinds of fault, and how each one changes the response to a request."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from apps.github_simulator import replies
from apps.github_simulator.accounts import Account
from apps.github_simulator.graphql_errors import error_payload
from apps.github_simulator.rate_limits import Budget
from apps.github_simulator.replies import Api, Reply


@dataclass(frozen=True, kw_only=True)
class Struck:
    """A request that a fault applies to.

    `root` is the response key of the request's first GraphQL field, `answer` returns the reply it would otherwise have
    received, `headers` are those of every reply to this account, and `now` is in seconds since the epoch.
    """

    api: Api
    account: Account
    organization: str
    root: str
    request_id: str
    now: float
    budget: Budget
    headers: Mapping[str, str]
    answer: Callable[[], Reply]


@dataclass(frozen=True, kw_only=True)
class FaultKind:
    """A kind of fault: how it replies, its parameters with their defaults, and the allowed values of restricted ones."""

    reply: Callable[[Struck, Mapping[str, Any]], Reply]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    choices: Mapping[str, Sequence[Any]] = field(default_factory=dict)


def _exhausted(struck: Struck, reply: Reply, parameters: Mapping[str, Any]) -> Reply:
    """Return the reply with headers stating that the budget is used up for another `reset_in` seconds."""
    budget = replace(struck.budget, used=struck.budget.limit, reset=math.ceil(struck.now + parameters["reset_in"]))
    return reply.with_headers({**struck.headers, **replies.budget_headers(budget)})


def _primary_limit(struck: Struck, parameters: Mapping[str, Any]) -> Reply:
    return _exhausted(struck, replies.primary_limit(struck.api, struck.account.subject), parameters)


def _primary_limit_variant(struck: Struck, parameters: Mapping[str, Any]) -> Reply:
    return _exhausted(struck, replies.primary_limit_variant(struck.api, struck.account.subject), parameters)


def _secondary_limit(struck: Struck, parameters: Mapping[str, Any]) -> Reply:
    reply = replies.secondary_limit(status=parameters["status"], retry_after=parameters["retry_after"])
    return reply.with_headers(struck.headers)


def _field_error(struck: Struck, error_type: str, text: str, **more: Any) -> Reply:
    """Return a GraphQL reply with status 200 whose only field is null because of an error."""
    error = error_payload(error_type, text, path=[struck.root], locations=[{"line": 1, "column": 1}], **more)
    return replies.json_reply({"data": {struck.root: None}, "errors": [error]}, headers=struck.headers)


def _not_found(struck: Struck, _parameters: Mapping[str, Any]) -> Reply:
    if struck.api == "rest":
        return replies.not_found().with_headers(struck.headers)
    return _field_error(struck, "NOT_FOUND", "Could not resolve to a node with the global id of 'X'")


def _resource_limits(struck: Struck, _parameters: Mapping[str, Any]) -> Reply:
    return _field_error(struck, "RESOURCE_LIMITS_EXCEEDED", "Resource limits for this query exceeded.")


def _sso(struck: Struck, _parameters: Mapping[str, Any]) -> Reply:
    headers = replies.saml_headers(struck.organization)
    if struck.api == "rest":
        return replies.message(403, replies.SAML_MESSAGE).with_headers({**struck.headers, **headers})
    reply = _field_error(struck, "FORBIDDEN", replies.SAML_MESSAGE, extensions=replies.SAML_EXTENSIONS)
    return replace(reply, headers={**reply.headers, **headers})


def _ip_allow_list(struck: Struck, _parameters: Mapping[str, Any]) -> Reply:
    text = replies.ip_not_allowed_message(struck.organization)
    if struck.api == "rest":
        return replies.message(403, text).with_headers(struck.headers)
    return _field_error(struck, "FORBIDDEN", text)


def _access_blocked(struck: Struck, _parameters: Mapping[str, Any]) -> Reply:
    if struck.api == "graphql":
        return _field_error(struck, "FORBIDDEN", "Repository access blocked")
    block = {"reason": "dmca", "created_at": "2025-01-01T00:00:00Z", "html_url": "https://github.com/github/dmca"}
    return replies.message(451, "Repository access blocked", block=block).with_headers(struck.headers)


def _null_nodes(struck: Struck, parameters: Mapping[str, Any]) -> Reply:
    """Return the real reply with some nodes of its outermost list set to null, adding an error for each."""
    reply = struck.answer()
    payload = orjson.loads(reply.body)
    for path, nodes in _lists(payload.get("data"), ()):
        struck_indexes = [index for index in parameters["indexes"] if index < len(nodes)]
        for index in struck_indexes:
            nodes[index] = None
        payload.setdefault("errors", []).extend(
            error_payload(
                parameters["error_type"],
                parameters["message"],
                path=[*path, index],
                extensions=replies.SAML_EXTENSIONS if parameters["message"] == replies.SAML_MESSAGE else None,
            )
            for index in struck_indexes
        )
        break
    return replace(reply, body=orjson.dumps(payload))


def _sso_partial(struck: Struck, parameters: Mapping[str, Any]) -> Reply:
    reply = _null_nodes(struck, {**parameters, "error_type": "FORBIDDEN", "message": replies.SAML_MESSAGE})
    return replace(reply, headers={**reply.headers, "x-github-sso": "partial-results; organizations=21955855,20582480"})


def _lists(value: object, path: tuple[str | int, ...]) -> list[tuple[tuple[str | int, ...], list[Any]]]:
    """Return the lists in the response data with their paths, outermost first."""
    if isinstance(value, list):
        return [(path, value)]
    if not isinstance(value, dict):
        return []
    found = [entry for key, inner in value.items() for entry in _lists(inner, (*path, key))]
    return sorted(found, key=lambda entry: len(entry[0]))


def _truncated_json(struck: Struck, _parameters: Mapping[str, Any]) -> Reply:
    """Return a complete HTTP reply whose JSON is cut off halfway."""
    reply = struck.answer()
    return replace(reply, body=reply.body[: len(reply.body) // 2])


def _as_it_is(reply: Callable[[], Reply], *, limits: bool = False) -> Callable[[Struck, Mapping[str, Any]], Reply]:
    def respond(struck: Struck, _parameters: Mapping[str, Any]) -> Reply:
        return reply().with_headers(struck.headers) if limits else reply()

    return respond


def _delivered(delivery: replies.Delivery) -> Callable[[Struck, Mapping[str, Any]], Reply]:
    def respond(struck: Struck, parameters: Mapping[str, Any]) -> Reply:
        return replace(struck.answer(), delivery=delivery, seconds=parameters.get("seconds", 0.0))

    return respond


FAULTS: Mapping[str, FaultKind] = {
    "primary_limit": FaultKind(reply=_primary_limit, parameters={"reset_in": 60.0}),
    "primary_limit_variant": FaultKind(reply=_primary_limit_variant, parameters={"reset_in": 60.0}),
    "secondary_limit": FaultKind(
        reply=_secondary_limit, parameters={"status": 403, "retry_after": None}, choices={"status": (200, 403, 429)}
    ),
    "query_timeout": FaultKind(reply=lambda struck, _: replies.query_timeout(struck.request_id)),
    "data_null_string": FaultKind(reply=lambda struck, _: replies.query_timeout(struck.request_id, data="null")),
    "bad_gateway_page": FaultKind(reply=_as_it_is(replies.bad_gateway_page)),
    "gateway_timeout": FaultKind(reply=_as_it_is(replies.gateway_timeout)),
    "server_error": FaultKind(reply=_as_it_is(replies.server_error, limits=True)),
    "html_page": FaultKind(reply=_as_it_is(replies.unicorn_page)),
    "bad_credentials": FaultKind(reply=_as_it_is(replies.bad_credentials)),
    "not_found": FaultKind(reply=_not_found),
    "resource_limits": FaultKind(reply=_resource_limits),
    "sso": FaultKind(reply=_sso),
    "sso_partial": FaultKind(reply=_sso_partial, parameters={"indexes": [0]}),
    "ip_allow_list": FaultKind(reply=_ip_allow_list),
    "access_blocked": FaultKind(reply=_access_blocked),
    "null_nodes": FaultKind(
        reply=_null_nodes,
        parameters={
            "indexes": [0],
            "error_type": "RESOURCE_LIMITS_EXCEEDED",
            "message": "Resource limits for this query exceeded.",
        },
    ),
    "invalid_json": FaultKind(reply=_truncated_json),
    "cut_body": FaultKind(reply=_delivered("cut")),
    "slow_body": FaultKind(reply=_delivered("slow"), parameters={"seconds": 5.0}),
    "hang": FaultKind(reply=_delivered("hang"), parameters={"seconds": 60.0}),
    "connection_reset": FaultKind(reply=_delivered("reset")),
    "delay": FaultKind(reply=_delivered("whole")),
}
"""The kinds of fault by the name they have in a faults file."""
