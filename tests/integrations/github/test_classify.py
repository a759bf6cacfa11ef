"""Every recorded answer is the error that it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import orjson
import pytest

from apps.integrations import errors
from apps.integrations.errors import GitHubError, Moved, RateLimited
from apps.integrations.github.classify import classify, hidden_paths
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
    "forbidden_rest": errors.AppNotAllowed,
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


@pytest.mark.parametrize("cost", [-1, 2**31, 2**63, True, "3", None])
def test_a_cost_that_no_row_can_hold_is_not_known(cost: object) -> None:
    """What a failed call cost is added to its row, as that of any other."""
    error = _of({"data": {"rateLimit": {"cost": cost}}, "errors": [{"type": "INTERNAL", "message": "no"}]})
    assert error is not None
    assert error.points_cost is None


def test_a_redirect_says_where_to() -> None:
    """The body's address, which REST gives."""
    error = _error("moved")
    assert isinstance(error, Moved)
    assert error.location == "https://api.github.com/repositories/146139403"


def test_the_page_of_an_sso_header_is_of_no_other_error() -> None:
    """A list that leaves organizations out names one, too; what GitHub refuses then has another cure."""
    headers = {"x-github-sso": "partial-results; url=https://github.com/orgs/o/sso?x=1"}
    error = classify(Response(status=404, headers=headers, body=b'{"message": "Not Found"}'))
    assert isinstance(error, errors.NotFound)
    assert "https://" not in str(error)


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


_IN_WORDS: tuple[tuple[dict[str, object], type[GitHubError]], ...] = (
    ({"message": "Bad credentials"}, errors.Unauthorized),
    ({"message": "You have exceeded a secondary rate limit"}, errors.SecondaryLimited),
    ({"message": "API rate limit exceeded"}, errors.RateLimited),
    ({"message": "Resource protected by organization SAML enforcement"}, errors.SsoRequired),
    ({"message": "the organization has an IP allow list enabled"}, errors.IpNotAllowed),
    ({"message": "no", "type": "FORBIDDEN"}, errors.Forbidden),
    ({"message": "timedout"}, errors.QueryTimeout),
    ({"message": "no", "type": "MAX_NODE_LIMIT_EXCEEDED"}, errors.TooCostly),
    ({"message": "no", "type": "INTERNAL"}, errors.ServerError),
    ({"message": "no", "type": "NOT_FOUND", "path": ["repository"]}, errors.NotFound),
    ({"message": "Variable $first is wrong"}, errors.QueryRefused),
    ({"message": "Field 'mood' doesn't exist on type 'User'"}, errors.UndefinedField),
)


@pytest.mark.parametrize("gravest", range(len(_IN_WORDS)))
def test_of_several_errors_the_gravest_is_raised(gravest: int) -> None:
    """Whichever GitHub names first: its cure covers the others."""
    error, kind = _IN_WORDS[gravest]
    for other, _ in _IN_WORDS[gravest:]:
        for both in ([error, other], [other, error]):
            found = classify(Response(status=200, headers={}, body=orjson.dumps({"errors": both})))
            assert type(found) is kind


def test_what_a_token_may_not_see_is_named_by_its_paths() -> None:
    """If that is all that is wrong with the answer: each error says where, and something else was given."""
    hidden = {"type": "FORBIDDEN", "path": ["repository", "pullRequests", "nodes", 3], "message": "SAML"}
    also = {"extensions": {"saml_failure": True}, "path": ["list0"], "message": "no"}
    data: dict[str, object] = {"repository": {}}

    def paths(*errors: object, data: object = data) -> tuple[object, ...]:
        return hidden_paths(Response(status=200, headers={}, body=orjson.dumps({"data": data, "errors": errors})))

    assert paths(hidden, also) == (("repository", "pullRequests", "nodes", 3), ("list0",))
    assert paths() == ()
    for other in (
        {"type": "NOT_FOUND", "path": ["repository", "x"]},
        {"type": "FORBIDDEN", "path": ["repository"]},
        {"type": "FORBIDDEN"},
        "no error",
    ):
        assert paths(hidden, other) == ()
    assert paths(hidden, data=None) == ()
    assert hidden_paths(Response(status=200, headers={}, body=b"<html>")) == ()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_without_a_body_says_where_to_in_its_header(status: int) -> None:
    """Or nowhere."""
    location = "https://api.github.com/repositories/1"
    for headers, expected in (({"location": location}, location), ({}, None)):
        error = classify(Response(status=status, headers=headers, body=b"{}"))
        assert isinstance(error, Moved)
        assert (error.location, error.http_status) == (expected, status)


def test_an_error_may_come_with_a_200_and_data_is_none() -> None:
    """A message with its page is one; a message among data is what was asked for."""
    refused = {"message": "Problems parsing JSON", "documentation_url": "https://docs.github.com"}
    assert type(_of(refused)) is errors.QueryRefused
    assert type(_of({**refused, "message": "Bad credentials"})) is errors.Unauthorized
    for fine in (
        {**refused, "data": {}},
        {"message": "a commit's"},
        {"documentation_url": "x"},
        {
            "message": 5,
        },
    ):
        assert _of(fine) is None


def _of(document: Mapping[str, object], *, status: int = 200, **headers: str) -> GitHubError | None:
    return classify(Response(status=status, headers=headers, body=orjson.dumps(document)))


