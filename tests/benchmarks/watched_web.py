"""The console's application, which also tells how many statements it has asked the database: ``/_statements``.

``uvicorn tests.benchmarks.watched_web:application``. Statements of all its threads are counted, whatever page they are for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from threading import Lock
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from apps.config.asgi import application as console
from tests.benchmarks.watching import STATEMENTS

_lock = Lock()
_asked = 0


def _count(execute: Callable[..., Any], *statement: Any) -> Any:
    global _asked  # one count for the whole process
    with _lock:
        _asked += 1
    return execute(*statement)


def _watch(connection: BaseDatabaseWrapper, **_: object) -> None:
    if _count not in connection.execute_wrappers:
        connection.execute_wrappers.append(_count)


connection_created.connect(_watch)


async def application(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[Mapping[str, Any]]],
    send: Callable[[Mapping[str, Any]], Awaitable[None]],
) -> None:
    """Answer with the count at its address, and at all others as the console does."""
    if scope.get("path") != STATEMENTS:
        await console(scope, receive, send)
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": str(_asked).encode()})
