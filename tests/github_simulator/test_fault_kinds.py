"""Every kind of fault as a client experiences it."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

import apps.github_simulator
from apps.github_simulator.testing import FAULTS, SimulatedGitHub, simulator
from tests.github_simulator.client import PAGE, Client
from tests.github_simulator.conftest import ClientOf

WENT_WRONG = "Something went wrong while executing your query. This may be the result of a timeout"
SAML = (
    "Resource protected by organization SAML enforcement. "
    "You must grant your Personal Access token access to this organization."
)
VARIABLES: dict[str, Any] = {"owner": "synthetic", "name": "repo-0", "first": 10}


@pytest.fixture(scope="module")
def github() -> Iterator[SimulatedGitHub]:
    """Run one simulator for all tests of this module."""
    with simulator(synthetic=20) as running:
        yield running


@pytest.fixture
def client(github: SimulatedGitHub, client_of: ClientOf) -> Client:
    """Return a client of that simulator, from which all faults are removed."""
    github.clear_faults()
    return client_of(github)


def page(client: Client, *, timeout: float = 10, **fault: Any) -> requests.Response:
    """Request a page that meets the fault."""
    client.github.add_faults(fault)
    return client.post(PAGE, timeout=timeout, **VARIABLES)


def rest(client: Client, *, timeout: float = 10, **fault: Any) -> requests.Response:
    """Send a REST request that meets the fault."""
    client.github.add_faults(fault)
    return client.get("/repos/synthetic/repo-0", timeout=timeout)


def test_the_primary_limit_reports_a_used_up_budget(client: Client) -> None:
    """GraphQL answers 200 with RATE_LIMITED, REST 403; the account's real budget stays untouched."""
    answer = page(client, fault="primary_limit", reset_in=30)
    other = rest(client, fault="primary_limit")

    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["type"]) == (200, "RATE_LIMITED")
    assert error["message"].startswith("API rate limit exceeded for user ID ")
    assert answer.headers["x-ratelimit-remaining"] == "0"
    assert 28 <= int(answer.headers["x-ratelimit-reset"]) - time.time() <= 31
    assert (other.status_code, other.headers["x-ratelimit-remaining"]) == (403, "0")
    assert client.post(PAGE, **VARIABLES).headers["x-ratelimit-remaining"] != "0"


def test_the_primary_limit_variant_has_another_error_type(client: Client) -> None:
    """GraphQL answers with RATE_LIMIT and a code, REST with 429."""
    answer = page(client, fault="primary_limit_variant")

    (error,) = answer.json()["errors"]
    assert (error["type"], error["code"]) == ("RATE_LIMIT", "graphql_rate_limit")
    assert error["message"].startswith("API rate limit already exceeded for user ID ")
    assert rest(client, fault="primary_limit_variant").status_code == 429


@pytest.mark.parametrize(("status", "retry_after"), [(403, None), (429, 7), (200, None)])
def test_the_secondary_limit_comes_with_any_of_its_statuses(client: Client, status: int, retry_after: int | None) -> None:
    """It may have a Retry-After header, and leaves a budget."""
    answer = page(client, fault="secondary_limit", status=status, retry_after=retry_after)

    assert answer.status_code == status
    assert answer.headers.get("retry-after") == (None if retry_after is None else str(retry_after))
    assert int(answer.headers["x-ratelimit-remaining"]) > 0
    assert answer.json() == {
        "documentation_url": "https://docs.github.com/en/free-pro-team@latest/rest/overview/resources-in-the-rest-api"
        "#secondary-rate-limits",
        "message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
    }


@pytest.mark.parametrize(("fault", "data"), [("query_timeout", None), ("data_null_string", "null")])
def test_a_query_timeout_is_a_502_in_json(client: Client, fault: str, data: str | None) -> None:
    """It has no rate-limit headers, and `data` may be null or the string "null"."""
    answer = page(client, fault=fault)

    assert answer.status_code == 502
    assert answer.json()["data"] == data
    assert answer.json()["errors"][0]["message"].startswith(WENT_WRONG)
    assert "x-ratelimit-remaining" not in answer.headers