@pytest.mark.parametrize(
    ("status", "headers", "kind"),
    [
        (400, {}, errors.QueryRefused),
        (401, {}, errors.Unauthorized),
        (403, {}, errors.Forbidden),
        (403, {"x-github-sso": "required; url=https://github.com/orgs/o/sso?x=1"}, errors.SsoRequired),
        (403, {"x-github-sso": "partial-results"}, errors.Forbidden),
        (403, {"retry-after": "5", "x-ratelimit-remaining": "0"}, errors.SecondaryLimited),
        (403, {"x-ratelimit-remaining": "0"}, errors.RateLimited),
        (403, {"x-ratelimit-remaining": "1"}, errors.Forbidden),
        (404, {}, errors.NotFound),
        (408, {}, errors.ServerError),
        (409, {}, errors.Conflict),
        (410, {}, errors.NotFound),
        (421, {}, errors.ServerError),
        (423, {}, errors.Conflict),
        (425, {}, errors.ServerError),
        (422, {}, errors.QueryRefused),
        (429, {}, errors.SecondaryLimited),
        (429, {"x-ratelimit-remaining": "0"}, errors.RateLimited),
        (451, {}, errors.NotFound),
        (500, {}, errors.ServerError),
    ],
)
def test_a_status_says_what_words_do_not(status: int, headers: dict[str, str], kind: type[GitHubError]) -> None:
    """With the headers that GitHub sends beside it."""
    error = classify(Response(status=status, headers=headers, body=b'{"message": "no"}'))
    assert type(error) is kind
    assert str(error).startswith(f"GitHub: {status}: no")


def test_a_message_is_cut_at_300_characters_and_its_blanks_are_one() -> None:
    """It stands in a line and on a row."""
    error = _of({"message": "a  b\n" + "x" * 400}, status=400)
    assert str(error) == "GitHub: " + ("400: a b " + "x" * 400)[:300]


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind"),
    [
        (403, {}, b"<html>Blocked by the firewall</html>", errors.InvalidAnswer),
        (403, {"x-ratelimit-remaining": "5"}, b"<html>Blocked</html>", errors.InvalidAnswer),
        (403, {"x-ratelimit-remaining": "0"}, b"<html>Blocked</html>", errors.RateLimited),
        (429, {"x-ratelimit-remaining": "0"}, b"<html>Blocked</html>", errors.RateLimited),
        (403, {"x-ratelimit-remaining": "0", "retry-after": "5"}, b"<html>Blocked</html>", errors.SecondaryLimited),
        (429, {}, b"<html>Blocked</html>", errors.SecondaryLimited),
        (403, {}, b"<html>You triggered an ABUSE detection</html>", errors.SecondaryLimited),
        (403, {}, b"<html>Rate-limit</html>", errors.SecondaryLimited),
        (403, {}, b"<html>rate limit</html>", errors.SecondaryLimited),
        (403, {}, b"<html>Too many requests</html>", errors.SecondaryLimited),
        (403, {}, b"<html>temporarily limited</html>", errors.SecondaryLimited),
        (403, {}, b"", errors.Forbidden),
        (401, {}, b"", errors.Unauthorized),
        (401, {}, b"<html>Please sign in</html>", errors.InvalidAnswer),
        (401, {"x-github-request-id": "A1"}, b"<html>Please sign in</html>", errors.Unauthorized),
        (429, {}, b"", errors.SecondaryLimited),
        (500, {}, b"<html>Too many requests</html>", errors.ServerError),
        (404, {}, b"<html>Nothing here</html>", errors.InvalidAnswer),
        (410, {}, b"<html>Gone</html>", errors.NotFound),
    ],
)
def test_a_page_is_a_limit_where_it_says_so_or_github_sent_it(
    status: int, headers: dict[str, str], body: bytes, kind: type[GitHubError]
) -> None:
    """Any other page that forbids something is somebody's between GitHub and us."""
    assert type(classify(Response(status=status, headers=headers, body=body))) is kind


@pytest.mark.parametrize(
    "message",
    [
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
        "You have triggered an abuse detection mechanism and have been temporarily blocked from content creation.",
        "Too many requests",
        "You have been temporarily blocked.",
        "Your access is temporarily restricted",
        "This endpoint is temporarily being throttled. Please try again later.",
        "was submitted too quickly",
    ],
)
@pytest.mark.parametrize("status", [403, 429])
def test_a_limit_is_one_in_all_its_words(message: str, status: int) -> None:
    """Also where no header says it, in REST's shape and in GraphQL's."""
    for document in ({"message": message}, {"errors": [{"type": "FORBIDDEN", "message": message}]}):
        assert type(_of(document, status=status)) is errors.SecondaryLimited


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ({"type": "NOT_FOUND"}, "NOT_FOUND"),
        ({"message": None, "code": "undefined"}, "undefined"),
        ({"message": " ", "type": 7}, "an error without a word"),
        ({}, "an error without a word"),
        ({"message": {"a": 1}, "type": "INTERNAL"}, "INTERNAL"),
    ],
)
def test_an_error_without_a_message_is_named_by_what_it_has(error: dict[str, object], words: str) -> None:
    """Nobody reads that GitHub said `None`."""
    assert str(_of({"errors": [error]})) == f"GitHub: {words}"
