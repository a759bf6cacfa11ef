"""A server on a real socket that answers with whatever bytes a test wants, as slowly as it wants."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

Behaviour = Callable[[socket.socket], None]


@dataclass
class HostileServer:
    """The server's address, and the requests it has read, head and body."""

    url: str
    requests: list[str] = field(default_factory=list)
    connections: int = 0


@contextmanager
def hostile_server(behave: Behaviour) -> Iterator[HostileServer]:
    """Run a server that reads each request to its end and then lets `behave` write to the socket."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = HostileServer(f"http://127.0.0.1:{listener.getsockname()[1]}")
        over = threading.Event()
        open_connections: list[socket.socket] = []

        def serve() -> None:
            while not over.is_set():
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                server.connections += 1
                open_connections.append(connection)
                with connection:
                    connection.settimeout(5)
                    try:
                        while request := _request(connection):
                            server.requests.append(request)
                            behave(connection)
                    except OSError:  # the client has gone, which is what such tests want
                        continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            over.set()
            for each in (listener, *open_connections):
                with suppress(OSError):  # it has gone already
                    each.shutdown(socket.SHUT_RDWR)
            thread.join(10)
            assert not thread.is_alive()


@contextmanager
def raw_server(behave: Behaviour) -> Iterator[int]:
    """Run a server that lets `behave` do what it wants with each connection; yield its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection, suppress(OSError):
                    behave(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)


@contextmanager
def tls_server(folder: Path, *, says: bytes = b"") -> Iterator[int]:
    """Run a server with a certificate that it has signed itself, `server.pem` in `folder`; yield its port.

    To whoever trusts that, and asks, it `says` something, and reads on until the connection is closed there.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_self_signed(folder))

    def greet(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as encrypted:
            if says and encrypted.recv(65536):
                encrypted.sendall(says)
                while encrypted.recv(65536):  # what is not read would break the connection off
                    pass

    with raw_server(greet) as port:
        yield port


def _self_signed(folder: Path) -> Path:
    """Return a file with a new key and its certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    both = folder / "server.pem"
    both.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    )
    return both


def _request(connection: socket.socket) -> str:
    head = b""
    while b"\r\n\r\n" not in head:
        received = connection.recv(65536)
        if not received:
            return ""
        head += received
    head, _, body = head.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
    )
    while len(body) < length:
        body += connection.recv(65536)
    return (head + b"\r\n\r\n" + body).decode()


def sending(data: bytes) -> Behaviour:
    """Send `data` and go on listening."""
    return lambda connection: connection.sendall(data)


def silent(connection: socket.socket) -> None:
    """Send nothing, for as long as the client stays."""
    connection.recv(1)


def dripping(head: bytes, drop: bytes) -> Behaviour:
    """Send `head`, then `drop` again and again, faster than any timeout for one read."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(200):
            connection.sendall(drop)
            time.sleep(0.02)

    return behave


def closing(data: bytes) -> Behaviour:
    """Send `data` and close the connection."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_RDWR)

    return behave
