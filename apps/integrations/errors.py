"""Every way a sync can fail, as one tree whose members carry their evidence and say what to do.

::

    SyncError
    ├── GitHubError              GitHub answered with an error, or not at all
    │   ├── RateLimited          the hour's budget is used up
    │   ├── SecondaryLimited     too many requests in a short time, or Retry-After
    │   ├── QueryTimeout         GitHub took long and gave up, or the answer did not come in time
    │   ├── TooCostly            the query asks for more than GitHub computes
    │   ├── PartialAnswer        some of the data is missing
    │   ├── ServerError          GitHub is in trouble
    │   │   └── QueryFailed      it failed at once at executing this query
    │   ├── NotReady             GitHub is still preparing the answer
    │   ├── Conflict             GitHub is in the middle of changing it, or it is empty
    │   ├── Unreachable          no connection, or no answer in time
    │   │   ├── ProxyRefused     the proxy wants a user and a password
    │   │   ├── TlsBroken        the encrypted connection broke off
    │   │   ├── CertificateUntrusted  whoever answers cannot prove to be GitHub
    │   │   └── CertificatesMissing   this machine's own list of authorities cannot be read
    │   ├── InvalidAnswer        cut off, not JSON, or not in GitHub's shape
    │   ├── QueryRefused         GitHub does not understand the request
    │   │   └── UndefinedField   an older server, which does not know a field
    │   ├── Unauthorized         the token is not accepted
    │   │   └── AppRefused       the GitHub App's key, or what it was made for, is not accepted
    │   ├── Forbidden            the token may not do this
    │   │   ├── InstallationSuspended  the GitHub App's installation is suspended
    │   │   ├── AppNotAllowed    the GitHub App's installation lacks a permission
    │   │   ├── SsoRequired      an organization wants the token authorized for SAML
    │   │   └── IpNotAllowed     an organization's IP allow list does not contain this machine
    │   ├── NotFound             gone, or hidden from this token
    │   │   └── InstallationGone the GitHub App is installed there no longer
    │   └── Moved                a redirect, which was not followed
    ├── IncompleteHistory        fewer pull requests are stored than GitHub counts
    ├── EveryRepositoryFailed    none of a run's repositories could be synced
    ├── StepNeverFinished        analysis or metrics were started again and again
    ├── AttemptDied              an attempt at a repository stopped giving signs of life
    ├── OutOfTime                an attempt or a step reached its time limit
    ├── InvalidApiUrl            an address that no token may be sent to
    ├── LaneLost                 the account's lane was held for too long to send anything more
    ├── Parked                   the wait is too long to sleep through; a later attempt goes on
    ├── NotInTime                whoever asked waits no longer
    ├── AnotherAccount           the token belongs to another account than it is to be for
    ├── StandsBack               others want this attempt's place; a later attempt goes on
    ├── Superseded               another attempt has taken over, or the run has ended
    ├── Cancelled                somebody called the run off
    └── WrongState               a run cannot be cancelled or resumed as it stands

`str(error)` says what happened, `error.advice` what to do, `error.error_type` is a stable code, and `error.retryable` tells
whether the same work may succeed later. No message holds a token or the body of an answer. Errors can be pickled, because
Celery does.
"""

# ruff: noqa: N818  # the names say what happened; "Error" at the end of each would say nothing more
from __future__ import annotations

from datetime import datetime
from typing import ClassVar, TypedDict, Unpack

from apps.catalog import CallStatus
from apps.utils.text import storable
from telemetry.redaction import redact
from telemetry.timestamps import iso_seconds


class SyncError(Exception):
    """A sync could not do what it was asked to do."""

    error_type: ClassVar[str] = "sync_error"
    retryable: ClassVar[bool] = False
    advice: str = "Run it again; if it fails the same way, look at its trace."

    def in_full(self) -> str:
        """Return what happened and what to do, as sentences for a person."""
        return sentences(message_of(self), self.advice)


class Evidence(TypedDict, total=False):
    """What GitHub said about a failed call.

    `points_cost` is what it cost, `request_id` identifies it to GitHub's support, `retry_after` is in seconds.
    """

    http_status: int | None
    points_cost: int | None
    request_id: str | None
    retry_after: float | None


