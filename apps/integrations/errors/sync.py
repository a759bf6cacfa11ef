"""What stops a sync from within: its limits, its turns, and people."""

# ruff: noqa: N818  # the names say what happened; "Error" at the end of each would say nothing more
from __future__ import annotations

from datetime import datetime

from apps.integrations.errors.base import SyncError
from telemetry.timestamps import iso_seconds


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
    """A person waiting for an answer did not get it in time: GitHub is slow, or the account is in use."""

    error_type = "not_in_time"
    retryable = True
    advice = "GitHub is slow, or the account is busy with a sync. Try again in a moment."


class AnotherAccount(SyncError):
    """A token belongs to another account than the one it should be for."""

    error_type = "another_account"
    advice = "Paste a token of the same account, or connect the other account as well."


class StandsBack(SyncError):
    """Others want the attempt's place: its repository queues again, and another attempt continues at its cursor."""

    error_type = "stands_back"
    retryable = True
    advice = "Nothing to do: the sync continues by itself when it is its turn."


class Superseded(SyncError):
    """Another attempt has taken over, or the run was called off, so nothing more of this attempt was stored."""

    error_type = "superseded"
    advice = "Nothing to do: the other attempt continues, or the work is no longer wanted."


class Cancelled(SyncError):
    """Somebody called the run off."""

    error_type = "cancelled"
    advice = "To go on where it stopped, resume its run."


class WrongState(SyncError):
    """A run cannot be cancelled or resumed as it stands."""

    error_type = "wrong_state"
    advice = "Look in the admin, or use `trace RUN`, to see where it stands."


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
    advice = (
        "Look at the worker's log and the machine's memory: something kills its processes while they sync this repository."
    )


class OutOfTime(SyncError):
    """An attempt or a step reached its time limit."""

    error_type = "out_of_time"
    retryable = True
    advice = "Look in its trace for what took so long. The limits are SYNC_ATTEMPT_SECONDS and SYNC_STEP_SECONDS."


def limit_in_words(reason: str) -> str:
    """Return the name of the awaited limit: GitHub's primary or secondary one, or a troubled server's `Retry-After`."""
    return "GitHub's own Retry-After" if reason == "retry_after" else f"GitHub's {reason} limit"
