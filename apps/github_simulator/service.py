"""The simulated GitHub: takes every request through the same gates as GitHub does. It does no I/O and never waits."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

import orjson

from apps.github_simulator import replies
from apps.github_simulator.accounts import Account, Accounts, token_in
from apps.github_simulator.fault_kinds import FAULTS, FaultedCall
from apps.github_simulator.faults import FaultRule, FaultScript, Incoming
from apps.github_simulator.github_apps import APP_ENDPOINTS, GitHubApp
from apps.github_simulator.graphql_engine import GraphQLEngine, GraphQLRequest, PreparedQuery
from apps.github_simulator.identity import stable_number
from apps.github_simulator.mentions import Mentions
from apps.github_simulator.rate_limits import Limits, RateLimits, Resource
from apps.github_simulator.replies import Api, Reply
from apps.github_simulator.rest_api import FREE_ENDPOINTS, REST_ENDPOINTS, RestRequest
from apps.github_simulator.traffic import SeenRequest, Traffic
from apps.github_simulator.world import World

_CONCURRENCY_RETRY_AFTER = 60


@dataclass(frozen=True, kw_only=True)
class HttpRequest:
    """A request as it came in; `endpoint` is its REST route, or None where GitHub has no such page."""

    api: Api
    endpoint: str | None
    path: str
    base_url: str
    url: str
    headers: Mapping[str, str]
    path_parameters: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(kw_only=True)
class Call:
    """A request on its way through the gates; `reply` is set as soon as a gate refuses it."""

    http: HttpRequest
    request_id: str
    account: Account | None = None
    query: PreparedQuery | None = None
    rule: FaultRule | None = None
    reply: Reply | None = None
    points: int = 0

    @property
    def resource(self) -> Resource:
        """The budget that the call is charged to."""
        return "graphql" if self.http.api == "graphql" else "core"


class GitHub:
    """The state of a simulated GitHub, and its replies."""

    def __init__(
        self, world: World, *, accounts: Accounts, limits: Limits, faults: FaultScript, app: GitHubApp | None = None
    ) -> None:
        """Serve `world` to `accounts`, each within `limits`, and to an app if there is one."""
        self.world = world
        self.app = app
        self.accounts = accounts
        self.faults = faults
        self.limits = RateLimits(limits, clock=time.time)
        self.traffic = Traffic()
        self._engine = GraphQLEngine(world)
        self._serial = 0

    def enter(self, http: HttpRequest) -> Call:
        """Count a request, identify its account and choose the fault that strikes it; `leave` must follow."""
        self._serial += 1
        call = Call(http=http, request_id=f"{stable_number(http.path):X}:{self._serial:06X}")
        self.traffic.count(http.api, http.headers)
        token = token_in(http.headers.get("authorization", ""))
        if not token:
            call.reply = replies.requires_authentication(http.api)
            return call
        if http.endpoint in APP_ENDPOINTS or self.app is not None:
            call.reply = self._of_app(http, token)
            if call.reply is not None:
                return call
        call.account = self.accounts.of(token, now=datetime.now(UTC))
        if call.account is None:
            call.reply = replies.bad_credentials()
            return call
        in_flight = self.traffic.enter(call.account.login, call.request_id)
        allowed = self.limits.limits.concurrent
        if allowed is not None and in_flight > allowed:
            call.reply = self._with_limits(call, replies.secondary_limit(retry_after=_CONCURRENCY_RETRY_AFTER))
            return call
        if http.api == "graphql":
            self._prepare(call)
        if call.reply is None:
            call.rule = self.faults.strike(self._incoming(call, call.account))
        return call

    def answer(self, call: Call) -> Reply:
        """Return the reply to a call and record it."""
        if call.reply is None and call.account is not None:
            call.reply = self._faulted(call, call.rule, call.account) if call.rule else self._regular(call, call.account)
        reply = cast("Reply", call.reply)
        self.traffic.record(
            SeenRequest(
                at=time.time(),
                api=call.http.api,
                account=call.account.login if call.account else None,
                operation=call.query.operation_name if call.query else None,
                variables=call.query.request.variables if call.query else {},
                endpoint=call.http.endpoint,
                path=call.http.path,
                status=reply.status,
                points=call.points,
                fault=call.rule.fault if call.rule else None,
            )
        )
        return reply.with_headers({"x-github-request-id": call.request_id, "x-github-media-type": "github.v3; format=json"})

    def leave(self, call: Call) -> None:
        """End a call that has been answered or whose client has disconnected."""
        if call.account is not None:
            self.traffic.leave(call.account.login, call.request_id)

    def _of_app(self, http: HttpRequest, token: str) -> Reply | None:
        """Return the reply to what an app asks as itself, or with a token that is refused for its installation's sake."""
        if http.endpoint not in APP_ENDPOINTS:
            return None if self.app is None else self.app.refused_token(token)
        if self.app is None:
            return replies.message(401, "A JSON web token could not be decoded")
        now = datetime.now(UTC)
        asked = {**http.query, **http.path_parameters}
        return self.app.answer(http.endpoint, asked, token, self.accounts, now=now)

    def _prepare(self, call: Call) -> None:
        """Parse the query of a GraphQL call, or refuse a body that has none."""
        try:
            payload = orjson.loads(call.http.body)
        except ValueError:
            call.reply = replies.message(400, "Problems parsing JSON", docs=f"{replies.DOCS}/graphql")
            return
        query = payload.get("query") if isinstance(payload, dict) else None
        if not isinstance(query, str):
            text = "A query attribute must be specified and must be a string."
            call.reply = replies.json_reply({"errors": [{"message": text}]})
            return
        variables = payload.get("variables")
        call.query = self._engine.prepare(
            GraphQLRequest(
                query=query,
                variables=variables if isinstance(variables, dict) else {},
                operation_name=payload.get("operationName"),
            )
        )

    def _regular(self, call: Call, account: Account) -> Reply:
        """Return the reply to a call that no fault strikes."""
        if call.http.endpoint in FREE_ENDPOINTS:
            return self._with_limits(call, self._rest(call, account))
        retry_after = self.limits.admit(account.login, call.resource)
        if retry_after is not None:
            return self._with_limits(call, replies.secondary_limit(retry_after=retry_after))
        if self.limits.budget(account.login, call.resource).remaining == 0:
            return self._with_limits(call, replies.primary_limit(call.http.api, account.label))
        if call.query is not None:
            self._charge(call, account, call.query.points)
            answer = self._engine.answer(account, call.query)
            body = answer.render(self.limits.budget(account.login, "graphql"))
            return self._with_limits(call, Reply(body=body))
        reply = self._rest(call, account)
        if reply.status != 304:
            self._charge(call, account, 1)
        return self._with_limits(call, reply)

    def _rest(self, call: Call, account: Account) -> Reply:
        if call.http.endpoint is None:
            return replies.not_found()
        request = RestRequest(
            world=self.world,
            account=account,
            budgets=lambda: [self.limits.budget(account.login, "core"), self.limits.budget(account.login, "graphql")],
            base_url=call.http.base_url,
            url=call.http.url,
            path_parameters=call.http.path_parameters,
            query=call.http.query,
            if_none_match=call.http.headers.get("if-none-match"),
        )
        return REST_ENDPOINTS[call.http.endpoint](request)

    def _faulted(self, call: Call, rule: FaultRule, account: Account) -> Reply:
        """Return the reply to a call that a fault strikes."""
        self._charge(call, account, rule.points)
        faulted = FaultedCall(
            api=call.http.api,
            account=account,
            organization=self._mentions(call).organization,
            root=call.query.root if call.query else "",
            request_id=call.request_id,
            now=time.time(),
            budget=self.limits.budget(account.login, call.resource),
            headers=self._limit_headers(call),
            owner_of_field=call.query.owner_of_field if call.query else lambda _name: None,
            regular_reply=lambda: self._regular(call, account),
        )
        return FAULTS[rule.fault].reply(faulted, rule.parameters)

    def _incoming(self, call: Call, account: Account) -> Incoming:
        cost = call.query.cost if call.query else None
        return Incoming(
            api=call.http.api,
            account=account.login,
            operation=call.query.operation_name if call.query else None,
            endpoint=call.http.endpoint,
            page_size=cost.page_size if cost else None,
            continued=cost is not None and cost.continued,
            mentions=self._mentions(call).include,
        )

    def _mentions(self, call: Call) -> Mentions:
        return Mentions(self.world, call.http.path, call.query)

    def _charge(self, call: Call, account: Account, points: int) -> None:
        call.points += points
        self.limits.charge(account.login, call.resource, points)

    def _with_limits(self, call: Call, reply: Reply) -> Reply:
        return reply.with_headers(self._limit_headers(call))

    def _limit_headers(self, call: Call) -> dict[str, str]:
        account = cast("Account", call.account)
        headers = replies.budget_headers(self.limits.budget(account.login, call.resource))
        if account.type == "User":
            headers |= {"x-oauth-scopes": ", ".join(account.scopes), "x-accepted-oauth-scopes": "repo"}
        if account.expires_at is not None:
            headers["github-authentication-token-expiration"] = f"{account.expires_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        return headers
