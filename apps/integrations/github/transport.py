"""The only code that talks to GitHub: one request, one answer read to its end, no redirect followed, nothing retried.

It never sleeps and does not judge answers: the lane decides when to send, and `classify` what an answer means.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

import requests
from urllib3.exceptions import HTTPError

from apps.integrations.errors import InvalidAnswer, InvalidApiUrl, Unauthorized
from apps.integrations.github.deadline import Deadline, DeadlineAdapter, keeping
from apps.integrations.github.no_answer import error_of
from apps.integrations.github.nodes import Response
from apps.utils.boottime import boottime

_LONGEST_URL, _LONGEST_HOST = 200, 120
"""What a connection's row can hold: an account's name is the host and a login."""
API_VERSION = "2022-11-28"
"""https://docs.github.com/rest/about-the-rest-api/api-versions"""
_HEADERS = {
    "Accept": "application/vnd.github+json",
    "User-Agent": "synctrace",  # GitHub requires one
    "X-GitHub-Api-Version": API_VERSION,
}


class Transport(Protocol):
    """What a client needs of a transport."""

    @property
    def host(self) -> str:
        """The only host that requests go to."""
        raise NotImplementedError

    def graphql(self, body: bytes, *, send_before: float | None = None) -> Response:
        """Return GitHub's answer to a GraphQL request, whatever it is."""
        raise NotImplementedError

    def rest(self, path: str, params: Mapping[str, str] | None = None, *, send_before: float | None = None) -> Response:
        """Return GitHub's answer to `GET path`, whatever it is."""
        raise NotImplementedError


