"""Whether an answer is an error, and which: decided in one place, for GraphQL and REST alike. No I/O.

GitHub says the same thing in several ways: by status, by header, by a GraphQL error's ``type`` or ``code``, or in words
alone. See https://docs.github.com/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api,
https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api and
https://docs.github.com/rest/authentication/authenticating-to-the-rest-api (SAML).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson

from apps.integrations.errors import (
    Evidence,
    Forbidden,
    GitHubError,
    InvalidAnswer,
    IpNotAllowed,
    Moved,
    NotFound,
    PartialAnswer,
    QueryRefused,
    QueryTimeout,
    RateLimited,
    SecondaryLimited,
    ServerError,
    SsoRequired,
    TooCostly,
    Unauthorized,
)
from apps.integrations.github.limits import limit_from_headers, seconds_to_wait

_WORDS: tuple[tuple[str, type[GitHubError]], ...] = (
    ("secondary rate limit", SecondaryLimited),
    ("secondary-rate-limits", SecondaryLimited),  # in documentation_url
    ("abuse detection", SecondaryLimited),  # what it was called before, and still is on older servers
    ("rate limit", RateLimited),
    ("saml enforcement", SsoRequired),
    ("ip allow list", IpNotAllowed),
    ("bad credentials", Unauthorized),
    ("something went wrong while executing your query", QueryTimeout),
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
    Forbidden,
    QueryTimeout,
    TooCostly,
    ServerError,
    NotFound,
    QueryRefused,
    PartialAnswer,
)
"""Of several errors in one answer, the one that says what to do about all."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_STATUSES = frozenset(HTTPStatus)
_LONGEST_MESSAGE = 300  # characters of GitHub's own words


def classify(status: int, headers: Mapping[str, str], body: bytes) -> GitHubError | None:
    """The error that this answer is, or None when it is none; header names are in lower case."""
    try:
        decoded(status, headers, body)
    except GitHubError as error:
        return error
    return None


def decoded(status: int, headers: Mapping[str, str], body: bytes) -> Any:
    """The JSON document of an answer that is no error; of an error, the `GitHubError` is raised."""
    document = _document(body)
    evidence = _evidence(status, headers, document)
    fields: Mapping[str, Any] = document if isinstance(document, dict) else {}
    if status in _REDIRECTS:
        location = fields.get("url") or headers.get("location")
        raise Moved("It has moved to another address", location=location, **evidence)
    unreadable = document is _UNREADABLE
    if status >= HTTPStatus.BAD_REQUEST and not (unreadable and status == HTTPStatus.NOT_FOUND):
        raise _http_error(status, fields, headers, evidence)
    if unreadable:
        kind = headers.get("content-type", "an unknown type").partition(";")[0]
        raise InvalidAnswer(f"The answer ({status}) is not JSON, or is cut off: {len(body)} bytes of {kind}", **evidence)
    if errors := fields.get("errors"):
        raise _graphql_error(errors, fields, headers, evidence)
    message = fields.get("message")
    if isinstance(message, str) and "documentation_url" in fields and "data" not in fields:  # an error sent with a 200
        raise _made(_by_words(fields) or QueryRefused, message, headers, evidence)
    return document


_UNREADABLE = object()