def test_the_proxy_answers_without_rate_limit_headers(client: Client) -> None:
    """Its 502 is an HTML page, its 504 is JSON."""
    page_502, answer_504 = page(client, fault="bad_gateway_page"), page(client, fault="gateway_timeout")

    assert (page_502.status_code, page_502.headers["content-type"]) == (502, "text/html; charset=utf-8")
    assert page_502.text.startswith("<html>\r\n<head><title>502 Bad Gateway</title></head>")
    assert "<center>nginx</center>" in page_502.text
    assert answer_504.status_code == 504
    assert answer_504.json()["message"].startswith("We couldn't respond to your request in time.")
    assert not {"x-ratelimit-remaining"} & {*page_502.headers, *answer_504.headers}


def test_a_server_error_is_500_and_an_html_page_may_come_with_200(client: Client) -> None:
    assert page(client, fault="server_error").status_code == 500
    answer = page(client, fault="html_page")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_that_is_down_says_so_in_json_or_html(client: Client, status: int) -> None:
    """It may name a time, and has no rate-limit headers."""
    in_json = page(client, fault="unavailable", status=status)
    in_html = rest(client, fault="unavailable", status=status, html=True, retry_after=9)

    assert (in_json.status_code, in_json.json()) == (status, {"message": "Server Error"})
    assert (in_html.status_code, in_html.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert (in_json.headers.get("retry-after"), in_html.headers["retry-after"]) == (None, "9")


def test_a_limit_may_be_a_page_for_people(client: Client) -> None:
    forbidden, too_many = page(client, fault="limit_page", status=403), rest(client, fault="limit_page")

    assert (forbidden.status_code, too_many.status_code) == (403, 429)
    assert "abuse" in forbidden.text
    assert "Too many requests" in too_many.text


def test_a_request_may_be_accepted_or_conflict_or_end_at_a_proxy(client: Client) -> None:
    answers = [page(client, fault=fault) for fault in ("accepted", "conflict", "proxy_authentication")]

    assert [answer.status_code for answer in answers] == [202, 409, 407]
    assert answers[2].headers["proxy-authenticate"] == 'Basic realm="proxy"'


def test_an_old_server_does_not_know_a_field(client: Client) -> None:
    """Queries without it are answered, also where something else is called so."""
    query = 'query($n: Int!) { repository(owner: "synthetic", name: "repo-0") { pullRequests(first: $n) { nodes { %s } } } }'
    client.github.add_faults({"fault": "undefined_field", "times": None})
    refused = client.post(query % "fullDatabaseId", n=1).json()
    answered = client.post(query % "fullDatabaseId: databaseId", n=1).json()

    (error,) = refused["errors"]
    assert error["message"] == "Field 'fullDatabaseId' doesn't exist on type 'PullRequest'"
    assert error["extensions"]["code"] == "undefinedField"
    assert "data" not in refused
    assert set(answered["data"]["repository"]["pullRequests"]["nodes"][0]) == {"fullDatabaseId"}


def test_an_odd_value_takes_the_place_of_every_value_of_its_name(client: Client) -> None:
    """As its JSON is written, which need not be what a decoder accepts."""
    answer = page(client, fault="odd_value", field="number", json='"\\ud800"')

    assert answer.content.count(b'"number":"\\ud800"') == 10


def test_a_token_may_be_rejected_in_mid_sync(client: Client) -> None:
    """Both APIs answer 401."""
    assert page(client, fault="bad_credentials").json()["message"] == "Bad credentials"
    assert rest(client, fault="bad_credentials").status_code == 401


@pytest.mark.parametrize(
    ("fault", "error_type", "status"),
    [
        ("not_found", "NOT_FOUND", 404),
        ("resource_limits", "RESOURCE_LIMITS_EXCEEDED", None),
        ("sso", "FORBIDDEN", 403),
        ("ip_allow_list", "FORBIDDEN", 403),
        ("access_blocked", "FORBIDDEN", 451),
    ],
)
def test_a_refusal_is_a_null_field_or_a_status(client: Client, fault: str, error_type: str, status: int | None) -> None:
    """GraphQL answers 200 with an error at the field's path."""
    answer = page(client, fault=fault)

    assert answer.status_code == 200
    assert answer.json()["data"] == {"repository": None}
    (error,) = answer.json()["errors"]
    assert (error["type"], error["path"]) == (error_type, ["repository"])
    if status is not None:
        assert rest(client, fault=fault).status_code == status


def test_saml_enforcement_says_where_to_grant_access(client: Client) -> None:
    """The answer has GitHub's message, `saml_failure` and the X-GitHub-SSO header."""
    answer = page(client, fault="sso")

    (error,) = answer.json()["errors"]
    assert (error["message"], error["extensions"]) == (SAML, {"saml_failure": True})
    assert answer.headers["x-github-sso"].startswith("required; url=https://github.com/orgs/synthetic/sso?")
    assert rest(client, fault="sso").json()["message"] == SAML


def test_an_ip_allow_list_names_the_organization(client: Client) -> None:
    message = page(client, fault="ip_allow_list").json()["errors"][0]["message"]

    assert message == (
        "Although you appear to have the correct authorization credentials, the `synthetic` organization has an IP allow "
        "list enabled, and your IP address is not permitted to access this resource."
    )


@pytest.mark.parametrize(
    ("fault", "error_type", "message"),
    [
        ("null_nodes", "RESOURCE_LIMITS_EXCEEDED", "Resource limits for this query exceeded."),
        ("sso_partial", "FORBIDDEN", SAML),
    ],
)
def test_a_partial_answer_has_null_nodes(client: Client, fault: str, error_type: str, message: str) -> None:
    """Each null node has an error at its index, and the other nodes are complete."""
    answer = page(client, fault=fault, indexes=[1, 3])

    nodes = answer.json()["data"]["repository"]["pullRequests"]["nodes"]
    assert [node is None for node in nodes] == [False, True, False, True, *[False] * 6]
    assert [(error["type"], error["path"], error["message"]) for error in answer.json()["errors"]] == [
        (error_type, ["repository", "pullRequests", "nodes", index], message) for index in (1, 3)
    ]
    assert answer.headers.get("x-github-sso") == (
        "partial-results; organizations=21955855,20582480" if fault == "sso_partial" else None
    )


def test_invalid_json_is_a_complete_response(client: Client) -> None:
    """Only the JSON breaks off in the middle."""
    answer = page(client, fault="invalid_json")

    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.content)


