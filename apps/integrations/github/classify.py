"""Decide whether an answer is an error, and which: in one place, for GraphQL and REST alike. Pure.

GitHub says the same thing in several ways: by status, by header, by a GraphQL error's `type` or `code`, or in words alone.
See https://docs.github.com/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api,
https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api and, for SAML,
https://docs.github.com/rest/authentication/authenticating-to-the-rest-api.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson

from apps.integrations.errors import (
    AppNotAllowed,
    Conflict,
    Evidence,
    Forbidden,
    GitHubError,
    InstallationSuspended,
    InvalidAnswer,
    IpNotAllowed,
    Moved,
    NotFound,
    NotReady,
    PartialAnswer,
    ProxyRefused,
    QueryFailed,
    QueryRefused,
    QueryTimeout,
    RateLimited,
    SecondaryLimited,
    ServerError,
    SsoRequired,
    TooCostly,
    Unauthorized,
    UndefinedField,
)
from apps.integrations.github import mending
from apps.integrations.github.limits import cost_from_block, limit_from_headers, seconds_to_wait
from apps.integrations.github.nodes import Response
from apps.integrations.github.queries import LIST_ALIAS

_EXECUTING = "something went wrong while executing your query"
_PHRASES: tuple[tuple[str, type[GitHubError]], ...] = (
    ("secondary rate limit", SecondaryLimited),
    ("secondary-rate-limits", SecondaryLimited),  # in documentation_url
    ("abuse detection", SecondaryLimited),  # the former name, still used by older servers
    ("rate limit", RateLimited),
    ("saml enforcement", SsoRequired),
    ("ip allow list", IpNotAllowed),
    ("installation has been suspended", InstallationSuspended),
    ("not accessible by integration", AppNotAllowed),
    ("bad credentials", Unauthorized),
    (_EXECUTING, QueryTimeout),
    ("respond to your request in time", QueryTimeout),
    ("timeout", QueryTimeout),
    ("timedout", QueryTimeout),
)
_TYPES: Mapping[str, type[GitHubError]] = {
    "RATE_LIMITED": RateLimited,
    "RATE_LIMIT": RateLimited,
    "graphql_rate_limit": RateLimited,
    "RESOURCE_LIMITS_EXCEEDED": TooCostly,
    "MAX_NODE_LIMIT_EXCEEDED": TooCostly,
    "FORBIDDEN": Forbidden,
    "INSUFFICIENT_SCOPES": Forbidden,
    "NOT_FOUND": NotFound,
    "SERVICE_UNAVAILABLE": ServerError,
    "INTERNAL": ServerError,
}
_GRAVEST_FIRST: tuple[type[GitHubError], ...] = (
    Unauthorized,
    SecondaryLimited,
    RateLimited,
    SsoRequired,
    IpNotAllowed,
    InstallationSuspended,
    AppNotAllowed,
    Forbidden,
    QueryTimeout,
    QueryFailed,
    TooCostly,
    ServerError,
    NotFound,
    QueryRefused,
    UndefinedField,
    PartialAnswer,
)
"""Of several errors in one answer, the one whose cure covers the others is raised."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PASSING = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.MISDIRECTED_REQUEST, HTTPStatus.TOO_EARLY})
"""Below 500, yet not about the request itself, which may succeed on another connection (RFC 9110, RFC 8470)."""
_STATUSES = frozenset(HTTPStatus)
_LONG = 5.0  # seconds: half of what GitHub gives a query; a server that is down says so at once
_LONG_BY_ITS_WORDS = 1.0  # seconds after which words about a timeout are believed
_SLOW_DOWN = r"too many requests|temporarily (blocked|limited|restricted|being throttled)|submitted too quickly"
_LIMITING_WORDS = re.compile(_SLOW_DOWN, re.IGNORECASE)
_LIMITING_PAGE = re.compile(f"abuse|rate[- ]limit|{_SLOW_DOWN}".encode(), re.IGNORECASE)
_LONGEST_MESSAGE = 300  # characters of GitHub's own words
_UNDEFINED_FIELD = re.compile(r"Field '(\w+)' doesn't exist on type")
_UNREADABLE = object()


