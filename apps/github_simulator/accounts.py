"""The accounts behind tokens. Tokens of the same account share its limits."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, get_args

import orjson

from apps.github_simulator.actors import Actor
from apps.github_simulator.model import Repository

AccountType = Literal["User", "Installation"]
_TOKEN_FIELDS = {"account", "type", "repositories", "expires_at", "scopes"}
_USER_SCOPES = ("repo", "read:org")


class TokensError(ValueError):
    """A tokens file is invalid; the message identifies the entry by its number, never by its token."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """What a token stands for and may see; `repositories` None means all, `expires_at` None means never."""

    login: str
    type: AccountType = "User"
    repositories: frozenset[str] | None = None
    expires_at: datetime | None = None
    scopes: tuple[str, ...] = _USER_SCOPES

    @property
    def actor(self) -> Actor:
        """The user or bot that acts with the token."""
        return Actor(self.login, "Bot" if self.type == "Installation" else "User")

    @property
    def label(self) -> str:
        """How GitHub's rate-limit messages refer to the account, such as `user ID 123456789`."""
        return f"{'installation' if self.type == 'Installation' else 'user'} ID {self.actor.database_id}"

    def sees(self, repository: Repository) -> bool:
        """Return whether the token gives access to `repository`."""
        return self.repositories is None or repository.name_with_owner.lower() in self.repositories

    def visible(self, repositories: Iterable[Repository]) -> list[Repository]:
        """Return those of the repositories that the token gives access to."""
        return [repository for repository in repositories if self.sees(repository)]


class Accounts:
    """The accounts of all tokens: the given ones or, if none are given, a separate account for every token."""

    def __init__(self, tokens: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        """Read the entries of a tokens file, or accept any token if `tokens` is None."""
        self._accepts_any = tokens is None
        self._accounts = {
            token: _account(entry, number=number) for number, (token, entry) in enumerate((tokens or {}).items(), 1)
        }
        self._expired: set[str] = set()

    def of(self, token: str, *, now: datetime) -> Account | None:
        """Return the account of `token`, or None if the token is unknown, expired or revoked."""
        if token in self._expired:
            return None
        account = self._accounts.get(token)
        if account is None and self._accepts_any and token:
            fingerprint = sha256(token.encode()).hexdigest()[:8]
            account = self._accounts[token] = Account(login=f"user-{fingerprint}")
        if account is None or (account.expires_at and account.expires_at <= now):
            return None
        return account

    def expire(self, token: str) -> None:
        """Reject `token` from now on."""
        self._expired.add(token)

    def add(self, token: str, entry: Mapping[str, Any]) -> None:
        """Accept `token` from now on, as described by an entry of a tokens file."""
        self._expired.discard(token)
        self._accounts[token] = _account(entry, number=len(self._accounts) + 1)


def read_tokens(path: Path) -> dict[str, dict[str, Any]]:
    """Return the entries of a tokens file by token; raises TokensError."""
    try:
        tokens = orjson.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise TokensError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(tokens, dict) or not all(isinstance(entry, dict) for entry in tokens.values()):
        raise TokensError(f'{path} must be a JSON object: {{TOKEN: {{"account": LOGIN, ...}}, ...}}.')
    return tokens


def token_in(authorization: str) -> str:
    """Return the token in an Authorization header, or an empty string if there is none.

    The header is `bearer TOKEN`, `token TOKEN`, or basic authentication with the token as its password.
    """
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic":
        return credentials.strip() if scheme.lower() in ("bearer", "token") else ""
    try:
        user, _, password = base64.b64decode(credentials).decode().partition(":")
    except ValueError:
        return ""
    return password or user


def _account(entry: Mapping[str, Any], *, number: int) -> Account:
    where = f"Token entry {number}"
    unknown = set(entry) - _TOKEN_FIELDS
    if unknown or not isinstance(entry.get("account"), str):
        raise TokensError(
            f"{where} must have `account` (a login), and may have "
            f"{', '.join(sorted(_TOKEN_FIELDS - {'account'}))}; it has {', '.join(sorted(entry)) or 'nothing'}."
        )
    kind = entry.get("type", "User")
    if kind not in get_args(AccountType):
        raise TokensError(f"{where}: `type` must be one of {', '.join(get_args(AccountType))}, not {kind!r}.")
    for name in ("repositories", "scopes"):
        values = entry.get(name)
        if values is not None and (isinstance(values, str) or not all(isinstance(value, str) for value in values)):
            raise TokensError(f"{where}: `{name}` must be a list of strings.")
    repositories = entry.get("repositories")
    return Account(
        login=entry["account"],
        type=kind,
        repositories=None if repositories is None else frozenset(name.lower() for name in repositories),
        expires_at=_expiry(entry.get("expires_at"), where=where),
        scopes=tuple(entry.get("scopes", () if kind == "Installation" else _USER_SCOPES)),
    )


def _expiry(value: object, *, where: str) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return value
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise TokensError(f"{where}: `expires_at` must be an ISO 8601 time, not {value!r}.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
