"""Decide what follows a failed attempt or step: another try and when, or the end and with which disposition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from celery.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded
from django.db import InterfaceError, OperationalError

from apps.integrations.errors import Forbidden, NotFound, OutOfTime, SyncError, Unauthorized
from apps.integrations.models import RepoSync

DATABASE_TROUBLE = (OperationalError, InterfaceError)
"""Errors of a restarted database or an interrupted statement: the same work may succeed on a new connection."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Another try follows in `countdown` seconds."""

    countdown: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """No try follows; the repository's sync ends with this disposition."""

    disposition: RepoSync.Disposition


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptPolicy:
    """How often a repository is tried, how long to wait before each retry, and how its sync ends when none follows.

    `tries` is how many attempts may fail or die in a row without committing a page. Countdowns are in seconds; the
    first doubles with each failure. Of an error's class and its ancestors, the nearest in `dispositions` counts.
    """

    tries: int
    first_countdown: float
    longest_countdown: float
    dispositions: Mapping[type[Exception], RepoSync.Disposition]

    def after(self, error: Exception, *, failures: int, has_new_token: Callable[[], bool] = lambda: False) -> Retry | GiveUp:
        """Return what follows `error`, the last of `failures` in a row.

        `has_new_token` says whether the account was reconnected since the attempt took its token; it is called only if
        that token was refused.
        """
        is_temporary = isinstance(error, DATABASE_TROUBLE) or (isinstance(error, SyncError) and error.retryable)
        if self.allows(failures) and (is_temporary or (isinstance(error, Unauthorized) and has_new_token())):
            return Retry(self._countdown(error, failures))
        return GiveUp(next(self.dispositions[kind] for kind in type(error).__mro__ if kind in self.dispositions))

    def allows(self, failures: int) -> bool:
        """Return whether another try may follow so many failures in a row."""
        return failures < self.tries

    def _countdown(self, error: Exception, failures: int) -> float:
        """Return our own countdown, or the error's if that is longer: a server may ask for none each time."""
        asked = getattr(error, "retry_after", None) or 0.0
        return max(float(asked), min(self.longest_countdown, self.first_countdown * 2.0 ** max(0, failures - 1)))


ATTEMPTS = AttemptPolicy(
    tries=6,
    first_countdown=2.0,
    longest_countdown=300.0,
    dispositions={
        Exception: RepoSync.Disposition.FAILED,
        NotFound: RepoSync.Disposition.GONE,
        Forbidden: RepoSync.Disposition.FORBIDDEN,
        Unauthorized: RepoSync.Disposition.FORBIDDEN,
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPolicy:
    """How often a phase's step is started before its run fails; the sweep restarts it after SYNC_STEP_SECONDS."""

    tries: int

    def allows(self, started: int) -> bool:
        """Return whether a step that was started so many times may be started again."""
        return started < self.tries

    def retries(self, error: Exception, *, started: int) -> bool:
        """Return whether the step is started again after `error`; otherwise the run fails."""
        return isinstance(error, DATABASE_TROUBLE) and self.allows(started)


STEPS = StepPolicy(tries=3)


def killed_by(error: BaseException) -> str:
    """Return what killed a task's process, according to Celery's parent process."""
    if isinstance(error, TimeLimitExceeded):
        return f"its hard time limit of {error.args[0]} s"
    return str(error).removeprefix("Worker exited prematurely: ").partition(" Job:")[0].rstrip(".")


def broke_connection(error: Exception) -> bool:
    """Return whether `error` may have left the database connection unusable, as in the middle of a statement."""
    return isinstance(error, (SoftTimeLimitExceeded, *DATABASE_TROUBLE))


def as_stored(error: Exception) -> Exception:
    """Return `error` as it is stored and shown: Celery's soft time limit becomes `OutOfTime`."""
    if not isinstance(error, SoftTimeLimitExceeded):
        return error
    out_of_time = OutOfTime("It had not ended at its time limit").with_traceback(error.__traceback__)
    out_of_time.__cause__ = error
    return out_of_time