class GitHubError(SyncError):
    """GitHub answered with an error, or not at all; the attributes are the evidence."""

    error_type: ClassVar[str] = "github_error"
    status: ClassVar[CallStatus] = "failed"

    def __init__(self, message: str, **evidence: Unpack[Evidence]) -> None:
        super().__init__(message)
        self.http_status = evidence.get("http_status")
        self.points_cost = evidence.get("points_cost")
        self.request_id = evidence.get("request_id")
        self.retry_after = evidence.get("retry_after")


class RateLimited(GitHubError):
    """The account's budget for this hour is used up; `reset_at` is when it is full again, if GitHub said so."""

    error_type = "rate_limited"
    retryable = True
    status = "rate_limited"
    advice = "Nothing to do: the sync continues when GitHub's limit resets."

    def __init__(self, message: str, *, reset_at: datetime | None = None, **evidence: Unpack[Evidence]) -> None:
        super().__init__(message, **evidence)
        self.reset_at = reset_at


class SecondaryLimited(GitHubError):
    """GitHub asks us to slow down, for `retry_after` seconds if it said so."""

    error_type = "secondary_limited"
    retryable = True
    status = "secondary_limited"
    advice = "Nothing to do: the sync waits and continues. If this persists, find out what else uses the account."
    account_is_shared = False

    def betray(self, requests: int) -> None:
        """Say that something else uses the account, as no more than so many `requests` a minute were sent from here."""
        self.account_is_shared = True
        sent = f"from here at most {requests} requests were sent in the last minute, one at a time"
        self.args = (f"{self} ({sent}: something else uses this account too)",)
        self.advice = (
            "The sync waits and continues. Find out what else uses the account: a program, or a second installation with "
            "its token, which this one cannot see."
        )


class QueryTimeout(GitHubError):
    """GitHub took long and gave up, at its gateway or behind it, or it had not answered in time; a smaller page may work."""

    error_type = "query_timeout"
    retryable = True
    status = "timeout"
    advice = "GitHub was too slow even for a small page. Try again later."


class TooCostly(GitHubError):
    """The query asks for more than GitHub computes at once; a smaller page may work."""

    error_type = "too_costly"
    retryable = True
    status = "too_costly"
    advice = "GitHub refused even a small page as too costly. Try again later."


class PartialAnswer(GitHubError):
    """Some of what was asked for is missing from the answer, so none of the answer was used."""

    error_type = "partial_answer"
    retryable = True
    status = "partial"
    advice = "GitHub left out part of its answer. Try again later."


class ServerError(GitHubError):
    """GitHub is in trouble."""

    error_type = "server_error"
    retryable = True
    status = "server_error"
    advice = "GitHub is in trouble. See https://www.githubstatus.com and try again later."


class QueryFailed(ServerError):
    """GitHub failed at executing this query, and at once, so that it was not for the time it took; less may work."""

    error_type = "query_failed"


class NotReady(GitHubError):
    """GitHub has taken the request and is still preparing the answer."""

    error_type = "not_ready"
    retryable = True
    advice = "GitHub is still preparing it. Try again in a minute."


class Conflict(GitHubError):
    """GitHub cannot answer for the state that it is in: empty, or being renamed, moved or restored."""

    error_type = "conflict"
    retryable = True
    advice = "Look at the repository's page on GitHub: it may be empty or be moved right now. Then sync it again."


class Unreachable(GitHubError):
    """There was no connection, or it ended before the answer was complete."""

    error_type = "unreachable"
    retryable = True
    status = "unreachable"
    advice = "Check the network, the proxy settings and the API's address."


class ProxyRefused(Unreachable):
    """The proxy between here and GitHub wants a user and a password, or other ones."""

    error_type = "proxy_refused"
    retryable = False
    advice = "Put the proxy's user and password into its address: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT."


class TlsBroken(Unreachable):
    """The encrypted connection broke off, while it was made or later."""

    error_type = "tls_broken"
    advice = "If it stays so, something between here and GitHub, as a firewall, cuts encrypted connections."


