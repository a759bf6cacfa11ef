"""Every recorded answer is the error that it is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from apps.integrations import errors
from apps.integrations.errors import GitHubError, Moved, RateLimited
from apps.integrations.github.classify import classify
from apps.integrations.github.nodes import Response
from tests.integrations.recorded import NAMES, recorded

EXPECTED: dict[str, type[GitHubError] | None] = {
    "abuse_page_403": errors.SecondaryLimited,
    "accepted_202": errors.NotReady,
    "bad_credentials": errors.Unauthorized,
    "blocked_for_legal_reasons": errors.NotFound,
    "conflict_409": errors.Conflict,
    "cut_json": errors.InvalidAnswer,
    "down_502_page": errors.ServerError,
    "down_502_query": errors.QueryFailed,
    "down_503_page": errors.ServerError,
    "down_504": errors.ServerError,
    "empty_body": errors.InvalidAnswer,
    "errors_of_another_shape": errors.InvalidAnswer,
    "forbidden": errors.Forbidden,
    "forbidden_rest": errors.Forbidden,
    "html_page_200": errors.InvalidAnswer,
    "insufficient_scopes": errors.Forbidden,
    "ip_allow_list": errors.IpNotAllowed,
    "ip_allow_list_rest": errors.IpNotAllowed,
    "limit_page_403": errors.RateLimited,
    "moved": errors.Moved,
    "node_limit": errors.TooCostly,
    "not_found": errors.NotFound,
    "not_found_page": errors.InvalidAnswer,
    "not_found_rest": errors.NotFound,
    "partial_null_field": errors.PartialAnswer,
    "partial_unknown_error": errors.PartialAnswer,
    "primary_graphql": errors.RateLimited,
    "primary_graphql_points_left": errors.RateLimited,
    "primary_graphql_variant": errors.RateLimited,
    "primary_rest": errors.RateLimited,
    "primary_rest_429": errors.RateLimited,
    "proxy_407": errors.ProxyRefused,
    "refused_page_of_a_proxy_403": errors.InvalidAnswer,
    "refused_page_of_github_403": errors.SecondaryLimited,
    "repository_rest": None,
    "resource_limits": errors.TooCostly,
    "secondary_200": errors.SecondaryLimited,
    "secondary_403": errors.SecondaryLimited,
    "secondary_403_retry_after": errors.SecondaryLimited,
    "secondary_429": errors.SecondaryLimited,
    "secondary_graphql": errors.SecondaryLimited,
    "server_error": errors.ServerError,
    "service_unavailable": errors.ServerError,
    "several_errors": errors.SsoRequired,
    "slow_503": errors.ServerError,
    "sso": errors.SsoRequired,
    "sso_partial": errors.SsoRequired,
    "sso_rest": errors.SsoRequired,
    "timeout_200": errors.QueryTimeout,
    "timeout_502": errors.QueryTimeout,
    "timeout_502_page": errors.QueryTimeout,
    "timeout_504": errors.QueryTimeout,
    "timeout_data_null_string": errors.QueryTimeout,
    "too_many_requests_page": errors.SecondaryLimited,
    "undefined_field": errors.UndefinedField,
    "validation_failed": errors.QueryRefused,
}


def _error(name: str) -> GitHubError:
    error = classify(recorded(name))
    assert error is not None
    return error


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_is_the_error_that_it_is(name: str) -> None:
    """Exactly this class: not its parent, not its sibling."""
    error = classify(recorded(name))
    assert (None if error is None else type(error)) is EXPECTED[name]


@pytest.mark.parametrize("name", [name for name in NAMES if EXPECTED[name]])
def test_an_error_carries_its_evidence(name: str) -> None:
    """Status and request id are there, in one short line of text."""
    answer, error = recorded(name), _error(name)
    assert error.http_status == answer.status
    assert error.request_id == answer.headers.get("x-github-request-id")
    assert len(str(error).splitlines()) == 1
    assert len(str(error)) < 500


@pytest.mark.parametrize("name", ["primary_graphql", "primary_rest", "primary_rest_429", "primary_graphql_points_left"])
def test_a_primary_limit_says_when_it_resets(name: str) -> None:
    """Also where the headers say that points are left."""
    error = _error(name)
    assert isinstance(error, RateLimited)
    assert error.reset_at == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_primary_limit_without_headers_does_not_invent_a_reset() -> None:
    """Nobody said when, so nobody knows."""
    error = _error("primary_graphql_variant")
    assert isinstance(error, RateLimited)
    assert error.reset_at is None


@pytest.mark.parametrize(
    ("name", "seconds"), [("secondary_403_retry_after", 30.0), ("service_unavailable", 10.0), ("down_503_page", 120.0)]
)
def test_retry_after_is_kept(name: str, seconds: float) -> None:
    """GitHub's own word on when to come back."""
    assert _error(name).retry_after == seconds