class GitHubTransport:
    """One account's connection to one GitHub API.

    `api_url` is `https://api.github.com` or a GitHub Enterprise Server's `https://HOST/api/v3`; plain http is allowed for
    loopback hosts and for `plain_http_hosts` (lower-case names). `deadline_seconds` bounds a whole request with its answer,
    `max_body_bytes` the answer after decompression. Proxies and certificate authorities come from the environment
    (`HTTPS_PROXY`, `REQUESTS_CA_BUNDLE`); a `.netrc` is not read.
    """

    def __init__(
        self,
        *,
        api_url: str,
        token: str,
        connect_timeout: float = 5.0,
        deadline_seconds: float = 30.0,
        plain_http_hosts: Collection[str] = (),
        max_body_bytes: int = 64 * 1024 * 1024,
    ) -> None:
        parts = _checked(api_url, plain_http_hosts=plain_http_hosts)
        self.host = parts.hostname or ""
        self._netloc = parts.netloc
        self.deadline_seconds = deadline_seconds
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._path = parts.path.rstrip("/")
        self._max_body_bytes = max_body_bytes
        self._connect_timeout = min(connect_timeout, deadline_seconds)
        self._authorization = f"Bearer {_checked_token(token)}"
        self._session = requests.Session()
        self._session.headers.clear()
        self._session.headers.update(_HEADERS)
        self._session.headers["Accept-Encoding"] = "gzip, deflate"
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, DeadlineAdapter(max_retries=0))

    def __repr__(self) -> str:
        return f"GitHubTransport({self._origin}{self._path})"

    def graphql(self, body: bytes, *, send_before: float | None = None) -> Response:
        """Return GitHub's answer to a GraphQL request, whatever it is; `send_before` is in `boottime`.

        Raises `Unreachable` if there is no answer, `QueryTimeout` if it is not complete in time, and `LaneLost`, with
        nothing sent, after `send_before`. A process that is frozen past that moment while it sends is killed.
        """
        # An Enterprise Server has it next to REST: /api/graphql and /api/v3.
        path = self._path.removesuffix("/v3") + "/graphql"
        return self._send("POST", path, body=body, send_before=send_before)

    def rest(self, path: str, params: Mapping[str, str] | None = None, *, send_before: float | None = None) -> Response:
        """Return GitHub's answer to `GET path`, whatever it is; raise the same errors as `graphql`.

        `path` is relative to the API's address (`/rate_limit`), or one that GitHub gave, which includes the address's path.
        """
        if not path.startswith(f"{self._path}/"):
            path = self._path + path
        return self._send("GET", path, params=params, send_before=send_before)

    def post(self, path: str, *, send_before: float | None = None) -> Response:
        """Return GitHub's answer to `POST path` without a body, whatever it is; see `rest`."""
        return self._send("POST", self._path + path, body=b"{}", send_before=send_before)

    def use_token(self, token: str) -> None:
        """Send another token from the next request on."""
        self._authorization = f"Bearer {_checked_token(token)}"

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _send(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        params: Mapping[str, str] | None = None,
        send_before: float | None,
    ) -> Response:
        deadline = Deadline(
            ends=boottime() + self.deadline_seconds, send_before=float("inf") if send_before is None else send_before
        )
        try:
            with (
                keeping(deadline),
                self._session.request(
                    method,
                    self._origin + path,
                    params=params,
                    data=body,
                    headers=None if body is None else {"Content-Type": "application/json"},
                    auth=self._authorize,
                    timeout=(self._connect_timeout, self.deadline_seconds),
                    allow_redirects=False,
                    stream=True,
                ) as answer,
            ):
                headers = {name.lower(): value for name, value in answer.headers.items()}
                seconds = boottime() - deadline.sent_at
                return Response(status=answer.status_code, headers=headers, body=self._read(answer), seconds=seconds)
        except (OSError, HTTPError, ValueError) as error:  # all of requests' own, and others' that it lets through
            raise error_of(
                error,
                host=self._netloc,
                is_encrypted=self._origin.startswith("https:"),
                connect_seconds=self._connect_timeout,
                deadline_seconds=self.deadline_seconds,
            ) from error

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put the token on this one request; passing `auth` at all keeps requests from reading a `.netrc`."""
        request.headers["Authorization"] = self._authorization
        return request

    def _read(self, answer: requests.Response) -> bytes:
        chunks, size, most = [], 0, self._max_body_bytes
        for chunk in answer.iter_content(65536):
            size += len(chunk)
            if size > most:
                raise InvalidAnswer(f"The answer is larger than {most / 2**20:g} MiB", http_status=answer.status_code)
            chunks.append(chunk)
        return b"".join(chunks)


def _checked(api_url: str, *, plain_http_hosts: Collection[str]) -> SplitResult:
    try:
        parts = urlsplit(api_url)
        port_is_a_number = parts.port is None or parts.port > 0
        (parts.hostname or "").encode("idna")
        if len(api_url) > _LONGEST_URL or len(parts.hostname or "") > _LONGEST_HOST or not _is_one_word(api_url):
            raise ValueError(api_url)
    except ValueError:  # even for a host that has no name in the DNS
        raise InvalidApiUrl("The API's address is not a URL") from None
    if parts.username is not None or parts.password is not None:
        raise InvalidApiUrl("The API's address must not contain a user or a password; give the token separately")
    if parts.scheme not in ("https", "http") or not parts.hostname or not port_is_a_number:
        raise InvalidApiUrl(f"{api_url!r} is not an http or https URL")
    if parts.query or parts.fragment:
        raise InvalidApiUrl(f"{api_url!r} must end with its path: leave out the query and fragment")
    if parts.scheme == "http" and parts.hostname not in plain_http_hosts and not _is_loopback(parts.hostname):
        raise InvalidApiUrl(f"{api_url!r} would send the token unencrypted: use https")
    return parts


def _is_one_word(text: str) -> bool:
    return text.isprintable() and " " not in text


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _checked_token(token: str) -> str:
    token = token.strip()
    if not token:
        raise Unauthorized("No token was given")
    if not (token.isascii() and _is_one_word(token)):
        raise Unauthorized("The token contains characters that no GitHub token has")
    return token