def _document(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return _UNREADABLE


def _evidence(status: int, headers: Mapping[str, str], document: object) -> Evidence:
    evidence = Evidence(
        http_status=status, request_id=headers.get("x-github-request-id"), retry_after=seconds_to_wait(headers)
    )
    match document:
        case {"data": {"rateLimit": {"cost": int(cost)}}}:
            evidence["points_cost"] = cost
    return evidence


def _graphql_error(errors: object, fields: Mapping[str, Any], headers: Mapping[str, str], evidence: Evidence) -> GitHubError:
    """The gravest of the errors in a GraphQL answer."""
    found = [(_graphql_type(error, fields), str(error.get("message"))) for error in _listed(errors)]
    if not found:
        return InvalidAnswer("The answer's list of errors is not in GitHub's shape", **evidence)
    kind, message = min(found, key=lambda pair: _GRAVEST_FIRST.index(pair[0]))
    return _made(kind, message, headers, evidence)


def _graphql_type(error: Mapping[str, Any], fields: Mapping[str, Any]) -> type[GitHubError]:
    by_words = _by_words(error)
    by_type = _TYPES.get(str(error.get("type"))) or _TYPES.get(str(error.get("code")))
    extensions = error.get("extensions")
    if isinstance(extensions, dict) and extensions.get("saml_failure"):
        return SsoRequired
    if by_words and by_type in (None, Forbidden, RateLimited, ServerError):
        return by_words  # they tell more than these types do
    if by_type is NotFound and len(error.get("path") or ()) > 1:
        return PartialAnswer  # what was asked for is there; something inside it is not
    if by_type:
        return by_type
    if "data" not in fields:
        return QueryRefused  # it never ran: GitHub does not know a field, or a variable is wrong
    return PartialAnswer if isinstance(fields["data"], dict) else ServerError


def _listed(errors: object) -> list[Mapping[str, Any]]:
    return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []


def _http_error(status: int, fields: Mapping[str, Any], headers: Mapping[str, str], evidence: Evidence) -> GitHubError:
    """The error that a status of 400 or more is, with the words and headers beside it."""
    if "message" not in fields:  # GraphQL's shape
        fields = next(iter(_listed(fields.get("errors"))), fields)
    message = fields.get("message")
    if not isinstance(message, str):
        message = HTTPStatus(status).phrase if status in _STATUSES else "an unknown status"
    return _made(_http_type(status, fields, headers), f"{status}: {message}", headers, evidence)


def _http_type(status: int, fields: Mapping[str, Any], headers: Mapping[str, str]) -> type[GitHubError]:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        timed_out = status in (HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT)
        return QueryTimeout if timed_out or _by_words(fields) is QueryTimeout else ServerError
    if status == HTTPStatus.UNAUTHORIZED:
        return Unauthorized
    if status in (HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS):
        return _refusal(status, fields, headers)
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS):
        return NotFound
    return ServerError if status == HTTPStatus.REQUEST_TIMEOUT else QueryRefused


def _refusal(status: int, fields: Mapping[str, Any], headers: Mapping[str, str]) -> type[GitHubError]:
    """Why GitHub answered 403 or 429: a limit or a right."""
    if by_words := _by_words(fields):
        return by_words
    if "required" in headers.get("x-github-sso", ""):
        return SsoRequired
    if headers.get("retry-after"):
        return SecondaryLimited
    if headers.get("x-ratelimit-remaining") == "0":
        return RateLimited
    return SecondaryLimited if status == HTTPStatus.TOO_MANY_REQUESTS else Forbidden


def _by_words(fields: Mapping[str, Any]) -> type[GitHubError] | None:
    """What an error's own words say, in GraphQL's errors and REST's documents alike."""
    words = f"{fields.get('message')} {fields.get('documentation_url')}".lower()
    return next((kind for phrase, kind in _WORDS if phrase in words), None)


def _made(kind: type[GitHubError], message: str, headers: Mapping[str, str], evidence: Evidence) -> GitHubError:
    """The error with everything that GitHub said, in at most one line."""
    text = "GitHub: " + " ".join(message.split())[:_LONGEST_MESSAGE]
    if kind is RateLimited:
        limit = limit_from_headers(headers)
        return RateLimited(text, reset_at=None if limit is None else limit.reset_at, **evidence)
    if kind is SsoRequired and (page := re.search(r"url=(https://[^?;,\s]+)", headers.get("x-github-sso", ""))):
        text += f" (see {page[1]})"  # without its query, which names one authorization request
    return kind(text, **evidence)
