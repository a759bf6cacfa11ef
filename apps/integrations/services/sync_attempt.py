"""Make one attempt at a repository: sync it, and leave on its row how the attempt ended and what it cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from apps import catalog
from apps.integrations.errors import Parked, StandsBack, Superseded
from apps.integrations.models import RepoSync
from apps.integrations.runs import admission, attempts
from apps.integrations.runs.attempts import Attempt
from apps.integrations.runs.failures import ATTEMPTS, DATABASE_TROUBLE, Retry, as_stored, broke_connection
from apps.integrations.services.clients import clients_for
from apps.integrations.services.github_graphql_sync import sync_pull_requests
from apps.repositories.accounts import has_new_token
from apps.utils import clock
from apps.utils.database import drop_connection


@dataclass(frozen=True, slots=True)
class Completed:
    """The repository's window is stored."""

    result: catalog.RepoSynced
    has_handed_over: bool = False
    """Whether the account's next attempt was already admitted, so that this one's end makes no room."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The repository waits until GitHub's limit is over, or for its turn from now on; then it is admitted again."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Retrying:
    """The attempt failed, the last of `failures` in a row, and the next follows in `countdown` seconds."""

    error: Exception
    failures: int
    countdown: float


@dataclass(frozen=True, slots=True)
class Failed:
    """The attempt failed, and none follows."""

    error: Exception


@dataclass(frozen=True, slots=True)
class Unmarked:
    """The database could not record how the attempt ended; the sweep will find the row without a sign of life."""

    error: Exception


End = Completed | Waiting | Retrying | Failed | Unmarked


def attempt_sync(row: RepoSync, own: Attempt, *, send_admitted: Callable[[], None] = lambda: None) -> End:
    """Make the attempt `own` at the claimed `row` and return how it ended; raise `Superseded` if another took over.

    `send_admitted` is called when others may begin: at once if more wait for a worker, now that this attempt has one,
    and again when it has asked GitHub all it needs.
    """
    spent: dict[str, int] = {}
    place = _Place(own, send_admitted)
    try:
        if admission.is_short_of_workers(row):
            send_admitted()
        died = attempts.predecessor_death(row)
        if died is not None and not ATTEMPTS.allows(row.failures):
            raise died
        clients = clients_for(row, attempt=own)
        try:
            result = sync_pull_requests(row=row, attempt=own, clients=clients, hand_over=place.hand_over)
            return Completed(result, place.is_handed_over)
        finally:
            spent = clients.spent()  # an attempt's cost counts however it ended
    except Superseded:
        raise
    except Parked as wait:
        attempts.park(own, until=wait.until, reason=wait.reason, **spent)
        return Waiting(wait.until)
    except StandsBack:
        attempts.stand_back(own, **spent)
        return Waiting(clock.now())
    except Exception as caught:  # noqa: BLE001  # the row is marked with it, and the caller raises it
        error = as_stored(caught)
        if broke_connection(caught):
            drop_connection(caught)
        try:
            return _mark(row, own, error, spent)
        except DATABASE_TROUBLE as trouble:
            return Unmarked(trouble)


class _Place:
    """The attempt's place with its account, handed over once it has asked all it needs."""

    def __init__(self, own: Attempt, send_admitted: Callable[[], None]) -> None:
        self.is_handed_over = False
        self._own, self._send_admitted = own, send_admitted

    def hand_over(self) -> None:
        """Let the account's next attempt begin, if there is a place for this one to go on writing."""
        if admission.hand_over(self._own):
            self._send_admitted()
            self.is_handed_over = True


def _mark(row: RepoSync, own: Attempt, error: Exception, spent: dict[str, int]) -> Retrying | Failed:
    """Mark the row as the policy decides: waiting for its next attempt, or failed."""
    failures = RepoSync.objects.values_list("failures", flat=True).get(pk=row.pk) + 1  # reset by each page
    decision = ATTEMPTS.after(error, failures=failures, has_new_token=lambda: has_new_token(row.repository.connection))
    if isinstance(decision, Retry):
        attempts.release_for_retry(own, error, failures=failures, countdown=decision.countdown, **spent)
        return Retrying(error, failures, decision.countdown)
    attempts.fail(own, error, disposition=decision.disposition, **spent)
    return Failed(error)
