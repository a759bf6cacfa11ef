"""The accounts that tokens belong to; tokens of the same account share its rate limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Literal, get_args

from apps.github_simulator.actors import Actor
from apps.github_simulator.model import Repository

AccountType = Literal["User", "Installation"]
_TOKEN_FIELDS = {"account", "type", "repositories", "expires_at", "scopes"}


class TokensError(ValueError):
    """An invalid entry in a tokens file; the message identifies the entry but never contains the token."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account and what its token may access.

    If `repositories` is None, the token can access every repository; if `expires_at` is None, it never expires.
    """

    login: str
    type: AccountType = "User"
    repositories: frozenset[str] | None = None
    expires_at: datetime | None = None
    scopes: tuple[str, ...] = ("repo", "read:org")

    @property
    def actor(self) -> Actor:
        """The user or bot that the account belongs to."""
        return Actor(self.login, "Bot" if self.type == "Installation" else "User")

    @property
    def subject(self) -> str:
        """The account as GitHub's rate limit messages identify it."""
        return f"{'installation' if self.type == 'Installation' else 'user'} ID {self.actor.database_id}"

    def sees(self, repository: Repository) -> bool:
        """Return whether the token has access to `repository`."""
        return self.repositories is None or repository.name_with_owner.lower() in self.repositories


class Accounts:
    """The known tokens and their accounts.

    Without `tokens`, any non-empty token is accepted and gets an account of its own.
    """

    def __init__(self, tokens: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self._open = tokens is None
        self._accounts = {
            token: _account(entry, number=number) for number, (token, entry) in enumerate((tokens or {}).items(), 1)
        }
        self._expired: set[str] = set()

    def of(self, token: str, *, now: datetime) -> Account | None:
        """Return the account that `token` belongs to, or None if the token is unknown, expired or revoked."""
        if token in self._expired:
            return None
        account = self._accounts.get(token)
        if account is None and self._open and token:
            fingerprint = sha256(token.encode()).hexdigest()[:8]
            account = self._accounts[token] = Account(login=f"user-{fingerprint}")
        if account is None or (account.expires_at and account.expires_at <= now):
            return None
        return account

    def expire(self, token: str) -> None:
        """Reject `token` from now on."""
        self._expired.add(token)

    def add(self, token: str, entry: Mapping[str, Any]) -> None:
        """Accept `token` from now on, with the account and access that `entry` describes."""
        self._expired.discard(token)
        self._accounts[token] = _account(entry, number=len(self._accounts) + 1)


def _account(entry: Mapping[str, Any], *, number: int) -> Account:
    where = f"token entry {number}"
    unknown = set(entry) - _TOKEN_FIELDS
    if unknown or not isinstance(entry.get("account"), str):
        raise TokensError(
            f"{where}: an entry has `account` (a login) and may have "
            f"{', '.join(sorted(_TOKEN_FIELDS - {'account'}))}; found {', '.join(sorted(entry)) or 'nothing'}."
        )
    kind = entry.get("type", "User")
    if kind not in get_args(AccountType):
        raise TokensError(f"{where}: `type` is one of {', '.join(get_args(AccountType))}, not {kind!r}.")
    for name in ("repositories", "scopes"):
        values = entry.get(name)
        if values is not None and (isinstance(values, str) or not all(isinstance(value, str) for value in values)):
            raise TokensError(f"{where}: `{name}` is a list of texts.")
    repositories = entry.get("repositories")
    return Account(
        login=entry["account"],
        type=kind,
        repositories=None if repositories is None else frozenset(name.lower() for name in repositories),
        expires_at=_moment(entry.get("expires_at"), where=where),
        scopes=tuple(entry.get("scopes", () if kind == "Installation" else ("repo", "read:org"))),
    )


def _moment(value: object, *, where: str) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return value
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise TokensError(f"{where}: `expires_at` is an ISO 8601 time, not {value!r}.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