def classify(response: Response) -> GitHubError | None:
    """Return the error that the answer represents, with its evidence, or None if it is JSON and not an error."""
    document = _document(response.body)
    evidence = evidence_of(response, cost=_cost(document))
    fields: Mapping[str, Any] = document if isinstance(document, dict) else {}
    if response.status in _REDIRECTS:
        location = fields.get("url") or response.headers.get("location")
        return Moved("It has moved to another address", location=None if location is None else str(location), **evidence)
    if response.status == HTTPStatus.ACCEPTED:
        return NotReady("GitHub: 202: it is still preparing the answer", **evidence)
    unreadable = document is _UNREADABLE
    if response.status >= HTTPStatus.BAD_REQUEST and not (unreadable and response.status == HTTPStatus.NOT_FOUND):
        return _page_error(response, evidence) if unreadable else _http_error(response, fields, evidence)
    if unreadable:
        kind = response.headers.get("content-type", "unknown type").partition(";")[0]
        return InvalidAnswer(
            f"The answer (status {response.status}, {len(response.body)} bytes, {kind}) is not JSON or is cut off",
            **evidence,
        )
    if errors := fields.get("errors"):
        return _graphql_error(errors, fields, response, evidence)
    message = fields.get("message")
    if isinstance(message, str) and "documentation_url" in fields and "data" not in fields:  # an error sent with a 200
        return _error(_by_phrase(fields) or QueryRefused, message, response, evidence)
    return None


def evidence_of(response: Response, *, cost: int | None = None) -> Evidence:
    """Return what an answer says besides its error."""
    return Evidence(
        http_status=response.status,
        points_cost=cost,
        request_id=response.headers.get("x-github-request-id"),
        retry_after=seconds_to_wait(response.headers),
    )


def hidden_paths(response: Response) -> tuple[mending.Path, ...]:
    """Return where data is missing because this token may not see it; nothing if the answer has any other error."""
    document = _document(response.body)
    if not isinstance(document, dict) or not isinstance(document.get("data"), dict):
        return ()
    errors = document.get("errors")
    found = _objects(errors)
    paths = [error.get("path") for error in found]
    are_hidden = all(issubclass(_graphql_kind(error, document), Forbidden) for error in found)
    if not isinstance(errors, list) or len(found) < len(errors) or not are_hidden or not all(map(_leads_inside, paths)):
        return ()
    return tuple(tuple(path) for path in paths if isinstance(path, list))


def _document(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    try:
        return orjson.loads(mending.mend_text(body))
    except (ValueError, RecursionError):
        return _UNREADABLE


def _cost(document: object) -> int | None:
    match document:
        case {"data": {"rateLimit": block}}:
            return cost_from_block(block)
    return None


def _graphql_error(errors: object, fields: Mapping[str, Any], response: Response, evidence: Evidence) -> GitHubError:
    """Return the gravest of the errors in a GraphQL answer."""
    found = [(_graphql_kind(error, fields), _words_of(error)) for error in _objects(errors)]
    if not found:
        return InvalidAnswer("The answer's list of errors is not in GitHub's shape", **evidence)
    kind, message = min(found, key=lambda pair: _GRAVEST_FIRST.index(pair[0]))
    return _error(kind, message, response, evidence)


def _graphql_kind(error: Mapping[str, Any], fields: Mapping[str, Any]) -> type[GitHubError]:
    by_phrase = _by_phrase(error)
    by_type = _TYPES.get(str(error.get("type"))) or _TYPES.get(str(error.get("code")))
    extensions = error.get("extensions")
    if isinstance(extensions, dict) and extensions.get("saml_failure"):
        return SsoRequired
    if by_phrase and by_type in (None, Forbidden, RateLimited, ServerError):
        return by_phrase  # more precise than these types
    if by_type is NotFound and _leads_inside(error.get("path")):
        return PartialAnswer
    if by_type:
        return by_type
    if "data" not in fields and _UNDEFINED_FIELD.search(str(error.get("message"))):
        return UndefinedField
    if "data" not in fields:
        return QueryRefused  # it was never executed: GitHub does not know a field, or a variable is wrong
    return PartialAnswer if isinstance(fields["data"], dict) else ServerError


def _words_of(error: Mapping[str, Any]) -> str:
    """Return a GraphQL error's message, or its type if it has none."""
    said = (error.get(name) for name in ("message", "type", "code"))
    return next((words for words in said if isinstance(words, str) and words.strip()), "an error without a word")


def _leads_inside(path: object) -> bool:
    """Return whether `path` leads inside the requested object, which exists: to one of its nodes, or a list of one."""
    return isinstance(path, list) and (len(path) > 1 or str(next(iter(path), "")).startswith(LIST_ALIAS))


def _objects(errors: object) -> list[Mapping[str, Any]]:
    return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []


def _page_error(response: Response, evidence: Evidence) -> GitHubError:
    """Return the error for an HTML page with a status of 400 or more: GitHub's APIs answer in JSON."""
    status, headers = response.status, response.headers
    if status == HTTPStatus.UNAUTHORIZED and response.body and "x-github-request-id" not in headers:
        return InvalidAnswer(f"{status}: a page that is not GitHub's wants a login", **evidence)
    if status not in (HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS) or not response.body:
        return _http_error(response, {}, evidence)
    if headers.get("x-ratelimit-remaining") == "0" and "retry-after" not in headers:
        kind: type[GitHubError] = RateLimited
    elif (
        status == HTTPStatus.TOO_MANY_REQUESTS
        or {"retry-after", "x-github-request-id"} & headers.keys()
        or _LIMITING_PAGE.search(response.body)
    ):
        kind = SecondaryLimited
    else:
        return InvalidAnswer(f"{status}: a page that is not GitHub's forbids the request", **evidence)
    return _error(kind, f"{status}: a page about too many requests", response, evidence)


def _http_error(response: Response, fields: Mapping[str, Any], evidence: Evidence) -> GitHubError:
    """Return the error for a status of 400 or more."""
    if "message" not in fields:  # GraphQL's shape
        fields = next(iter(_objects(fields.get("errors"))), fields)
    message = fields.get("message")
    if not isinstance(message, str):
        message = HTTPStatus(response.status).phrase if response.status in _STATUSES else "an unknown status"
    return _error(_http_kind(response, fields), f"{response.status}: {message}", response, evidence)


def _http_kind(response: Response, fields: Mapping[str, Any]) -> type[GitHubError]:
    status = response.status
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _trouble(response, fields)
    if status == HTTPStatus.UNAUTHORIZED:
        return Unauthorized
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return ProxyRefused
    if status in (HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS):
        return _refusal(response, fields)
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS):
        return NotFound
    if status in (HTTPStatus.CONFLICT, HTTPStatus.LOCKED):
        return Conflict
    return ServerError if status in _PASSING else QueryRefused


