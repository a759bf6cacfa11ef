"""A connection that does not come in time, or is not wanted any more, keeps nobody waiting and is not left open."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from apps.integrations.errors import Unreachable
from apps.integrations.github.connecting import opened
from apps.integrations.github.deadline import attended
from apps.integrations.github.transport import GitHubTransport


class CalledOff(Exception):  # noqa: N818  # what a caller raises to stop waiting
    """The request is not wanted any more."""


@pytest.fixture
def answer_lookups(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A resolver that is silent until the event is set."""
    answers = threading.Event()
    ask = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: (answers.wait(30), ask(*args, **kwargs))[1])
    yield answers
    answers.set()


def transport(port: int = 9) -> GitHubTransport:
    """Return a transport to this machine that waits 0.3 s for a connection, and 20 s for an answer."""
    return GitHubTransport(api_url=f"http://127.0.0.1:{port}", token="t", connect_timeout=0.3, deadline_seconds=20)


def called_off() -> None:
    """Call the request off."""
    raise CalledOff


def test_what_is_opened_is_returned() -> None:
    """The very socket."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert opened(lambda: ours, seconds=5, attend=None) is ours


def test_an_error_is_the_callers(caplog: pytest.LogCaptureFixture) -> None:
    """With its own type and text; nobody else is told."""

    def refused() -> socket.socket:
        raise ConnectionRefusedError(111, "refused")

    with pytest.raises(ConnectionRefusedError, match="refused"):
        opened(refused, seconds=5, attend=None)
    assert caplog.records == []


@pytest.mark.parametrize(
    ("seconds", "attend", "error"), [(0.05, None, TimeoutError), (60, called_off, CalledOff)], ids=["too late", "called off"]
)
def test_a_connection_that_comes_too_late_is_closed(
    seconds: float, attend: Callable[[], None] | None, error: type[Exception]
) -> None:
    """Whether its time was over or nobody wanted it any more."""
    go_on = threading.Event()
    ours, theirs = socket.socketpair()

    def slow() -> socket.socket:
        go_on.wait(30)
        return ours

    with theirs:
        with pytest.raises(error):
            opened(slow, seconds=seconds, attend=attend)
        go_on.set()
        theirs.settimeout(10)
        assert theirs.recv(1) == b""


def test_a_silent_name_server_is_a_host_that_cannot_be_reached(answer_lookups: threading.Event) -> None:
    """In the time that a connection may take, and not in the resolver's own."""
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:9 was not found, or accepted no connection, within 0\.3 s"):
        transport().graphql(b"{}")
    assert not answer_lookups.is_set()


def test_whoever_waits_for_a_name_server_can_be_called_off(answer_lookups: threading.Event) -> None:
    """As whoever waits for an answer can."""
    patient = GitHubTransport(api_url="http://127.0.0.1:9", token="t", connect_timeout=30, deadline_seconds=60)
    with attended(called_off), pytest.raises(CalledOff):
        patient.graphql(b"{}")
    assert not answer_lookups.is_set()


def test_ctrl_c_interrupts_a_lookup(answer_lookups: threading.Event) -> None:
    """At once, though the resolver goes on waiting."""
    patient = GitHubTransport(api_url="http://127.0.0.1:9", token="t", connect_timeout=30, deadline_seconds=60)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    interrupting = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    try:
        interrupting.start()
        with pytest.raises(KeyboardInterrupt):
            patient.graphql(b"{}")
    finally:
        interrupting.join()
        signal.signal(signal.SIGINT, before)
    assert not answer_lookups.is_set()
