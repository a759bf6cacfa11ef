"""A request leaves in its turn or not at all, and whoever waits for its answer attends to other things meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from socket import socket

import pytest

from apps.integrations.errors import LaneLost
from apps.integrations.github import deadline
from apps.integrations.github.deadline import Deadline, attended
from apps.integrations.github.transport import GitHubTransport
from apps.utils.watchdog import Watchdog
from tests.integrations.github.hostile_server import HostileServer, hostile_server, silent

OK = b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"data":{}}'


class _Watchdog(Watchdog):
    """Knows when it is to kill, and kills nobody."""

    def __init__(self) -> None:
        super().__init__()
        self.armed: list[float | None] = []

    def arm(self, moment: float) -> None:
        """Note the moment."""
        self.armed.append(moment)

    def disarm(self) -> None:
        """Note that there is none any more."""
        self.armed.append(None)


@pytest.fixture
def stands_at_seven(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that stands still."""
    monkeypatch.setattr(deadline, "boottime", lambda: 7.0)


@pytest.mark.usefixtures("stands_at_seven")
@pytest.mark.parametrize("send_before", [7.0, 9.0])
def test_whoever_sends_in_its_turn_does_not_outlive_it(send_before: float) -> None:
    """From its last look to the last byte it is watched; it may send until the very end."""
    watchdog = _Watchdog()
    request = Deadline(ends=60.0, send_before=send_before, watchdog=watchdog)
    request.permit_sending()
    assert (request.sent_at, watchdog.armed) == (7.0, [send_before])
    request.sent()
    assert watchdog.armed == [send_before, None]


@pytest.mark.usefixtures("stands_at_seven")
@pytest.mark.parametrize(("ends", "send_before", "error"), [(60.0, 6.9, LaneLost), (7.0, 9.0, TimeoutError)])
def test_whoever_is_too_late_is_not_killed_but_told(ends: float, send_before: float, error: type[Exception]) -> None:
    """For its turn, or for the answer."""
    watchdog = _Watchdog()
    with pytest.raises(error):
        Deadline(ends=ends, send_before=send_before, watchdog=watchdog).permit_sending()
    assert watchdog.armed == []


@pytest.mark.usefixtures("stands_at_seven")
def test_what_is_left_is_in_seconds() -> None:
    """Until the whole answer must be there."""
    assert Deadline(ends=9.5, send_before=0.0).seconds_left() == 2.5


class _CalledOffError(Exception):
    """The request is not wanted any more."""


@pytest.fixture
def asked() -> Iterator[threading.Event]:
    """What lets a slow server answer."""
    event = threading.Event()
    yield event
    event.set()


def _transport(server: HostileServer) -> GitHubTransport:
    return GitHubTransport(api_url=server.url, token="t", deadline_seconds=20)


def test_whoever_waits_for_an_answer_attends_to_other_things(asked: threading.Event) -> None:
    """Until there is one, which is then read whole; where it comes at once, nobody is kept from it."""

    def answer_late(connection: socket) -> None:
        asked.wait(10)
        connection.sendall(OK)

    with hostile_server(answer_late) as server, attended(asked.set):
        assert _transport(server).graphql(b"{}").body == b'{"data":{}}'
        assert asked.is_set()
        assert _transport(server).graphql(b"{}").body == b'{"data":{}}'


def test_whoever_waits_for_an_answer_can_be_called_off() -> None:
    """In a second, and not at the deadline; the connection is closed."""
    closed = threading.Event()

    def until_closed(connection: socket) -> None:
        silent(connection)
        closed.set()

    def call_off() -> None:
        raise _CalledOffError

    with hostile_server(until_closed) as server:
        with attended(call_off), pytest.raises(_CalledOffError):
            _transport(server).graphql(b"{}")
        assert closed.wait(10)
