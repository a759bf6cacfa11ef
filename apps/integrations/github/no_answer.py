"""Translate the errors of requests, urllib3 and sockets into ours, when there is no answer. Pure.

Those libraries wrap one another's errors in several ways, and put the cause into `args` as often as into `__cause__`,
so the whole chain is searched. None of their texts is repeated, since they may hold a proxy's password.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator

import requests
from urllib3.exceptions import HTTPError

from apps.integrations.errors import (
    CertificatesMissing,
    CertificateUntrusted,
    GitHubError,
    InvalidAnswer,
    ProxyRefused,
    QueryTimeout,
    TlsBroken,
    Unreachable,
)

_TUNNEL_REFUSED = re.compile(r"Tunnel connection failed: (\d{3})")
_READING_CERTIFICATES = {"X509", "PEM", "ASN1"}
"""The parts of OpenSSL that read certificates from files; its handshake is `SSL`."""


def error_of(
    error: OSError | HTTPError | ValueError,
    *,
    host: str,
    is_encrypted: bool,
    connect_seconds: float,
    deadline_seconds: float,
) -> GitHubError:
    """Return why a request to `host` had no answer; requests' own errors are all OSErrors, others are not."""
    causes = list(_causes(error))
    if isinstance(error, requests.ConnectTimeout):
        return Unreachable(f"{host} was not found, or accepted no connection, within {connect_seconds:g} s")
    if isinstance(error, requests.exceptions.ProxyError):
        return _proxy_error(causes, host)
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return InvalidAnswer("The answer's compression is broken")
    if not isinstance(error, OSError | HTTPError):
        return InvalidAnswer("The answer is not HTTP")
    if any(isinstance(cause, TimeoutError | requests.Timeout) for cause in causes):
        return QueryTimeout(f"{host} gave no complete answer in {deadline_seconds:g} s")
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return CertificateUntrusted(f"{host} has no certificate that this machine trusts")
    if any(map(_is_about_our_certificates, causes)):
        return CertificatesMissing("The file of trusted certificates that the environment names cannot be read")
    if any(
        isinstance(cause, ssl.SSLError) or (is_encrypted and isinstance(cause, ConnectionResetError)) for cause in causes
    ):
        return TlsBroken(f"The encrypted connection to {host} broke off")
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return Unreachable(f"{host} closed the connection in the middle of its answer")
    return Unreachable(f"{host} cannot be reached, or closed the connection")


def _proxy_error(causes: list[BaseException], host: str) -> Unreachable:
    refused = next((found[1] for cause in causes if (found := _TUNNEL_REFUSED.search(str(cause)))), None)
    if refused == "407":
        return ProxyRefused("407: the proxy wants a user and a password, or other ones")
    return Unreachable(f"The proxy did not connect us to {host}" + (f": it answered {refused}" if refused else ""))


def _is_about_our_certificates(cause: BaseException) -> bool:
    if isinstance(cause, ssl.SSLError):
        return cause.library in _READING_CERTIFICATES
    if isinstance(cause, OSError) and not isinstance(cause, requests.RequestException):
        return isinstance(cause, FileNotFoundError | PermissionError) or "TLS CA certificate bundle" in str(cause)
    return False


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield `error` and everything that it wraps, each once."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        each = waiting.pop()
        if isinstance(each, BaseException) and id(each) not in seen:
            seen.add(id(each))
            yield each
            waiting += [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
