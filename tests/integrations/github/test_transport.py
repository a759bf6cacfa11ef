"""One request, one whole answer or a clear error, whatever the server does; the token goes nowhere else."""

from __future__ import annotations

import gzip
import os
import socket
import ssl
import struct
import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from apps.integrations.errors import (
    CertificatesMissing,
    CertificateUntrusted,
    InvalidAnswer,
    InvalidApiUrl,
    LaneLost,
    ProxyRefused,
    QueryTimeout,
    SyncError,
    TlsBroken,
    Unauthorized,
    Unreachable,
)
from apps.integrations.github.classify import classify
from apps.integrations.github.transport import API_VERSION, GitHubTransport
from apps.utils.boottime import boottime
from tests.integrations.github.hostile_server import (
    Behaviour,
    closing,
    dripping,
    hostile_server,
    raw_server,
    sending,
    silent,
    tls_server,
)

TOKEN = "ghp_0123456789abcdefghijklmnopqrstuvwxyz"
DEADLINE = 0.4  # seconds
OK = b'HTTP/1.1 200 OK\r\nX-GitHub-Request-Id: A1\r\nContent-Length: 11\r\n\r\n{"data":{}}'


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of this machine is not what is tested."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


def _transport(url: str, *, deadline_seconds: float = DEADLINE) -> GitHubTransport:
    return GitHubTransport(api_url=url, token=TOKEN, deadline_seconds=deadline_seconds)


def test_an_answer_is_read_whole() -> None:
    """Status, headers in lower case, body."""
    with hostile_server(sending(OK)) as server:
        answer = _transport(server.url).graphql(b"{}")
    assert (answer.status, answer.headers["x-github-request-id"], answer.body) == (200, "A1", b'{"data":{}}')


