"""What GitHub answers instead of what was asked for; each error carries its evidence."""

# ruff: noqa: N818  # the names say what happened; "Error" at the end of each would say nothing more
from __future__ import annotations

from datetime import datetime
from typing import ClassVar, TypedDict, Unpack

from apps.catalog import CallStatus
from apps.integrations.errors.base import SyncError


class Evidence(TypedDict, total=False):
    """What GitHub said about a failed call.

    `points_cost` is what it cost, `request_id` identifies it to GitHub's support, and `retry_after` is in seconds.
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
        """Add that something else uses the account, since at most `requests` a minute were sent from here."""
        self.account_is_shared = True
        sent = f"from here at most {requests} requests were sent in the last minute, one at a time"
        self.args = (f"{self} ({sent}: something else uses this account too)",)
        self.advice = (
            "The sync waits and continues. Find out what else uses the account: a program, or a second installation with "
            "its token, which this one cannot see."
        )


class QueryTimeout(GitHubError):
    """GitHub took too long and gave up, or did not answer in time; a smaller page may work."""

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
    """GitHub failed to execute this query, but at once, so time was not the reason; a smaller page may work."""

    error_type = "query_failed"


class NotReady(GitHubError):
    """GitHub has taken the request and is still preparing the answer."""

    error_type = "not_ready"
    retryable = True
    advice = "GitHub is still preparing it. Try again in a minute."


class Conflict(GitHubError):
    """The repository's state prevents an answer: it is empty, or is being renamed, moved or restored."""

    error_type = "conflict"
    retryable = True
    advice = "Look at the repository's page on GitHub: it may be empty, or being moved right now. Then sync it again."


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
    """The server, an Enterprise Server older than the field, does not know `field`."""

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
        "not deleted there, and that this machine's clock is right. Tokens are then made automatically."
    )


class InstallationSuspended(Forbidden):
    """An installation of the GitHub App is suspended, by its installer or by the app's owner."""

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
    """The GitHub App is no longer installed there."""

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
