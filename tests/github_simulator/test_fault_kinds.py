"""Every fault, as a client meets it."""

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
from tests.github_simulator.asking import PAGE, Client
from tests.github_simulator.conftest import ClientOf

WENT_WRONG = "Something went wrong while executing your query. This may be the result of a timeout"
SAML = (
    "Resource protected by organization SAML enforcement. "
    "You must grant your Personal Access token access to this organization."
)
VARIABLES: dict[str, Any] = {"owner": "synthetic", "name": "repo-0", "first": 10}


@pytest.fixture(scope="module")
def github() -> Iterator[SimulatedGitHub]:
    """One simulator for all faults."""
    with simulator(synthetic=20) as running:
        yield running


@pytest.fixture
def asking(github: SimulatedGitHub, client_of: ClientOf) -> Client:
    """A client, for which nothing is scripted yet."""
    github.clear_faults()
    return client_of(github)


def page(client: Client, *, timeout: float = 10, **fault: Any) -> requests.Response:
    """The answer to a page that meets the fault."""
    client.github.add_faults(fault)
    return client.post(PAGE, timeout=timeout, **VARIABLES)


def rest(client: Client, *, timeout: float = 10, **fault: Any) -> requests.Response:
    """The answer to a REST request that meets the fault."""
    client.github.add_faults(fault)
    return client.get("/repos/synthetic/repo-0", timeout=timeout)


def test_the_primary_limit(asking: Client) -> None:
    """200 with RATE_LIMITED, nothing left, and a reset ahead; REST 403. The account's real budget is untouched."""
    answer = page(asking, fault="primary_limit", reset_in=30)
    other = rest(asking, fault="primary_limit")

    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["type"]) == (200, "RATE_LIMITED")
    assert error["message"].startswith("API rate limit exceeded for user ID ")
    assert answer.headers["x-ratelimit-remaining"] == "0"
    assert 28 <= int(answer.headers["x-ratelimit-reset"]) - time.time() <= 31
    assert (other.status_code, other.headers["x-ratelimit-remaining"]) == (403, "0")
    assert asking.post(PAGE, **VARIABLES).headers["x-ratelimit-remaining"] != "0"


def test_the_primary_limit_in_its_other_spelling(asking: Client) -> None:
    """RATE_LIMIT with a code; REST 429."""
    answer = page(asking, fault="primary_limit_variant")

    (error,) = answer.json()["errors"]
    assert (error["type"], error["code"]) == ("RATE_LIMIT", "graphql_rate_limit")
    assert error["message"].startswith("API rate limit already exceeded for user ID ")
    assert rest(asking, fault="primary_limit_variant").status_code == 429


@pytest.mark.parametrize(("status", "retry_after"), [(403, None), (429, 7), (200, None)])
def test_the_secondary_limit(asking: Client, status: int, retry_after: int | None) -> None:
    """With 403, 429 or 200, with and without Retry-After, and with budget left."""
    answer = page(asking, fault="secondary_limit", status=status, retry_after=retry_after)

    assert answer.status_code == status
    assert answer.headers.get("retry-after") == (None if retry_after is None else str(retry_after))
    assert int(answer.headers["x-ratelimit-remaining"]) > 0
    assert answer.json() == {
        "documentation_url": "https://docs.github.com/en/free-pro-team@latest/rest/overview/resources-in-the-rest-api"
        "#secondary-rate-limits",
        "message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
    }


@pytest.mark.parametrize(("fault", "data"), [("query_timeout", None), ("data_null_string", "null")])
def test_a_query_that_took_too_long(asking: Client, fault: str, data: str | None) -> None:
    """502 in JSON, without limits; `data` has been seen as a string."""
    answer = page(asking, fault=fault)

    assert answer.status_code == 502
    assert answer.json()["data"] == data
    assert answer.json()["errors"][0]["message"].startswith(WENT_WRONG)
    assert "x-ratelimit-remaining" not in answer.headers


def test_the_proxys_own_pages(asking: Client) -> None:
    """502 in HTML, 504 in JSON, both without limits."""
    page_502, answer_504 = page(asking, fault="bad_gateway_page"), page(asking, fault="gateway_timeout")

    assert (page_502.status_code, page_502.headers["content-type"]) == (502, "text/html; charset=utf-8")
    assert page_502.text.startswith("<html>\r\n<head><title>502 Bad Gateway</title></head>")
    assert "<center>nginx</center>" in page_502.text
    assert answer_504.status_code == 504
    assert answer_504.json()["message"].startswith("We couldn't respond to your request in time.")
    assert not {"x-ratelimit-remaining"} & {*page_502.headers, *answer_504.headers}


def test_something_broke_and_a_page_for_people(asking: Client) -> None:
    """500 in JSON; and 200 in HTML, which is no answer."""
    assert page(asking, fault="server_error").status_code == 500
    answer = page(asking, fault="html_page")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")