def test_a_request_carries_what_github_asks_for() -> None:
    """Agent, version, type and token; nothing of our traces."""
    with hostile_server(sending(OK)) as server:
        _transport(server.url).graphql(b'{"query": "{}"}')
    (request,) = server.requests
    head, _, body = request.partition("\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
    assert head.startswith("POST /graphql HTTP/1.1")
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert headers["User-Agent"] == "synctrace"
    assert headers["Accept"] == "application/vnd.github+json"
    assert headers["X-GitHub-Api-Version"] == API_VERSION
    assert headers["Content-Type"] == "application/json"
    assert body == '{"query": "{}"}'


def test_another_token_is_sent_from_the_next_request_on() -> None:
    """Over the same connection; one that is none is refused, and the last one stays."""
    with hostile_server(sending(OK)) as server:
        transport = _transport(server.url)
        transport.rest("/user")
        transport.use_token(" ghs_next\n")
        transport.graphql(b"{}")
        with pytest.raises(Unauthorized):
            transport.use_token("no token")
        transport.post("/app")
    sent = [line.partition(": ")[2] for each in server.requests for line in each.splitlines() if "Authorization" in line]
    assert sent == [f"Bearer {TOKEN}", "Bearer ghs_next", "Bearer ghs_next"]
    assert server.connections == 1


def test_one_connection_serves_many_requests() -> None:
    """Each request has a deadline of its own on it."""
    with hostile_server(sending(OK)) as server:
        transport = _transport(server.url)
        for _ in range(3):
            transport.rest("/rate_limit")
            time.sleep(DEADLINE / 2)
    assert (len(server.requests), server.connections) == (3, 1)


def test_a_compressed_answer_is_read() -> None:
    """GitHub compresses when asked."""
    body = gzip.compress(b'{"data":{}}')
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    with hostile_server(sending(head + body)) as server:
        assert _transport(server.url).graphql(b"{}").body == b'{"data":{}}'


@pytest.mark.parametrize(
    "behave",
    [
        dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
        dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        dripping(b"HTTP/1.1 200 OK\r\n", b"X-Drop: x\r\n"),
        dripping(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
        silent,
    ],
    ids=["body", "chunks", "headers", "one header", "nothing"],
)
def test_a_dripping_answer_ends_at_the_deadline(behave: Behaviour) -> None:
    """Every single read is quick, and yet the whole takes no longer."""
    with hostile_server(behave) as server:
        started = time.monotonic()
        with pytest.raises(QueryTimeout, match=r"no complete answer in 0\.4 s"):
            _transport(server.url).graphql(b"{}")
        assert time.monotonic() - started < 3 * DEADLINE


@pytest.mark.parametrize(
    "cut",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
        b"HTTP/1.1 2",
        b"",
    ],
    ids=["body", "chunks", "status", "nothing"],
)
def test_a_cut_answer_is_no_answer(cut: bytes) -> None:
    """Half a page is not an empty page."""
    with hostile_server(closing(cut)) as server, pytest.raises(Unreachable):
        _transport(server.url).graphql(b"{}")


def test_an_answer_cut_in_its_headers_is_invalid() -> None:
    """http.client takes what is there for the whole, so the empty body tells."""
    with hostile_server(closing(b"HTTP/1.1 200 OK\r\nConte")) as server:
        answer = _transport(server.url).graphql(b"{}")
    assert isinstance(classify(answer), InvalidAnswer)


@pytest.mark.parametrize("interim", [b"100 Continue", b"102 Processing", b"103 Early Hints"])
def test_what_is_said_before_an_answer_is_not_the_answer(interim: bytes) -> None:
    """Any number of times; the next request's answer is its own."""
    said = (b"HTTP/1.1 %s\r\nLink: </x>; rel=preload\r\n\r\n" % interim) * 3
    with hostile_server(sending(said + OK)) as server:
        transport = _transport(server.url)
        assert [(answer.status, answer.body) for answer in (transport.rest("/a"), transport.rest("/b"))] == [
            (200, b'{"data":{}}')
        ] * 2


@pytest.mark.parametrize("size", [b"-5", b"-ffff", b"zz", b"1_0", b""])
def test_a_chunk_of_no_size_is_no_answer(size: bytes) -> None:
    """Whatever the libraries raise for it."""
    cut = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%s\r\nabc\r\n0\r\n\r\n" % size
    with hostile_server(closing(cut)) as server, pytest.raises((InvalidAnswer, Unreachable)):
        _transport(server.url).rest("/user")


def test_a_reset_connection_is_unreachable() -> None:
    """The socket is torn down in the middle."""

    def reset(connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    with hostile_server(reset) as server, pytest.raises(Unreachable):
        _transport(server.url).graphql(b"{}")


def test_a_request_is_sent_once_whatever_becomes_of_it() -> None:
    """One that got no answer may have been counted: whoever asks decides whether to ask again."""
    with hostile_server(lambda connection: connection.shutdown(socket.SHUT_RDWR)) as server:
        with pytest.raises(SyncError):
            _transport(server.url).rest("/rate_limit")
        assert (len(server.requests), server.connections) == (1, 1)
    attempts = 0

    def refuse(connection: socket.socket) -> None:
        nonlocal attempts
        attempts += 1
        connection.close()

    with raw_server(refuse) as port, pytest.raises(SyncError):
        _transport(f"http://127.0.0.1:{port}").rest("/rate_limit")
    assert attempts == 1


@pytest.mark.parametrize("says", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"], ids=["nothing", "no TLS"])
def test_a_tls_connection_that_breaks_off_is_told_from_a_bad_certificate(says: bytes) -> None:
    """Something on the way cuts it; nobody's certificate is to blame."""

    def cut(connection: socket.socket) -> None:
        connection.recv(1)
        connection.sendall(says)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0 if says == b"" else 1))
        connection.close()

    with raw_server(cut) as port, pytest.raises(TlsBroken, match=r"encrypted connection to 127\.0\.0\.1"):
        _transport(f"https://127.0.0.1:{port}").graphql(b"{}")


def test_a_certificate_of_somebody_s_own_is_not_trusted(tmp_path: Path) -> None:
    """The sentence says whose, the advice what to do."""
    with tls_server(tmp_path) as port, pytest.raises(CertificateUntrusted, match="no certificate that this machine trusts"):
        _transport(f"https://127.0.0.1:{port}").graphql(b"{}")


def test_who_has_a_trusted_certificate_is_asked_over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An authority of one's own is named by REQUESTS_CA_BUNDLE."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "server.pem"))
    with tls_server(tmp_path, says=b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}") as port:
        answer = _transport(f"https://127.0.0.1:{port}").graphql(b"{}")
    assert (answer.status, answer.body) == (200, b"{}")


@pytest.mark.parametrize("content", [None, b"", b"no certificate"], ids=["missing", "empty", "of something else"])
def test_a_file_of_authorities_that_cannot_be_read_is_named_so(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is tried again: it is this machine's own."""
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_bytes(content)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with tls_server(tmp_path) as port, pytest.raises(CertificatesMissing) as caught:
        _transport(f"https://127.0.0.1:{port}").graphql(b"{}")
    assert not caught.value.retryable
    assert "REQUESTS_CA_BUNDLE" in caught.value.in_full()


@pytest.mark.parametrize("why", [FileNotFoundError(2, "No such file"), PermissionError(13, "Permission denied")])
def test_a_file_of_authorities_that_goes_or_may_not_be_read_is_named_so(
    why: OSError, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though it is there when the library looks for it; the superuser, who may run this, could read any."""

    def load_verify_locations(*_args: object, **_kwargs: object) -> None:
        raise why

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", load_verify_locations)
    with tls_server(tmp_path) as port, pytest.raises(CertificatesMissing):
        _transport(f"https://127.0.0.1:{port}").graphql(b"{}")


def test_a_server_s_words_are_not_this_machine_s() -> None:
    """Even if it answers with the very words in which the library complains of a file of authorities."""
    said = b"Could not find a suitable TLS CA certificate bundle\r\n\r\n"
    with hostile_server(closing(said)) as server, pytest.raises(Unreachable, match="closed the connection"):
        _transport(server.url).graphql(b"{}")


@pytest.mark.parametrize(("status", "kind"), [(407, ProxyRefused), (502, Unreachable)])
def test_a_proxy_that_refuses_a_tunnel_is_named(
    status: int, kind: type[Unreachable], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its status, and without the password in its address."""
    with hostile_server(closing(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode())) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//ada:wrong-password@"))
        with pytest.raises(Unreachable, match=str(status)) as caught:
            _transport("https://github.example").graphql(b"{}")
    assert type(caught.value) is kind
    assert "wrong-password" not in str(caught.value)


def test_a_proxy_that_answers_for_a_plain_host_is_told_from_github(monkeypatch: pytest.MonkeyPatch) -> None:
    """407 is never GitHub's."""
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    with hostile_server(sending(refusal)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        transport = GitHubTransport(api_url="http://github.example", token=TOKEN, plain_http_hosts={"github.example"})
        assert isinstance(classify(transport.rest("/user")), ProxyRefused)


def test_an_answer_says_how_long_it_took() -> None:
    """From the request's last look at its turn to the answer's head."""

    def late(connection: socket.socket) -> None:
        time.sleep(0.1)
        connection.sendall(OK)

    with hostile_server(late) as server:
        assert 0.1 <= _transport(server.url).graphql(b"{}").seconds < DEADLINE


def test_a_huge_answer_is_refused() -> None:
    """Also one that is small on the wire."""
    body = gzip.compress(b" " * 1_000_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    with hostile_server(sending(head + body)) as server:
        transport = GitHubTransport(api_url=server.url, token=TOKEN, max_body_bytes=100_000)
        with pytest.raises(InvalidAnswer, match="larger than"):
            transport.graphql(b"{}")


def test_an_answer_as_large_as_one_may_be_is_read() -> None:
    """To its last byte, and not one more."""
    for size in (1_000, 1_001):
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (size, b" " * size)
        with hostile_server(sending(answer)) as server:
            transport = GitHubTransport(api_url=server.url, token=TOKEN, max_body_bytes=1_000)
            with pytest.raises(InvalidAnswer, match="larger than") if size > 1_000 else nullcontext():
                assert len(transport.graphql(b"{}").body) == size


def test_broken_compression_is_an_invalid_answer() -> None:
    """Not a traceback of zlib's."""
    data = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"
    with hostile_server(sending(data)) as server, pytest.raises(InvalidAnswer, match="compression"):
        _transport(server.url).graphql(b"{}")


def test_a_redirect_is_not_followed() -> None:
    """The token does not travel to where an answer points."""
    with hostile_server(sending(OK)) as elsewhere:
        moved = f"HTTP/1.1 301 Moved\r\nLocation: {elsewhere.url}/x\r\nContent-Length: 0\r\n\r\n".encode()
        with hostile_server(sending(moved)) as server:
            assert _transport(server.url).rest("/repos/a/b").status == 301
    assert elsewhere.requests == []


def test_nobody_listening_is_unreachable() -> None:
    """The sentence names the host, and not the token."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1") as caught:
        _transport(f"http://127.0.0.1:{port}").graphql(b"{}")
    assert TOKEN not in f"{caught.value!r}{caught.value.__cause__!r}"


def test_a_netrc_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """requests would let it replace the token."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with hostile_server(sending(OK)) as server:
        _transport(server.url).rest("/user")
    assert f"Authorization: Bearer {TOKEN}" in server.requests[0]


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same deadline and the same care."""
    with hostile_server(sending(OK)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        transport = GitHubTransport(api_url="http://github.example", token=TOKEN, plain_http_hosts={"github.example"})
        assert transport.rest("/user").status == 200
    assert proxy.requests[0].startswith("GET http://github.example/user")


@pytest.mark.parametrize(
    "proxy",
    [
        "",
        "x",
        ":",
        "http://",
        "http://[",
        "http://a..b",
        "http://ada:hunter2@a..b",
        "http://" + "a" * 70,
        "ftp://x",
        "socks5://x",
    ],
)
def test_a_proxy_that_is_none_is_no_connection(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the libraries raise for its address, which is not repeated."""
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(Unreachable) as caught:
        _transport("https://github.invalid").rest("/user")
    assert "hunter2" not in str(caught.value)


def test_nothing_is_sent_after_its_turn() -> None:
    """The moment passed while nobody looked."""
    with hostile_server(sending(OK)) as server:
        with pytest.raises(LaneLost):
            _transport(server.url).graphql(b"{}", send_before=boottime() - 1)
        assert server.requests == []


def test_nothing_is_sent_when_connecting_outlasts_the_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection is made; the request stays here."""
    turn_ends = boottime() + 0.2
    connect = socket.socket.connect

    def slowly(self: socket.socket, address: tuple[str, int]) -> None:
        time.sleep(0.3)
        connect(self, address)

    with hostile_server(sending(OK)) as server:
        monkeypatch.setattr(socket.socket, "connect", slowly)
        with pytest.raises(LaneLost):
            _transport(server.url, deadline_seconds=5).graphql(b"{}", send_before=turn_ends)
        assert server.requests == []


@pytest.mark.parametrize(
    ("api_url", "path"),
    [("", "/graphql"), ("/", "/graphql"), ("/api/v3", "/api/graphql"), ("/api/v3/", "/api/graphql")],
)
def test_graphql_is_beside_rest_on_an_enterprise_server(api_url: str, path: str) -> None:
    """``/api/graphql`` and ``/api/v3``; on github.com both are at the root."""
    with hostile_server(sending(OK)) as server:
        _transport(server.url + api_url).graphql(b"{}")
    assert server.requests[0].startswith(f"POST {path} ")


@pytest.mark.parametrize("path", ["/user/repos", "/api/v3/user/repos?page=2"])
def test_a_path_that_github_gave_is_taken_as_it_is(path: str) -> None:
    """The address of a next page holds the API's own path already."""
    with hostile_server(sending(OK)) as server:
        _transport(f"{server.url}/api/v3").rest(path)
    assert server.requests[0].startswith(f"GET /api/v3{path.removeprefix('/api/v3')} ")


@pytest.mark.parametrize(
    "api_url",
    [
        "",
        "api.github.com",
        "ftp://api.github.com",
        "http://api.github.com",
        "http://127.0.0.1.example.com",
        "https://user:secret@api.github.com",
        "https://api.github.com?x=secret",
        "https://api.github.com:port",
        "https://api.github.com:0",
        "https://api.github.com:70000",
        "https://",
        "https://[::1",
        "https://ghe..example",
        "https://" + "a" * 64,
        "https://" + ".".join(["a" * 60] * 3),
        "https://ghe.example/" + "a" * 200,
        "https://ghe example",
        "https://ghe.example/api v3",
        "https://ghe\x00.example",
        "https://ghe.example/\udcff",
        "https://\udcff.example",
    ],
)
def test_an_address_that_no_token_may_go_to_is_refused(api_url: str) -> None:
    """Before anything is sent, and without repeating a password."""
    with pytest.raises(InvalidApiUrl) as caught:
        GitHubTransport(api_url=api_url, token=TOKEN)
    assert "user:secret" not in str(caught.value)


@pytest.mark.parametrize(
    "api_url", ["http://127.0.0.1:8000", "http://localhost", "http://[::1]:80", "https://ghe.example/api/v3"]
)
def test_plain_http_is_for_this_machine(api_url: str) -> None:
    """A simulator needs no certificate."""
    assert api_url in repr(GitHubTransport(api_url=api_url, token=TOKEN))


@pytest.mark.parametrize("api_url", ["http://simulator:8010", "http://SIMULATOR/api/v3"])
def test_a_host_that_is_named_may_be_reached_without_tls(api_url: str) -> None:
    """At any port; names have no case."""
    GitHubTransport(api_url=api_url, token=TOKEN, plain_http_hosts={"simulator"})


@pytest.mark.parametrize(
    "api_url", ["http://api.github.com", "http://simulator.example", "http://a.simulator", "http://simulator@evil.example"]
)
def test_naming_a_host_lets_no_other_be_reached_without_tls(api_url: str) -> None:
    """The names are whole ones."""
    with pytest.raises(InvalidApiUrl):
        GitHubTransport(api_url=api_url, token=TOKEN, plain_http_hosts={"simulator"})


@pytest.mark.parametrize("token", ["", "  ", "two words", "line\nbreak", "tök"])
def test_a_token_that_is_none_is_refused_without_being_shown(token: str) -> None:
    """requests and http.client would put it into their errors."""
    with pytest.raises(Unauthorized) as caught:
        GitHubTransport(api_url="https://api.github.com", token=token)
    assert not token.strip() or token not in str(caught.value)


def test_a_token_is_in_no_representation() -> None:
    """Whoever prints the transport prints no secret."""
    transport = _transport("https://api.github.com")
    assert TOKEN not in repr(transport)
    assert TOKEN not in repr(vars(transport)["_session"].headers)


def test_no_error_of_a_failed_request_holds_the_token() -> None:
    """With all its causes."""
    with hostile_server(closing(b"")) as server, pytest.raises(SyncError) as caught:
        _transport(server.url).graphql(b"{}")
    error: BaseException | None = caught.value
    while error is not None:
        assert TOKEN not in repr(error)
        error = error.__cause__ or error.__context__