def test_the_cost_of_a_failed_call_is_kept() -> None:
    """Where GitHub says what it cost."""
    assert _error("resource_limits").points_cost == 3
    assert _error("timeout_502").points_cost is None


def test_a_redirect_says_where_to() -> None:
    """The body's address, which REST gives."""
    error = _error("moved")
    assert isinstance(error, Moved)
    assert error.location == "https://api.github.com/repositories/146139403"


def test_the_authorization_request_of_an_sso_page_is_left_out() -> None:
    """The page is named; what authorizes a token is not."""
    assert "(see https://github.com/orgs/octo-org/sso)" in str(_error("sso"))


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body><h1>504 Gateway Time-out: timeout</h1></body></html>",
        b'{"message": "Server Error"}',
        b'{"message": "We couldn\'t respond to your request in time."}',
        b'{"data": null, "errors": [{"message": "timeout"}]}',
    ],
    ids=["nothing", "HTML", "JSON", "JSON about time", "GraphQL"],
)
def test_what_is_said_at_once_is_no_timeout(status: int, body: bytes) -> None:
    """Whatever it says: nobody has waited for it."""
    error = classify(Response(status=status, headers={}, body=body, seconds=0.1))
    assert isinstance(error, errors.ServerError)
    assert error.status == "server_error"


@pytest.mark.parametrize(
    ("body", "seconds", "kind"),
    [
        (b"<html></html>", 4.9, errors.ServerError),
        (b"<html></html>", 5.0, errors.QueryTimeout),
        (b'{"message": "timeout"}', 0.9, errors.ServerError),
        (b'{"message": "timeout"}', 1.0, errors.QueryTimeout),
    ],
)
def test_a_gateway_that_took_long_has_timed_out(body: bytes, seconds: float, kind: type[GitHubError]) -> None:
    """Sooner where it says so itself."""
    assert type(classify(Response(status=502, headers={}, body=body, seconds=seconds))) is kind


@pytest.mark.parametrize("headers", [{"retry-after": "30"}, {"x-github-request-id": "A1"}])
@pytest.mark.parametrize("status", [403, 429])
def test_a_page_of_github_s_in_place_of_a_refusal_is_a_limit(status: int, headers: dict[str, str]) -> None:
    """Its APIs refuse in JSON."""
    error = classify(Response(status=status, headers=headers, body=b"<html><body>Whoa there!</body></html>"))
    assert type(error) is errors.SecondaryLimited


def test_an_unknown_status_is_an_error() -> None:
    """Proxies answer with numbers of their own."""
    error = classify(Response(status=599, headers={}, body=b""))
    assert type(error) is errors.ServerError
    assert "an unknown status" in str(error)


def test_a_long_message_is_cut() -> None:
    """A page of text in GitHub's place does not fill the log."""
    error = classify(Response(status=500, headers={}, body=b'{"message": "' + b"x" * 100_000 + b'"}'))
    assert len(str(error)) < 400
