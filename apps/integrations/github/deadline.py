"""HTTP connections that keep one deadline for a whole answer; requests' own timeout applies to each read.

A server that sends a byte now and then, in a header or a body, would hold a request forever. So before each read, the
socket's timeout is set to the time that is left. A request checks its turn one last time when it is connected; if the
turn ends between then and its last byte, the process is killed, because it must have been frozen: see
`apps.utils.watchdog`.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError
from urllib3.util.wait import wait_for_read

from apps.integrations.errors import LaneLost
from apps.integrations.github.connecting import opened
from apps.utils.boottime import boottime
from apps.utils.clock import ATTENTION_SECONDS
from apps.utils.watchdog import Watchdog


@dataclass(kw_only=True, slots=True)
class Deadline:
    """When an answer must have arrived, until when its request may be sent, and when it was sent; all by `boottime`."""

    ends: float
    send_before: float
    sent_at: float = 0.0
    watchdog: Watchdog = field(default_factory=Watchdog)

    def seconds_left(self) -> float:
        """Return how much time is left; raise TimeoutError if there is none."""
        left = self.ends - boottime()
        if left <= 0:
            raise TimeoutError("the deadline of the whole answer has passed")
        return left

    def permit_sending(self) -> None:
        """Raise LaneLost if it is too late to send; from now until `sent`, the process cannot outlive its turn."""
        self.seconds_left()
        self.sent_at = boottime()
        if self.sent_at > self.send_before:
            raise LaneLost("This process was stopped for too long to send its request in its turn")
        self.watchdog.arm(self.send_before)

    def sent(self) -> None:
        """Let the process live on: the request has been sent, or will not be."""
        self.watchdog.disarm()


_deadline: ContextVar[Deadline] = ContextVar("deadline")


@contextmanager
def keeping(deadline: Deadline) -> Iterator[None]:
    """Make requests through a `DeadlineAdapter` keep `deadline`."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


_attend: ContextVar[Callable[[], None] | None] = ContextVar("attend", default=None)


@contextmanager
def attended(attend: Callable[[], None]) -> Iterator[None]:
    """Call `attend` every second while a request waits for its answer; if it raises, the connection is closed."""
    token = _attend.set(attend)
    try:
        yield
    finally:
        _attend.reset(token)


class _DeadlineReader(io.RawIOBase):
    """Reads a socket's bytes until the deadline."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._wait_for_bytes()
        self._sock.settimeout(self._deadline.seconds_left())
        return self._raw.readinto(buffer)

    def _wait_for_bytes(self) -> None:
        attend = _attend.get()
        if attend is None or (isinstance(self._sock, ssl.SSLSocket) and self._sock.pending()):
            return
        while not wait_for_read(self._sock, min(self._deadline.seconds_left(), ATTENTION_SECONDS)):
            attend()

    def close(self) -> None:
        super().close()
        self._raw.close()


class _Readable:
    """A socket for `http.client` to read an answer from."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_DeadlineReader(self._sock, _deadline.get()), 65536)


class _Answer(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(_Readable(sock), *args, **kwargs)  # type: ignore[arg-type]  # makefile is all it uses

    def _read_status(self) -> tuple[str, int, str]:
        """Return the final answer's status line, which informational answers may precede (RFC 9110, 15.2)."""
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]  # which skips 100 alone
            if not HTTPStatus.CONTINUE < status < HTTPStatus.OK or status == HTTPStatus.SWITCHING_PROTOCOLS:
                return version, status, reason
            http.client.parse_headers(self.fp)


class _Connection(HTTPConnection):
    response_class = _Answer

    def _new_conn(self) -> socket.socket:
        return _opened(self, super()._new_conn)

    def request(self, *args: Any, **kwargs: Any) -> None:
        with _sending():
            super().request(*args, **kwargs)

    def endheaders(self, *args: Any, **kwargs: Any) -> None:
        _connect_in_time(self)
        super().endheaders(*args, **kwargs)


class _TlsConnection(HTTPSConnection):
    response_class = _Answer

    def _new_conn(self) -> socket.socket:
        return _opened(self, super()._new_conn)

    def request(self, *args: Any, **kwargs: Any) -> None:
        with _sending():
            super().request(*args, **kwargs)

    def endheaders(self, *args: Any, **kwargs: Any) -> None:
        _connect_in_time(self)
        super().endheaders(*args, **kwargs)


def _opened(connection: HTTPConnection, connect: Callable[[], socket.socket]) -> socket.socket:
    """Return the socket that `connect` opens; raise urllib3's own error if it takes too long."""
    seconds = connection.timeout if isinstance(connection.timeout, int | float) else _deadline.get().seconds_left()
    try:
        return opened(connect, seconds=seconds, attend=_attend.get())
    except TimeoutError as error:
        raise ConnectTimeoutError(connection, str(error)) from error


@contextmanager
def _sending() -> Iterator[None]:
    """Guard the sending of a request, to its last byte."""
    try:
        yield
    finally:
        _deadline.get().sent()


def _connect_in_time(connection: HTTPConnection) -> None:
    """Connect, and raise if it is then too late to send: connecting may take long."""
    if connection.sock is None:
        connection.connect()
    _deadline.get().permit_sending()


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection  # pyright: ignore[reportAssignmentType]  # urllib3's own classes fail its protocol too


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection  # pyright: ignore[reportAssignmentType]  # urllib3's own classes fail its protocol too


class DeadlineAdapter(HTTPAdapter):
    """Sends requests over connections that keep the deadline of `keeping`, without retries."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Pool our connections instead of urllib3's."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Pool our connections to a proxy too."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
        return manager
