"""Secrets are known by their shape, however often they were quoted on their way; what only looks like one stays."""

from __future__ import annotations

import json
from collections.abc import Callable
from time import process_time
from urllib.parse import quote, quote_plus

import pytest

from telemetry.redaction import REDACTED, is_secret_name, redact, redact_value
from tests.telemetry.canary import CANARY, SECRETS

QUOTINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "inside a sentence": lambda secret: f"GitHub said no to {secret} (401)",
    "repr": repr,
    "repr of a repr": lambda secret: repr([repr(secret)]),
    "an exception's repr": lambda secret: repr(RuntimeError(f"no: {[secret]}")),
    "JSON": json.dumps,
    "JSON in JSON": lambda secret: json.dumps({"body": json.dumps({"text": secret})}),
    "a URL's parameter": lambda secret: f"https://host/path?state={quote(secret, safe='')}&page=2",
    "a form": lambda secret: f"state={quote_plus(secret)}&page=2",
}


@pytest.mark.parametrize("quoting", QUOTINGS)
def test_a_secret_is_taken_out_in_every_quoting(quoting: str) -> None:
    """Of every shape, alone and all together."""
    said = QUOTINGS[quoting]
    assert [secret for secret in SECRETS if CANARY in redact(said(secret))] == []
    assert CANARY not in redact(said(" ".join(SECRETS)))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"https://user:{CANARY}@example.org/a", f"https://{REDACTED}@example.org/a"),
        (f"GET /user?access_token={CANARY}&page=2", f"GET /user?access_token={REDACTED}&page=2"),
        (f'{{"client_secret": "{CANARY}", "page": 2}}', f'{{"client_secret": "{REDACTED}", "page": 2}}'),
        (f"{{'password': '{CANARY}', 'page': 2}}", f"{{'password': '{REDACTED}', 'page': 2}}"),
        (f"token ghp_{CANARY}0123456789 is bad", f"token {REDACTED} is bad"),
        (f"-----BEGIN RSA PRIVATE KEY-----\n{CANARY}\n-----END RSA PRIVATE KEY-----\nbye", f"{REDACTED}\nbye"),
        (
            f"https://h/?next=https%3A%2F%2Fuser%3A{CANARY}%40example.org%2Fa",
            f"https://h/?next=https%3A%2F%2F{REDACTED}%40example.org%2Fa",
        ),
        (rf'"{{\"access_token\": \"{CANARY}\", \"page\": 2}}"', rf'"{{\"access_token\": \"{REDACTED}\", \"page\": 2}}"'),
    ],
)
def test_what_surrounds_a_secret_stays(text: str, left: str) -> None:
    """It helps whoever reads."""
    assert redact(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "",
        "libuv/libuv",
        "github/docs",
        "octo-org/token-bucket",
        "octo-org/basic_auth",
        "git@github.com:octo-org/repo.git",
        "https://github.com/octo-org/repo/pull/7?tab=files",
        "https://pypi.org/project/requests/@latest",
        "https://api.github.com/repos/{owner}/{repo}",
        "basic authentication is required",
        "Bearer tokens are not accepted here",
        "unexpected token: x",
        "the token expired",
        "a passing build, a monkey, a keyboard",
        "sync.api.graphql",
        "apps.integrations.tasks.sync_repository[8f14e45f-ceea-467f-9d2a-3c1a3b7b0a11]",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "9b74c9897bac770ffc029102a200c5de8b0a4a3e",
        "KeyError: 'team_id'",
        "primary key violated: key (id)=(12) exists",
        "node_id=MDExOlB1bGxSZXF1ZXN0MQ==",
        "100%40 of 5",
        "ghost_town",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    """Names, ids, addresses and sentences are no secrets."""
    assert redact(text) == text


def test_a_mapping_loses_what_stands_under_a_secrets_name() -> None:
    """Whatever it looks like; numbers of ordinary names, order and nesting stay."""
    assert redact_value({"user": "ann", "password": "short", "deep": [{"X-Api-Key": "k", "n": 1}], "token": None}) == {
        "user": "ann",
        "password": REDACTED,
        "deep": [{"X-Api-Key": REDACTED, "n": 1}],
        "token": None,
    }


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("password", True),
        ("client_secret", True),
        ("X-Api-Key", True),
        ("access_token", True),
        ("http.request.header.authorization", True),
        ("tokens", False),
        ("token_count", False),
        ("secretary", False),
        ("key", False),
    ],
)
def test_names_of_secrets(name: str, secret: bool) -> None:
    """The whole last word of a name says it."""
    assert is_secret_name(name) is secret


@pytest.mark.parametrize(
    "rubbish",
    [
        "://",
        "gh",
        "ghp_",
        "github_pat_",
        "eyJ",
        "eyJ.",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN%20",
        "authorization",
        "authorization: ",
        "authorization: bearer ",
        "token ",
        "token=",
        "basic+",
        "access_token",
        "access_token=",
        'access_token="',
        'access_token=\\"',
        "access_token%3D%22",
        "%5C",
        "%5C%5C%22access_token",
        "\\",
        '\\"',
        "%3A%2F%2F",
        "%3A%2F%2Fa%40",
        "key=",
        "password ",
        " ",
        "a",
        "+",
    ],
)
def test_rubbish_costs_time_in_proportion_to_its_length(rubbish: str) -> None:
    """Eight times as much text costs nothing like sixty-four times as much, as an expression that backtracks would."""
    small, large = (f"secret {rubbish * (length // len(rubbish))} password" for length in (16_000, 128_000))
    assert _best(large) < 30 * max(_best(small), 0.0002)


def _best(text: str) -> float:
    """Processor seconds of the quickest of a few."""
    return min(_seconds(text) for _ in range(3))


def _seconds(text: str) -> float:
    before = process_time()
    redact(text)
    return process_time() - before