class CertificateUntrusted(Unreachable):
    """Whoever answers has no certificate that this machine trusts."""

    error_type = "certificate_untrusted"
    advice = "Check the API's address and the machine's clock; for an authority of your own set REQUESTS_CA_BUNDLE."


class CertificatesMissing(Unreachable):
    """The file of certificate authorities that this machine is told to trust cannot be read."""

    error_type = "certificates_missing"
    retryable = False
    advice = "Let REQUESTS_CA_BUNDLE (or CURL_CA_BUNDLE) name a file of certificates, or unset it for the usual ones."


class InvalidAnswer(GitHubError):
    """The answer is cut off, is not JSON, or is not in GitHub's shape."""

    error_type = "invalid_answer"
    retryable = True
    status = "invalid"
    advice = "Something between here and GitHub may be answering in its place. Check the API's address and the proxy."


class QueryRefused(GitHubError):
    """GitHub does not understand the request."""

    error_type = "query_refused"
    status = "failed"
    advice = "Check the API's address. A GitHub Enterprise Server may be too old to know this query."


class UndefinedField(QueryRefused):
    """The server does not know `field`: an Enterprise Server that is older than it."""

    error_type = "undefined_field"

    def __init__(self, message: str, *, field: str = "", **evidence: Unpack[Evidence]) -> None:
        super().__init__(message, **evidence)
        self.field = field


class Unauthorized(GitHubError):
    """The token is not accepted: revoked, expired or mistyped."""

    error_type = "unauthorized"
    status = "unauthorized"
    advice = "The token was refused. Create a new one and connect the account again."


class Forbidden(GitHubError):
    """The token may not do this."""

    error_type = "forbidden"
    status = "forbidden"
    advice = "Give the token read access to the repository's contents, metadata and pull requests."


class SsoRequired(Forbidden):
    """An organization's SAML enforcement hides its resources from a token that was not authorized for it."""

    error_type = "sso_required"
    advice = "Authorize the token for the organization: on GitHub, Settings, Tokens, Configure SSO."


class IpNotAllowed(Forbidden):
    """An organization's IP allow list does not contain this machine's address."""

    error_type = "ip_not_allowed"
    advice = "Ask an owner of the organization to add this machine's address to its IP allow list."


class AppRefused(Unauthorized):
    """GitHub does not accept the GitHub App's key, or a token that it has just made for an installation of it."""

    error_type = "app_refused"
    advice = (
        "Check that SYNCTRACE_GITHUB_APP_ID and SYNCTRACE_GITHUB_APP_PRIVATE_KEY belong to one GitHub App, that the key was "
        "not deleted there, and that this machine's clock is right. Tokens are made by themselves then."
    )


class InstallationSuspended(Forbidden):
    """An installation of the GitHub App is suspended, by who installed it or by who owns the app."""

    error_type = "installation_suspended"
    advice = "Unsuspend the GitHub App where it is installed (Settings, Applications, Configure), or ask its owner to."


class AppNotAllowed(Forbidden):
    """An installation of the GitHub App lacks a permission."""

    error_type = "app_not_allowed"
    advice = (
        "Let the GitHub App read contents, metadata and pull requests, and accept that where it is installed: GitHub asks "
        "an owner of the account."
    )


class NotFound(GitHubError):
    """It does not exist, or this token is not allowed to know that it does."""

    error_type = "not_found"
    status = "not_found"
    advice = "Check the name. If the repository is private, give the token access to it."


class InstallationGone(NotFound):
    """The GitHub App is not installed there any more."""

    error_type = "installation_gone"
    advice = "Install the GitHub App there again and connect the account anew, or remove the account."


class Moved(GitHubError):
    """It has moved to `location`; the redirect was not followed."""

    error_type = "moved"
    status = "failed"
    advice = "Use the new name or address."

    def __init__(self, message: str, *, location: str | None = None, **evidence: Unpack[Evidence]) -> None:
        super().__init__(message, **evidence)
        self.location = location


class InvalidApiUrl(SyncError):
    """The API's address is not one that a token may be sent to."""

    error_type = "invalid_api_url"
    advice = "Give the API's address, like https://api.github.com or https://HOST/api/v3."


