"""Tokens: valid, invalid and missing ones, and the entries of a tokens file."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from apps.github_simulator.accounts import TokensError
from apps.github_simulator.testing import simulator
from tests.github_simulator.conftest import ClientOf

CHEAP = "{ viewer { login } }"


def test_every_token_is_an_account_whose_name_does_not_reveal_it(client_of: ClientOf) -> None:
    """The login is derived from a hash of the token, so that it is stable."""
    with simulator(synthetic=1) as github:
        names = [client_of(github, token).graphql(CHEAP)["data"]["viewer"]["login"] for token in ("ghp_a", "ghp_b", "ghp_a")]

    assert names[0] == names[2] != names[1]
    assert all(name.startswith("user-") and "ghp" not in name for name in names)


def test_a_request_without_a_token_gets_401(client_of: ClientOf) -> None:
    """Each API asks for authentication in its own words."""
    with simulator(synthetic=1) as github:
        client = client_of(github, "")
        graphql, rest = client.post(CHEAP), client.get("/user")

    assert (graphql.status_code, graphql.json()["message"]) == (401, "This endpoint requires you to be authenticated.")
    assert (rest.status_code, rest.json()["message"]) == (401, "Requires authentication")


def test_an_expired_or_unknown_token_is_rejected(client_of: ClientOf) -> None:
    """It gets 401 Bad credentials immediately, while other tokens of the account stay valid."""
    tokens: dict[str, dict[str, Any]] = {
        "good": {"account": "ada"},
        "other": {"account": "ada", "expires_at": "2999-01-01T00:00:00Z"},
        "old": {"account": "ada", "expires_at": "2020-01-01T00:00:00+00:00"},
    }
    with simulator(synthetic=1, tokens=tokens) as github:
        assert client_of(github, "good").post(CHEAP).status_code == 200
        github.expire_token("good")
        answers = {token: client_of(github, token).post(CHEAP) for token in (*tokens, "stranger")}
        github.add_token("stranger", account="brian")
        assert client_of(github, "stranger").post(CHEAP).status_code == 200

    assert {token: answer.status_code for token, answer in answers.items()} == {
        "good": 401,
        "other": 200,
        "old": 401,
        "stranger": 401,
    }
    assert answers["old"].json() == {
        "message": "Bad credentials",
        "documentation_url": "https://docs.github.com/rest",
        "status": "401",
    }
    assert answers["other"].headers["github-authentication-token-expiration"] == "2999-01-01 00:00:00 UTC"


@pytest.mark.parametrize("scheme", ["bearer", "Bearer", "token", "basic"])
def test_a_token_is_accepted_in_any_scheme_that_github_accepts(client_of: ClientOf, scheme: str) -> None:
    """These are bearer, token, and basic authentication with the token as password."""
    credentials = base64.b64encode(b"x-access-token:ghp_a").decode() if scheme == "basic" else "ghp_a"
    with simulator(synthetic=1) as github:
        client = client_of(github)
        client.session.headers["authorization"] = f"{scheme} {credentials}"
        login = client.graphql(CHEAP)["data"]["viewer"]["login"]
        assert login == github.account_of("ghp_a")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({}, "must have `account`"),
        ({"account": "ada", "role": "admin"}, "may have expires_at, repositories, scopes, type"),
        ({"account": "ada", "repositories": "libuv/libuv"}, "`repositories` must be a list of strings"),
        ({"account": "ada", "type": "Robot"}, "`type` must be one of User, Installation, not 'Robot'"),
        ({"account": "ada", "expires_at": "soon"}, "`expires_at` must be an ISO 8601 time, not 'soon'"),
    ],
)
def test_an_invalid_entry_is_reported_without_its_token(entry: dict[str, Any], message: str) -> None:
    """The error gives the number of the entry and says what is allowed."""
    with pytest.raises(TokensError, match=message) as refused, simulator(synthetic=1, tokens={"ghp_secret": entry}):
        pass

    assert str(refused.value).startswith("Token entry 1")
    assert "ghp_secret" not in str(refused.value)
