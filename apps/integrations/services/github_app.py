"""Call GitHub as a GitHub App: who it is, where it is installed, and tokens, renewed in their account's lane."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar, cast

from apps import catalog
from apps.integrations.errors import AppRefused, Unauthorized
from apps.integrations.github import app
from apps.integrations.github.answers import Answer
from apps.integrations.github.app import App, Installation, InstallationToken
from apps.integrations.github.nodes import Response
from apps.integrations.github.transport import GitHubTransport
from apps.integrations.lane import Resource, Turn, Turns
from apps.integrations.services.calls import Call, Calls, Ended
from apps.repositories.accounts import renew_token
from apps.repositories.models import GitHubConnection
from apps.utils import clock

T = TypeVar("T")

_RENEWED_BEFORE = timedelta(minutes=5)
"""How long before expiry a token is renewed: longer than an attempt may sleep for a limit and then send a request."""
_PAGE = 100
_MOST_PAGES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class AppKey:
    """A GitHub App's id and its key, which is never shown."""

    app_id: str
    private_key: str

    def __repr__(self) -> str:
        return f"AppKey(app_id={self.app_id!r})"


class GitHubAppClient:
    """A REST client of the app itself, whose requests take turns in `lane`."""

    def __init__(self, key: AppKey, *, transport: GitHubTransport, lane: Turns) -> None:
        self._key = key
        self._transport = transport
        self._calls = Calls(lane=lane)

    def app(self) -> App:
        """Return who the app is."""
        return self._make("/app", self._get("/app"), app.read_app)

    def installations(self) -> tuple[Installation, ...]:
        """Return where it is installed: the first five thousand places."""
        path = "/app/installations"
        found: list[Installation] = []
        for page in range(1, _MOST_PAGES + 1):
            listed = self._make(path, self._get(path, per_page=str(_PAGE), page=str(page)), app.read_installations)
            found += listed.installations
            if listed.count < _PAGE:
                break
        return tuple(found)

    def token_of(self, installation_id: int) -> InstallationToken:
        """Return a new token of an installation."""
        endpoint = "/app/installations/{installation_id}/access_tokens"
        path = endpoint.format(installation_id=installation_id)
        return self._make(endpoint, lambda before: self._transport.post(path, send_before=before), app.read_token)

    def _get(self, path: str, **params: str) -> Callable[[float], Response]:
        return lambda before: self._transport.rest(path, params, send_before=before)

    def _make(self, endpoint: str, send: Callable[[float], Response], read: Callable[[Response], Answer[T]]) -> T:
        def operation(lane_wait_ms: float) -> catalog.RestCall:
            return catalog.RestCall(endpoint=endpoint, lane_wait_ms=lane_wait_ms)

        def result(ended: Ended[T]) -> catalog.RestAnswered:
            return catalog.RestAnswered(status_code=ended.status_code, remaining=None)

        def signed(before: float) -> Response:
            proof = app.proof_of(self._key.app_id, private_key=self._key.private_key, now=clock.now())
            self._transport.use_token(proof)  # signed when sent: it is valid for ten minutes
            return _without_budget(send(before))

        with closing(self._transport):  # it is seldom used again
            return self._calls.make(Call(resource=None, operation=operation, send=signed, read=read, result=result))


class RenewedTurns:
    """Turns in an account's lane in which an installation's token is always valid.

    It is renewed in a turn of its own, so that nobody else renews it meanwhile: later turns find the new one stored.
    """

    def __init__(
        self,
        lane: Turns,
        *,
        connection: GitHubConnection,
        transport: GitHubTransport,
        client: Callable[[Turns], GitHubAppClient],
    ) -> None:
        self._lane = lane
        self._connection = connection
        self._transport = transport
        self._client = client

    def call(self, send: Callable[[Turn], T], *, resource: Resource | None) -> T:
        """Call `send` in a turn with a valid token, and once more with a new one if GitHub still refuses it."""
        if not self._lasts(self._connection):
            self._renew()
        try:
            return self._lane.call(send, resource=resource)
        except Unauthorized:
            self._renew()
        try:
            return self._lane.call(send, resource=resource)
        except Unauthorized as error:
            said = f"{error}, with a token that the GitHub App has just had made"
            raise AppRefused(said, http_status=error.http_status, request_id=error.request_id) from error

    def _renew(self) -> None:
        """Use the token that another process has stored meanwhile, or request and store one."""
        used = self._connection.token_fingerprint

        def in_turn(turn: Turn) -> None:
            stored = GitHubConnection.objects.get(pk=self._connection.pk)
            if stored.token_fingerprint == used or not self._lasts(stored):
                made = self._client(_InTurn(turn)).token_of(
                    cast("int", stored.installation_id)
                )  # what has none is not renewed
                renew_token(stored, made.token, expires_at=made.expires_at)
            self._connection = stored

        self._lane.call(in_turn, resource=None)
        self._transport.use_token(self._connection.token())

    def _lasts(self, connection: GitHubConnection) -> bool:
        return connection.token_expires_at is not None and connection.token_expires_at > clock.now() + _RENEWED_BEFORE


@dataclass(frozen=True, slots=True)
class _InTurn:
    """Sends in a turn already held."""

    turn: Turn

    def call(self, send: Callable[[Turn], T], *, resource: Resource | None) -> T:
        """Call `send` in the turn."""
        del resource
        return send(self.turn)


def _without_budget(response: Response) -> Response:
    """Return an answer without the budget that it reports, which is the app's own and not its installation's."""
    return replace(response, headers={name: text for name, text in response.headers.items() if not _tells_budget(name)})


def _tells_budget(header: str) -> bool:
    return header.startswith("x-ratelimit-")
