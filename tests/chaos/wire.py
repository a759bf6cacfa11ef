"""A network between a client and a server on this machine, which can be cut, broken or silent."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import Literal

State = Literal["up", "down", "silent"]
_CHUNK = 65_536
_RESET = struct.pack("ii", 1, 0)  # an end without waiting, which is told to the other side as a reset
_ACTION_SECONDS = 10.0  # far more than any action takes


class Wire:
    """Forwards connections to `port` of this machine.

    While it is `down`, connections are refused, and those that there were are reset. While it is `silent`, they are accepted
    and nothing is ever answered. Use `wire` to have one.
    """

    def __init__(self, port: int, loop: asyncio.AbstractEventLoop) -> None:
        """Forward to `port`, by `loop`; `serve` begins."""
        self.port = 0
        self._server_port = port
        self._loop = loop
        self._state: State = "up"
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    def turn(self, state: State) -> None:
        """Be up, down or silent from now on."""
        asyncio.run_coroutine_threadsafe(self._turn(state), self._loop).result(_ACTION_SECONDS)

    def cut(self) -> None:
        """Reset every connection that there is; new ones are as before."""
        asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result(_ACTION_SECONDS)

    async def serve(self) -> None:
        """Listen, at the same port as before if this is not the first time."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _turn(self, state: State) -> None:
        before, self._state = self._state, state
        if state == "down" and self._server is not None:
            self._server.close()
            self._server = None
        if before == "down" and state != "down":
            await self.serve()
        await self._cut()

    async def _cut(self) -> None:
        for writer in self._open:
            connection = writer.transport.get_extra_info("socket")
            if connection.fileno() >= 0:  # otherwise it has ended
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            if self._state == "silent":
                while await reader.read(_CHUNK):
                    pass
                return
            there, back = await asyncio.open_connection("127.0.0.1", self._server_port)
            back.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open.add(back)
            try:
                await asyncio.gather(self._forward(reader, back), self._forward(there, writer))
            finally:
                self._open.discard(back)
                back.transport.abort()
        except OSError:
            pass  # the server is gone
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what is read until one side ends, and then end both."""
        with suppress(OSError):
            while chunk := await reader.read(_CHUNK):
                writer.write(chunk)
                await writer.drain()
        writer.close()


@contextmanager
def wire(port: int) -> Iterator[Wire]:
    """Run a wire to `port` of this machine in the block, by a thread of its own."""
    begun: Future[tuple[Wire, asyncio.Event]] = Future()

    async def run() -> None:
        made, over = Wire(port, asyncio.get_running_loop()), asyncio.Event()
        await made.serve()
        begun.set_result((made, over))
        await over.wait()

    thread = threading.Thread(target=asyncio.run, args=(run(),), name="wire", daemon=True)
    thread.start()
    made, over = begun.result(_ACTION_SECONDS)
    try:
        yield made
    finally:
        made.turn("down")
        made._loop.call_soon_threadsafe(over.set)
        thread.join(_ACTION_SECONDS)