def test_a_revoked_token(asking: Client) -> None:
    """401 in the middle of things."""
    assert page(asking, fault="bad_credentials").json()["message"] == "Bad credentials"
    assert rest(asking, fault="bad_credentials").status_code == 401


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
def test_a_field_that_is_refused(asking: Client, fault: str, error_type: str, status: int | None) -> None:
    """GraphQL: 200, the field null, and an error at its path; REST: the status for it."""
    answer = page(asking, fault=fault)

    assert answer.status_code == 200
    assert answer.json()["data"] == {"repository": None}
    (error,) = answer.json()["errors"]
    assert (error["type"], error["path"]) == (error_type, ["repository"])
    if status is not None:
        assert rest(asking, fault=fault).status_code == status


def test_saml_says_where_to_grant_access(asking: Client) -> None:
    """The sentence, `saml_failure`, and the header."""
    answer = page(asking, fault="sso")

    (error,) = answer.json()["errors"]
    assert (error["message"], error["extensions"]) == (SAML, {"saml_failure": True})
    assert answer.headers["x-github-sso"].startswith("required; url=https://github.com/orgs/synthetic/sso?")
    assert rest(asking, fault="sso").json()["message"] == SAML


def test_an_ip_allow_list_names_the_organization(asking: Client) -> None:
    """The recorded sentence."""
    message = page(asking, fault="ip_allow_list").json()["errors"][0]["message"]

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
def test_a_partial_answer_has_null_nodes(asking: Client, fault: str, error_type: str, message: str) -> None:
    """Some nodes of the page are null, each with an error at its index; the others are all there."""
    answer = page(asking, fault=fault, indexes=[1, 3])

    nodes = answer.json()["data"]["repository"]["pullRequests"]["nodes"]
    assert [node is None for node in nodes] == [False, True, False, True, *[False] * 6]
    assert [(error["type"], error["path"], error["message"]) for error in answer.json()["errors"]] == [
        (error_type, ["repository", "pullRequests", "nodes", index], message) for index in (1, 3)
    ]
    assert answer.headers.get("x-github-sso") == (
        "partial-results; organizations=21955855,20582480" if fault == "sso_partial" else None
    )


def test_json_that_stops_in_the_middle(asking: Client) -> None:
    """HTTP says that all is well."""
    answer = page(asking, fault="invalid_json")

    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.content)


def test_a_body_that_is_cut(asking: Client) -> None:
    """The connection ends before the announced length."""
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        page(asking, fault="cut_body")


def test_a_connection_that_is_reset(asking: Client) -> None:
    """There is no answer at all."""
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        page(asking, fault="connection_reset")


def test_a_body_that_drips(asking: Client) -> None:
    """It arrives whole, in the time given."""
    started = time.monotonic()

    answer = page(asking, fault="slow_body", seconds=0.4)

    assert len(answer.json()["data"]["repository"]["pullRequests"]["nodes"]) == 10
    assert time.monotonic() - started >= 0.35


def test_a_client_that_gives_up_on_a_hanging_request_is_not_in_flight_any_more(asking: Client) -> None:
    """The simulator notices that it is gone; the next request is alone."""
    with pytest.raises(requests.Timeout):
        page(asking, timeout=0.2, fault="hang", seconds=30)

    assert asking.post(PAGE, **VARIABLES).status_code == 200
    assert asking.github.stats()["max_in_flight"] == {asking.github.account_of("ghp_test"): 1}


def test_a_hanging_request_ends_after_its_time(asking: Client) -> None:
    """Without an answer."""
    with pytest.raises(requests.ConnectionError):
        page(asking, fault="hang", seconds=0.2)


def test_a_delay_is_all_that_may_happen(asking: Client) -> None:
    """The regular answer, later."""
    started = time.monotonic()

    assert page(asking, fault="delay", delay_ms=200).json()["data"]["repository"]["pullRequests"]["totalCount"] == 20
    assert time.monotonic() - started >= 0.19


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_after_a_fault_all_is_well(asking: Client, fault: str) -> None:
    """Whatever happened to a request of either API, the next one of the same client is served."""
    parameters = {"seconds": 0.01} if "seconds" in FAULTS[fault].parameters else {}
    for ask in (page, rest):
        with contextlib.suppress(requests.RequestException):
            ask(asking, fault=fault, **parameters)

    assert "data" in asking.post(PAGE, **VARIABLES).json()
    assert asking.get("/repos/synthetic/repo-0").status_code == 200


def test_every_fault_is_explained() -> None:
    """The simulator's README has a row for each."""
    readme = (Path(apps.github_simulator.__file__).parent / "README.md").read_text()

    assert [fault for fault in FAULTS if f"`{fault}`" not in readme] == []
