"""The lifespan of an ASGI server (https://asgi.readthedocs.io/en/latest/specs/lifespan.html), which Django has no answer to.

uvicorn ends by a signal, without Python's exit handlers: what has ended by then is exported as the server shuts down.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import Any

from telemetry._spans import provider

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Application = Callable[[Any, Mapping[str, Any], Receive, Send], Awaitable[None]]


def answering_lifespan(application: Application) -> Application:
    """Return the method `__call__` of Django's ASGI application with an answer to the server's lifespan.

    It is a coroutine function, by which servers tell what kind of application it is.
    """

    @wraps(application)
    async def call(self: Any, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        else:
            await application(self, scope, receive, send)

    return call


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.shutdown":
            await asyncio.to_thread(provider.leave)
            await send({"type": "lifespan.shutdown.complete"})
            return
        await send({"type": "lifespan.startup.complete"})
