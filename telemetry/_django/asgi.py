"""What Django's ASGI application does beside requests: it answers a server's lifespan, and leaves no request's span open.

uvicorn ends by a signal, without Python's exit handlers: what has ended by then is exported as the server shuts down
(https://asgi.readthedocs.io/en/latest/specs/lifespan.html). A response whose sending fails is closed by nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from functools import wraps
from typing import Any, Protocol, runtime_checkable

from telemetry import _health
from telemetry._spans import provider

OPEN = "telemetry.request"
"""Where a request's scope, and its META, keep what is open for it."""

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Message, Receive, Send], Awaitable[None]]


@runtime_checkable
class Leaving(Protocol):
    """What is open for a request, and is left as the application is done with it."""

    def leave(self, error: BaseException | None) -> None:
        """End it, if nobody has; `error` is what the server is handed."""


def as_a_whole(application: Application) -> Application:
    """Return the method `__call__` of Django's ASGI application with what is to be done beside.

    It is a coroutine function, by which servers tell what kind of application it is.
    """

    @wraps(application)
    async def call(self: Any, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        try:
            await application(self, scope, receive, send)
        except BaseException as error:
            _leave(scope, error)
            raise
        _leave(scope, None)

    return call


@_health.guarded
def _leave(scope: Message, error: BaseException | None) -> None:
    opened = scope.get(OPEN)
    if isinstance(opened, Leaving):
        opened.leave(error)


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.shutdown":
            await asyncio.to_thread(_health.guarded(provider.leave))
            await send({"type": "lifespan.shutdown.complete"})
            return
        await send({"type": "lifespan.startup.complete"})
