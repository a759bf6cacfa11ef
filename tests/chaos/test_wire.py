"""A wire forwards, refuses, is silent or resets what goes over it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.chaos.wire import Wire, wire


@pytest.fixture
def line() -> Iterator[Wire]:
    """A wire to a server that answers everything with itself."""

    def echo(connection: socket.socket) -> None:
        with connection, suppress(ConnectionResetError):
            while chunk := connection.recv(1024):
                connection.sendall(chunk)

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=echo, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        with wire(server.getsockname()[1]) as made:
            yield made
        server.shutdown(socket.SHUT_RDWR)


def _connected(line: Wire) -> socket.socket:
    return socket.create_connection(("127.0.0.1", line.port), timeout=5)


def _echo(connection: socket.socket) -> bytes:
    connection.sendall(b"hello")
    return connection.recv(1024)


def test_a_wire_forwards_both_ways(line: Wire) -> None:
    """The end of one side ends the other."""
    with _connected(line) as connection:
        assert _echo(connection) == b"hello"
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1024) == b""


def test_a_wire_that_is_down_refuses_and_resets(line: Wire) -> None:
    """When it is up again, it is where it was."""
    with _connected(line) as connection:
        assert _echo(connection) == b"hello"
        line.turn("down")
        with pytest.raises(ConnectionResetError):
            _echo(connection)
    with pytest.raises(ConnectionRefusedError):
        _connected(line)
    line.turn("up")
    with _connected(line) as connection:
        assert _echo(connection) == b"hello"


def test_a_silent_wire_takes_everything_and_answers_nothing(line: Wire) -> None:
    """Who connected to it is reset when it speaks again, since nothing of that has arrived."""
    line.turn("silent")
    with _connected(line) as connection:
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            _echo(connection)
        line.turn("up")
        with pytest.raises(ConnectionResetError):
            connection.recv(1024)


def test_a_cut_resets_only_what_is_connected(line: Wire) -> None:
    """New connections are as before."""
    with _connected(line) as connection:
        assert _echo(connection) == b"hello"
        line.cut()
        with pytest.raises(ConnectionResetError):
            _echo(connection)
    with _connected(line) as connection:
        assert _echo(connection) == b"hello"
