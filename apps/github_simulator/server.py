"""The simulated GitHub as an HTTP server, which also delays, cuts off and resets its answers."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import Iterable
from typing import Any, cast

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from apps.github_simulator.github_apps import APP_ENDPOINTS
from apps.github_simulator.replies import Api, Reply
from apps.github_simulator.rest_api import ENTERPRISE_PREFIX, REST_ENDPOINTS
from apps.github_simulator.service import GitHub, HttpRequest

_HEADERS = {"server": "github.com", "x-content-type-options": "nosniff"}
_SLOW_PIECES = 20  # in which a slow body is sent

_log = logging.getLogger(__name__)


def github_application(github: GitHub, *, latency: float) -> Starlette:
    """Return the ASGI application, in which every answer takes at least `latency` seconds."""

    async def stats(_request: Request) -> JSONResponse:
        return JSONResponse(github.traffic.stats())

    def endpoint(api: Api, template: str | None, prefix: str = "") -> ASGIApp:
        return _Endpoint(github, api=api, template=template, prefix=prefix, latency=latency)

    routes = [Route("/_simulator/stats", stats)]
    graphql = endpoint("graphql", None)
    routes += [Route(path, graphql, methods=["POST"]) for path in ("/graphql", "/api/graphql")]
    routes += [
        Route(prefix + template, endpoint("rest", template, prefix), methods=["GET"])
        for prefix in ("", ENTERPRISE_PREFIX)
        for template in REST_ENDPOINTS
    ]
    routes += [
        Route(prefix + template, endpoint("rest", template, prefix), methods=[method])
        for prefix in ("", ENTERPRISE_PREFIX)
        for template, method in APP_ENDPOINTS.items()
    ]
    routes.append(Route("/{path:path}", endpoint("rest", None)))
    return Starlette(routes=routes)


class ResettableProtocol(HttpToolsProtocol):
    """Gives the application access to the transport, so that a fault can reset the connection."""

    def on_message_begin(self) -> None:
        """Put the transport into the state of the request's scope."""
        super().on_message_begin()
        self.scope.setdefault("state", {})["transport"] = self.transport


async def serve(application: ASGIApp, listening: socket.socket) -> None:
    """Serve the application on a socket until cancelled, then drop every open connection."""
    config = uvicorn.Config(
        application,
        http=ResettableProtocol,
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        timeout_keep_alive=60,
    )
    server = uvicorn.Server(config)
    try:
        await server.serve([listening])
    finally:
        for connection in list(server.server_state.connections):
            cast("ResettableProtocol", connection).transport.abort()
        await asyncio.sleep(0)  # let the connections close


class _Endpoint:
    """The ASGI application of one route."""

    def __init__(self, github: GitHub, *, api: Api, template: str | None, prefix: str, latency: float) -> None:
        self._github = github
        self._api: Api = api
        self._template = template
        self._prefix = prefix
        self._latency = latency

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        call = self._github.enter(self._http_request(request, body))
        try:
            delay = self._latency + (call.rule.delay_ms / 1_000 if call.rule else 0.0)
            if delay and await _client_left(receive, within=delay):
                return
            reply = self._github.answer(call).with_headers(_HEADERS)
            await _deliver(reply, scope, receive, send)
        except Exception:
            _log.exception("The simulator failed to answer a request")
            raise
        finally:
            self._github.leave(call)

    def _http_request(self, request: Request, body: bytes) -> HttpRequest:
        origin = f"{request.url.scheme}://{request.url.netloc}"
        return HttpRequest(
            api=self._api,
            endpoint=self._template,
            path=request.url.path,
            base_url=origin + self._prefix,
            url=origin + request.url.path,
            headers=request.headers,
            path_parameters=request.path_params,
            query=request.query_params,
            body=body,
        )


async def _deliver(reply: Reply, scope: Scope, receive: Receive, send: Send) -> None:
    """Send the reply in the way that it is to be delivered."""
    if reply.delivery == "hang":
        await _client_left(receive, within=reply.seconds)
    if reply.delivery in ("hang", "reset"):
        _reset(scope["state"]["transport"])
        return
    await send({"type": "http.response.start", "status": reply.status, "headers": _raw_headers(reply)})
    if reply.delivery == "cut":
        await send(_piece(reply.body[: len(reply.body) // 2], more=True))
        scope["state"]["transport"].close()  # close() flushes what has been written
        return
    if reply.delivery == "slow":
        for piece in _pieces(reply.body):
            await send(_piece(piece, more=True))
            if await _client_left(receive, within=reply.seconds / _SLOW_PIECES):
                return
        await send(_piece(b"", more=False))
        return
    await send(_piece(reply.body, more=False))


def _raw_headers(reply: Reply) -> list[tuple[bytes, bytes]]:
    headers = {
        "content-type": reply.content_type,
        "content-length": str(len(reply.body)),
        **reply.headers,
    }
    if reply.status == 304:
        del headers["content-type"], headers["content-length"]
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


def _piece(body: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}


def _pieces(body: bytes) -> Iterable[bytes]:
    size = max(1, -(-len(body) // _SLOW_PIECES))
    return (body[start : start + size] for start in range(0, len(body), size))


async def _client_left(receive: Receive, *, within: float) -> bool:
    """Return whether the client disconnects within so many seconds."""
    try:
        async with asyncio.timeout(within):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return False
    return True


def _reset(transport: asyncio.Transport) -> None:
    """End the connection with RST instead of FIN."""
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.fileno() >= 0:  # otherwise the client has disconnected
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