def _trouble(response: Response, fields: Mapping[str, Any]) -> type[GitHubError]:
    """Return the error for a status of 500 or more: how long it took counts for more than what it says."""
    says_so = _by_phrase(fields) is QueryTimeout
    gave_up = says_so or response.status in (HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT)
    if gave_up and response.seconds >= (_LONG_BY_ITS_WORDS if says_so else _LONG):
        return QueryTimeout
    return QueryFailed if _EXECUTING in str(fields.get("message")).lower() else ServerError


def _refusal(response: Response, fields: Mapping[str, Any]) -> type[GitHubError]:
    """Return why GitHub answered 403 or 429: a limit, or a missing permission."""
    headers = response.headers
    if by_phrase := _by_phrase(fields):
        return by_phrase
    if "required" in headers.get("x-github-sso", ""):
        return SsoRequired
    if headers.get("retry-after"):
        return SecondaryLimited
    if headers.get("x-ratelimit-remaining") == "0":
        return RateLimited
    is_limit = response.status == HTTPStatus.TOO_MANY_REQUESTS or _LIMITING_WORDS.search(str(fields.get("message")))
    return SecondaryLimited if is_limit else Forbidden


def _by_phrase(fields: Mapping[str, Any]) -> type[GitHubError] | None:
    """Return the error that GitHub's wording indicates, in GraphQL errors and REST documents alike."""
    words = f"{fields.get('message')} {fields.get('documentation_url')}".lower()
    return next((kind for phrase, kind in _PHRASES if phrase in words), None)


def _error(kind: type[GitHubError], message: str, response: Response, evidence: Evidence) -> GitHubError:
    """Return the error with everything that GitHub said, in one line."""
    text = "GitHub: " + " ".join(message.split())[:_LONGEST_MESSAGE]
    if kind is RateLimited:
        limit = limit_from_headers(response.headers)
        return RateLimited(text, reset_at=None if limit is None else limit.reset_at, **evidence)
    if kind is UndefinedField:
        found = _UNDEFINED_FIELD.search(message)
        return UndefinedField(text, field="" if found is None else found[1], **evidence)
    if kind is SsoRequired and (page := re.search(r"url=(https://[^?;,\s]+)", response.headers.get("x-github-sso", ""))):
        text += f" (see {page[1]})"  # without its query, which identifies one authorization request
    return kind(text, **evidence)