def test_a_cut_body_is_shorter_than_announced(client: Client) -> None:
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        page(client, fault="cut_body")


def test_a_reset_connection_gives_no_answer(client: Client) -> None:
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        page(client, fault="connection_reset")


def test_a_slow_body_arrives_whole_in_the_given_time(client: Client) -> None:
    started = time.monotonic()

    answer = page(client, fault="slow_body", seconds=0.4)

    assert len(answer.json()["data"]["repository"]["pullRequests"]["nodes"]) == 10
    assert time.monotonic() - started >= 0.35


def test_a_hanging_request_is_no_longer_in_flight_once_its_client_gives_up(client: Client) -> None:
    """The simulator notices the disconnect, so the next request is the only one."""
    with pytest.raises(requests.Timeout):
        page(client, timeout=0.2, fault="hang", seconds=30)

    assert client.post(PAGE, **VARIABLES).status_code == 200
    assert client.github.stats()["max_in_flight"] == {client.github.account_of("ghp_test"): 1}


def test_a_hanging_request_ends_without_an_answer(client: Client) -> None:
    with pytest.raises(requests.ConnectionError):
        page(client, fault="hang", seconds=0.2)


def test_a_delay_postpones_the_regular_answer(client: Client) -> None:
    started = time.monotonic()

    assert page(client, fault="delay", delay_ms=200).json()["data"]["repository"]["pullRequests"]["totalCount"] == 20
    assert time.monotonic() - started >= 0.19


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_the_request_after_a_fault_is_served(client: Client, fault: str) -> None:
    """This holds for every kind of fault, in both APIs and for the same client."""
    parameters = {"seconds": 0.01} if "seconds" in FAULTS[fault].parameters else {}
    for request in (page, rest):
        with contextlib.suppress(requests.RequestException):
            request(client, fault=fault, **parameters)

    assert "data" in client.post(PAGE, **VARIABLES).json()
    assert client.get("/repos/synthetic/repo-0").status_code == 200


def test_every_fault_is_documented() -> None:
    """The README of the simulator mentions each."""
    readme = (Path(apps.github_simulator.__file__).parent / "README.md").read_text()

    assert [fault for fault in FAULTS if f"`{fault}`" not in readme] == []
