"""What keeps an answer from arriving: the network, a proxy, certificates."""

# ruff: noqa: N818  # the names say what happened; "Error" at the end of each would say nothing more
from __future__ import annotations

from apps.integrations.errors.github import GitHubError


class Unreachable(GitHubError):
    """There was no connection, or it ended before the answer was complete."""

    error_type = "unreachable"
    retryable = True
    status = "unreachable"
    advice = "Check the network, the proxy settings and the API's address."


class ProxyRefused(Unreachable):
    """The proxy between here and GitHub wants a user and a password, or different ones."""

    error_type = "proxy_refused"
    retryable = False
    advice = "Put the proxy's user and password into its address: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT."


class TlsBroken(Unreachable):
    """The encrypted connection broke off, during its handshake or later."""

    error_type = "tls_broken"
    advice = "If it persists, something between here and GitHub, such as a firewall, cuts encrypted connections."


class CertificateUntrusted(Unreachable):
    """The server that answers has no certificate that this machine trusts."""

    error_type = "certificate_untrusted"
    advice = "Check the API's address and the machine's clock; for an authority of your own set REQUESTS_CA_BUNDLE."


class CertificatesMissing(Unreachable):
    """The file of certificate authorities that this machine is told to trust cannot be read."""

    error_type = "certificates_missing"
    retryable = False
    advice = "Set REQUESTS_CA_BUNDLE (or CURL_CA_BUNDLE) to a file of certificates, or unset it for the usual ones."