class LaneLost(SyncError):
    """The account's lane was held for so long that another process may have it by now, so nothing was sent."""

    error_type = "lane_lost"
    retryable = True
    advice = "Nothing to do: the sync takes another turn. If this persists, the machine is overloaded."


class Parked(SyncError):
    """The wait for GitHub's limit is too long to sleep through; another attempt continues at `until`."""

    error_type = "parked"
    retryable = True
    advice = "Nothing to do: the sync continues by itself at that time."

    def __init__(self, until: datetime, reason: str) -> None:
        super().__init__(until, reason)
        self.until = until
        self.reason = reason

    def __str__(self) -> str:
        return f"{limit_in_words(self.reason)} holds until {iso_seconds(self.until)}"


class NotInTime(SyncError):
    """Somebody who waits for an answer now has not had it in time: GitHub is slow, or the account is in use."""

    error_type = "not_in_time"
    retryable = True
    advice = "GitHub is slow, or the account is busy with a sync. Try again in a moment."


class AnotherAccount(SyncError):
    """A token belongs to another account than the one that it is to be for."""

    error_type = "another_account"
    advice = "Paste a token of the same account, or connect the other account beside it."


class StandsBack(SyncError):
    """Others want the attempt's place: its repository queues again, and another attempt continues at its cursor."""

    error_type = "stands_back"
    retryable = True
    advice = "Nothing to do: the sync continues by itself when it is its turn."


class Superseded(SyncError):
    """Another attempt has taken over, or the run was called off, so nothing more of this attempt was stored."""

    error_type = "superseded"
    advice = "Nothing to do: the other attempt continues, or nobody wants the work any more."


class Cancelled(SyncError):
    """Somebody called the run off."""

    error_type = "cancelled"
    advice = "To go on where it stopped, resume its run."


class WrongState(SyncError):
    """A run cannot be cancelled or resumed as it stands."""

    error_type = "wrong_state"
    advice = "See in the admin, or with `trace RUN`, where it stands."


class IncompleteHistory(SyncError):
    """Fewer pull requests are stored than GitHub counts, after reading everything again."""

    error_type = "incomplete_history"
    advice = "Sync it again. If it stays incomplete, GitHub may be hiding pull requests from this token."


class EveryRepositoryFailed(SyncError):
    """None of a run's repositories could be synced."""

    error_type = "every_repository_failed"
    advice = "See each repository's own error."


class StepNeverFinished(SyncError):
    """A phase's task was started again and again, and never finished."""

    error_type = "step_never_finished"
    advice = "Look at the worker's log for this run: it may run out of memory or time."


class AttemptDied(SyncError):
    """An attempt at a repository stopped giving signs of life: its process was killed, or its machine was lost."""

    error_type = "attempt_died"
    advice = "Look at the worker's log and the machine's memory: something kills its processes at this repository."


class OutOfTime(SyncError):
    """An attempt or a step reached its time limit."""

    error_type = "out_of_time"
    retryable = True
    advice = "See in its trace what took so long. The limits are SYNC_ATTEMPT_SECONDS and SYNC_STEP_SECONDS."


def limit_in_words(reason: str) -> str:
    """Return what is waited for: GitHub's primary or secondary limit, or the end that a server in trouble has named."""
    return "GitHub's own Retry-After" if reason == "retry_after" else f"GitHub's {reason} limit"


def message_of(error: BaseException) -> str:
    """Return what `error` says, fit to be stored and shown: a server's words may repeat what we sent, secrets included."""
    return storable(redact(str(error)))


def sentences(message: str, advice: str) -> str:
    """Return `message`, ended like a sentence, followed by `advice`."""
    return f"{message.rstrip('. ')}. {advice}"


def advice_for(error_type: str) -> str | None:
    """Return what to do about an error of which only the code is known, or None if the code is not one of ours."""
    return next((kind.advice for kind in _kinds() if kind.error_type == error_type), None)


def passing_types() -> frozenset[str]:
    """Return the codes of the errors that may pass by themselves: the same work may succeed later."""
    return frozenset(kind.error_type for kind in _kinds() if kind.retryable)


def _kinds() -> list[type[SyncError]]:
    """Return every kind of error, general ones before their own kinds."""
    kinds = [SyncError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    return kinds
