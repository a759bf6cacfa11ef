"""The kinds of fault, each with the reply that it produces."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from apps.github_simulator import replies
from apps.github_simulator.accounts import Account
from apps.github_simulator.graphql_errors import error_payload, undefined_field
from apps.github_simulator.rate_limits import Budget
from apps.github_simulator.replies import Api, Reply

_RESOURCE_LIMITS = {"error_type": "RESOURCE_LIMITS_EXCEEDED", "message": "Resource limits for this query exceeded."}


@dataclass(frozen=True, kw_only=True)
class FaultedCall:
    """The call that a fault strikes.

    `root` is the response key of its first GraphQL field, `regular_reply` the reply that it would have got, `headers`
    the ones in every reply to the account, and `now` the Unix time in seconds. `owner_of_field` returns the type on which
    its query selects a field of that name, or None.
    """

    api: Api
    account: Account
    organization: str
    root: str
    request_id: str
    now: float
    budget: Budget
    headers: Mapping[str, str]
    owner_of_field: Callable[[str], str | None]
    regular_reply: Callable[[], Reply]


FaultReply = Callable[[FaultedCall, Mapping[str, Any]], Reply]


@dataclass(frozen=True, kw_only=True)
class FaultKind:
    """One way to fail; `parameters` have their defaults, and `choices` list the values of those that are not free."""

    reply: FaultReply
    parameters: Mapping[str, Any] = field(default_factory=dict)
    choices: Mapping[str, Sequence[Any]] = field(default_factory=dict)


def _exhausted(call: FaultedCall, reply: Reply, parameters: Mapping[str, Any]) -> Reply:
    """Return the reply with headers that report a used-up budget until `reset_in` seconds from now."""
    budget = replace(call.budget, used=call.budget.limit, reset=math.ceil(call.now + parameters["reset_in"]))
    return reply.with_headers({**call.headers, **replies.budget_headers(budget)})


def _primary_limit(call: FaultedCall, parameters: Mapping[str, Any]) -> Reply:
    return _exhausted(call, replies.primary_limit(call.api, call.account.label), parameters)


def _primary_limit_variant(call: FaultedCall, parameters: Mapping[str, Any]) -> Reply:
    return _exhausted(call, replies.primary_limit_variant(call.api, call.account.label), parameters)


def _secondary_limit(call: FaultedCall, parameters: Mapping[str, Any]) -> Reply:
    reply = replies.secondary_limit(status=parameters["status"], retry_after=parameters["retry_after"])
    return reply.with_headers(call.headers)


def _field_error(call: FaultedCall, error_type: str, text: str, **more: Any) -> Reply:
    """Return a GraphQL answer whose only field is null, with an error."""
    error = error_payload(error_type, text, path=[call.root], locations=[{"line": 1, "column": 1}], **more)
    return replies.json_reply({"data": {call.root: None}, "errors": [error]}, headers=call.headers)


def _not_found(call: FaultedCall, _parameters: Mapping[str, Any]) -> Reply:
    if call.api == "rest":
        return replies.not_found().with_headers(call.headers)
    return _field_error(call, "NOT_FOUND", "Could not resolve to a node with the global id of 'X'")


def _resource_limits(call: FaultedCall, _parameters: Mapping[str, Any]) -> Reply:
    return _field_error(call, _RESOURCE_LIMITS["error_type"], _RESOURCE_LIMITS["message"])


def _sso(call: FaultedCall, _parameters: Mapping[str, Any]) -> Reply:
    headers = replies.saml_headers(call.organization)
    if call.api == "rest":
        return replies.message(403, replies.SAML_MESSAGE).with_headers({**call.headers, **headers})
    reply = _field_error(call, "FORBIDDEN", replies.SAML_MESSAGE, extensions=replies.SAML_EXTENSIONS)
    return replace(reply, headers={**reply.headers, **headers})


def _ip_allow_list(call: FaultedCall, _parameters: Mapping[str, Any]) -> Reply:
    text = replies.ip_not_allowed_message(call.organization)
    if call.api == "rest":
        return replies.message(403, text).with_headers(call.headers)
    return _field_error(call, "FORBIDDEN", text)


def _access_blocked(call: FaultedCall, _parameters: Mapping[str, Any]) -> Reply:
    if call.api == "graphql":
        return _field_error(call, "FORBIDDEN", "Repository access blocked")
    block = {"reason": "dmca", "created_at": "2025-01-01T00:00:00Z", "html_url": "https://github.com/github/dmca"}
    return replies.message(451, "Repository access blocked", block=block).with_headers(call.headers)


def _null_nodes(call: FaultedCall, parameters: Mapping[str, Any]) -> Reply:
    """Return the regular answer with some nodes of its outermost list replaced by null and an error."""
    reply = call.regular_reply()
    payload = orjson.loads(reply.body)
    lists = _lists(payload.get("data"), ())
    if not lists:
        return reply
    path, nodes = lists[0]
    indexes = [index for index in parameters["indexes"] if index < len(nodes)]
    for index in indexes:
        nodes[index] = None
    payload.setdefault("errors", []).extend(
        error_payload(
            parameters["error_type"],
            parameters["message"],
            path=[*path, index],
            extensions=replies.SAML_EXTENSIONS if parameters["message"] == replies.SAML_MESSAGE else None,
        )
        for index in indexes
    )
    return replace(reply, body=orjson.dumps(payload))


def _sso_partial(call: FaultedCall, parameters: Mapping[str, Any]) -> Reply:
    reply = _null_nodes(call, {**parameters, "error_type": "FORBIDDEN", "message": replies.SAML_MESSAGE})
    return replace(reply, headers={**reply.headers, "x-github-sso": "partial-results; organizations=21955855,20582480"})


def _lists(value: object, path: tuple[str | int, ...]) -> list[tuple[tuple[str | int, ...], list[Any]]]:
    """Return all lists in an answer with their paths, outermost first."""
    if isinstance(value, list):
        return [(path, value)]
    if not isinstance(value, dict):
        return []
    found = [entry for key, inner in value.items() for entry in _lists(inner, (*path, key))]
    return sorted(found, key=lambda entry: len(entry[0]))


def _truncated_json(call: FaultedCall, _parameters: Mapping[str, Any]) -> Reply:
    """Return a complete HTTP response whose JSON breaks off in the middle."""
    reply = call.regular_reply()
    return replace(reply, body=reply.body[: len(reply.body) // 2])


def _unavailable(call: FaultedCall, parameters: Mapping[str, Any]) -> Reply:
    status = parameters["status"]
    reply = (
        replies.page(status, "<h1>We're down</h1>") if parameters["html"] else replies.json_message(status, "Server Error")
    )
    retry_after = parameters["retry_after"]
    return reply if retry_after is None else reply.with_headers({"retry-after": str(retry_after)})


def _limit_page(_call: FaultedCall, parameters: Mapping[str, Any]) -> Reply:
    return replies.limit_page(parameters["status"])


def _undefined_field(call: FaultedCall, parameters: Mapping[str, Any]) -> Reply:
    """Return what a server answers that is too old to know a field, or the regular answer to a query without it."""
    name = parameters["field"]
    owner = call.owner_of_field(name)
    if owner is None:
        return call.regular_reply()
    error = undefined_field(name, owner, path=["query", call.root, name])
    return replies.json_reply({"errors": [error]}, headers=call.headers)


def _odd_value(call: FaultedCall, parameters: Mapping[str, Any]) -> Reply:
    """Return the regular answer in which each value called `field` is the JSON text `json` instead."""
    reply = call.regular_reply()
    payload, marker = orjson.loads(reply.body), f"odd value of {call.request_id}"
    _put(payload, parameters["field"], marker)
    return replace(reply, body=orjson.dumps(payload).replace(orjson.dumps(marker), parameters["json"].encode()))


def _put(value: object, name: str, new: object) -> None:
    """Put `new` in the place of everything called `name` inside `value`."""
    if isinstance(value, dict):
        if name in value:
            value[name] = new
        for inner in value.values():
            _put(inner, name, new)
    elif isinstance(value, list):
        for inner in value:
            _put(inner, name, new)


def _fixed(reply: Callable[[], Reply], *, with_limits: bool = False) -> FaultReply:
    """Return a fault whose reply is the same for every call, apart from the headers about limits."""

    def respond(call: FaultedCall, _parameters: Mapping[str, Any]) -> Reply:
        return reply().with_headers(call.headers) if with_limits else reply()

    return respond


def _regular(delivery: replies.Delivery) -> FaultReply:
    """Return a fault that delivers the regular reply in another way."""

    def respond(call: FaultedCall, parameters: Mapping[str, Any]) -> Reply:
        return replace(call.regular_reply(), delivery=delivery, seconds=parameters.get("seconds", 0.0))

    return respond


FAULTS: Mapping[str, FaultKind] = {
    "primary_limit": FaultKind(reply=_primary_limit, parameters={"reset_in": 60.0}),
    "primary_limit_variant": FaultKind(reply=_primary_limit_variant, parameters={"reset_in": 60.0}),
    "secondary_limit": FaultKind(
        reply=_secondary_limit, parameters={"status": 403, "retry_after": None}, choices={"status": (200, 403, 429)}
    ),
    "query_timeout": FaultKind(reply=lambda call, _: replies.query_timeout(call.request_id)),
    "data_null_string": FaultKind(reply=lambda call, _: replies.query_timeout(call.request_id, data="null")),
    "bad_gateway_page": FaultKind(reply=_fixed(replies.bad_gateway_page)),
    "gateway_timeout": FaultKind(reply=_fixed(replies.gateway_timeout)),
    "server_error": FaultKind(reply=_fixed(replies.server_error, with_limits=True)),
    "unavailable": FaultKind(
        reply=_unavailable,
        parameters={"status": 503, "html": False, "retry_after": None},
        choices={"status": (500, 502, 503, 504)},
    ),
    "limit_page": FaultKind(reply=_limit_page, parameters={"status": 429}, choices={"status": (403, 429)}),
    "accepted": FaultKind(reply=_fixed(lambda: replies.json_reply({}, status=202))),
    "conflict": FaultKind(reply=_fixed(lambda: replies.message(409, "Git Repository is empty."))),
    "proxy_authentication": FaultKind(reply=_fixed(replies.proxy_authentication)),
    "undefined_field": FaultKind(reply=_undefined_field, parameters={"field": "fullDatabaseId"}),
    "odd_value": FaultKind(reply=_odd_value, parameters={"field": "additions", "json": "null"}),
    "html_page": FaultKind(reply=_fixed(replies.unicorn_page)),
    "bad_credentials": FaultKind(reply=_fixed(replies.bad_credentials)),
    "not_found": FaultKind(reply=_not_found),
    "resource_limits": FaultKind(reply=_resource_limits),
    "sso": FaultKind(reply=_sso),
    "sso_partial": FaultKind(reply=_sso_partial, parameters={"indexes": [0]}),
    "ip_allow_list": FaultKind(reply=_ip_allow_list),
    "access_blocked": FaultKind(reply=_access_blocked),
    "null_nodes": FaultKind(
        reply=_null_nodes,
        parameters={"indexes": [0], **_RESOURCE_LIMITS},
    ),
    "invalid_json": FaultKind(reply=_truncated_json),
    "cut_body": FaultKind(reply=_regular("cut")),
    "slow_body": FaultKind(reply=_regular("slow"), parameters={"seconds": 5.0}),
    "hang": FaultKind(reply=_regular("hang"), parameters={"seconds": 60.0}),
    "connection_reset": FaultKind(reply=_regular("reset")),
    "delay": FaultKind(reply=_regular("whole")),
}
"""Every kind of fault by its name in a faults file."""
