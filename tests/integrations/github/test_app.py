"""A GitHub App proves itself for ten minutes at most, and reads what GitHub says of it and its installations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from apps.integrations.errors import AppNotAllowed, AppRefused, InstallationGone, InvalidAnswer, NotFound
from apps.integrations.github.app import (
    App,
    Installation,
    InstallationToken,
    proof_of,
    read_app,
    read_installations,
    read_token,
)
from apps.integrations.github.nodes import Response
from tests.integrations.apps import key
from tests.integrations.recorded import recorded

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
ENDS = datetime(2026, 1, 31, 13, tzinfo=UTC)
PERMISSIONS = {"contents": "read", "metadata": "read", "pull_requests": "read"}


def _answer(document: object, *, status: int = 200) -> Response:
    return Response(status=status, headers={"x-github-request-id": "A1"}, body=orjson.dumps(document))


def _made(**permissions: Any) -> Response:
    """Return GitHub's answer with a new token, with what it says of permissions."""
    return _answer({"token": "ghs_secret", "expires_at": "2026-01-31T13:00:00Z", **permissions}, status=201)


def test_a_proof_is_signed_by_the_app_for_ten_minutes() -> None:
    """Dated a minute back, for a GitHub whose clock is behind; no other key has signed it."""
    proof = proof_of("4711", private_key=key(0).private, now=NOW)
    claims = jwt.decode(
        proof, key(0).public, algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False, "verify_iss": False}
    )
    assert claims.pop("iss") == "4711"
    assert {name: datetime.fromtimestamp(moment, UTC) for name, moment in claims.items()} == {
        "iat": datetime(2026, 1, 31, 11, 59, tzinfo=UTC),
        "exp": datetime(2026, 1, 31, 12, 9, tzinfo=UTC),
    }
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(proof, key(1).public, algorithms=["RS256"])


@pytest.mark.parametrize("wrong", ["", "no key", "-----BEGIN RSA PRIVATE KEY-----\nsecret\n-----END RSA PRIVATE KEY-----"])
def test_what_is_no_key_signs_nothing(wrong: str) -> None:
    """That is said without showing it, and without the library's error, which may."""
    with pytest.raises(AppRefused, match="is not an RSA key in PEM") as caught:
        proof_of("4711", private_key=wrong, now=NOW)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_key_of_another_kind_signs_nothing() -> None:
    """Neither the half that GitHub keeps, nor a key for another algorithm."""
    elliptic = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for wrong in (key(0).public, elliptic.decode()):
        with pytest.raises(AppRefused, match="is not an RSA key in PEM"):
            proof_of("4711", private_key=wrong, now=NOW)


def test_the_app_says_who_it_is() -> None:
    """Its name in addresses, its name and its page; an Enterprise Server may leave that out."""
    document = {"id": 7, "slug": "syncer", "name": "Syncer", "html_url": "https://github.com/apps/syncer"}
    assert read_app(_answer(document)).value == App(slug="syncer", name="Syncer", html_url="https://github.com/apps/syncer")
    del document["html_url"]
    assert read_app(_answer(document)).value == App(slug="syncer", name="Syncer")
    with pytest.raises(InvalidAnswer):
        read_app(_answer({"name": "Syncer"}))


def test_installations_say_where_they_are_and_what_they_see() -> None:
    """One for all repositories, one for some, and one that is suspended; one whose account is gone is counted alone."""
    document = [
        {"id": 1, "account": {"login": "acme"}, "repository_selection": "all", "suspended_at": None},
        {"id": 2, "account": {"login": "mona", "type": "User"}, "repository_selection": "selected"},
        {"id": 3, "account": None, "repository_selection": "all"},
        {"id": 4, "account": {"login": "zeta"}, "suspended_at": "2026-01-01T00:00:00Z"},
    ]
    page = read_installations(_answer(document)).value
    assert page.count == 4
    assert page.installations == (
        Installation(id=1, login="acme", is_suspended=False, has_all_repositories=True),
        Installation(id=2, login="mona", is_suspended=False, has_all_repositories=False),
        Installation(id=4, login="zeta", is_suspended=True, has_all_repositories=True),
    )


def test_a_token_lasts_as_long_as_github_says() -> None:
    """With all that a sync needs, however much more it may; nothing that shows the answer shows the token."""
    read = read_token(_made(permissions={**PERMISSIONS, "pull_requests": "write", "issues": "read"}))
    assert read.value == InstallationToken(token="ghs_secret", expires_at=ENDS)
    assert read.value.expires_at - NOW == timedelta(hours=1)
    assert "2026, 1, 31, 13" in repr(read)
    assert "ghs_secret" not in repr(read)


@pytest.mark.parametrize("permissions", [{}, {"permissions": {}}])
def test_a_token_without_a_list_of_permissions_is_used(permissions: dict[str, Any]) -> None:
    """What it may not read shows when it is read."""
    assert read_token(_made(**permissions)).value.token == "ghs_secret"


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (["contents"], "may not read contents there"),
        (["metadata"], "may not read metadata there"),
        (["pull_requests"], "may not read pull requests there"),
        (["contents", "pull_requests"], "may not read contents nor pull requests there"),
    ],
)
def test_what_a_token_may_not_read_is_named(missing: list[str], said: str) -> None:
    """All of it, as GitHub calls it, and nothing that it may."""
    permissions = {name: "read" for name in (*PERMISSIONS, "issues") if name not in missing}
    with pytest.raises(AppNotAllowed) as caught:
        read_token(_made(permissions=permissions))
    assert str(caught.value) == f"The GitHub App {said}"
    assert caught.value.http_status == 201


def test_a_token_of_an_installation_that_is_gone() -> None:
    """GitHub finds none; of the app's other pages that says nothing."""
    with pytest.raises(InstallationGone, match="the app is not installed there any more") as caught:
        read_token(recorded("not_found_rest"))
    assert caught.value.http_status == 404
    for read in (read_app, read_installations):
        with pytest.raises(NotFound) as other:
            read(recorded("not_found_rest"))
        assert not isinstance(other.value, InstallationGone)


@pytest.mark.parametrize("read", [read_app, read_installations, read_token])
def test_a_proof_that_github_does_not_accept(read: Any) -> None:
    """It is the app's key that is wrong, and no account's token; GitHub's words and its id of the request are kept."""
    refusal = _answer({"message": "A JSON web token could not be decoded"}, status=401)
    with pytest.raises(AppRefused, match="A JSON web token could not be decoded") as caught:
        read(refusal)
    assert (caught.value.http_status, caught.value.request_id) == (401, "A1")
