"""Measure how long admission takes with many teams' rows, and how many statements a sweep makes that finds nothing to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import django
from django.conf import settings

from apps.config import instrumentation
from tests.benchmarks.programs import NotMeasured, answer_with
from tests.benchmarks.queued_rows import queued_rows
from tests.benchmarks.timing import seconds_of


def measure(*, teams: int, repositories: int, accounts: int, turns: int) -> dict[str, Any]:
    """Return the seconds of admissions and of sweeps, and what there was for them to look at.

    first: seconds of admissions when nobody is at work, each of which finds as many as may wait for a worker.
    one: seconds of admissions after an attempt has ended, when each account has one that asks.
    sweeps, statements: seconds of sweeps that find nothing, one in `sweep_seconds`, and the most statements of any.
    queued: how many rows are queued.
    """
    with queued_rows(teams=teams, repositories=repositories, accounts=accounts) as queued:
        first = [_first() for _ in range(max(1, turns // 10))]
        _begin_all(accounts)
        statements, sweeps = zip(*[_sweep() for _ in range(max(1, turns // 10))], strict=True)
        one = [_one(turn) for turn in range(turns)]
    return {
        "first": first,
        "one": one,
        "sweeps": sweeps,
        "statements": max(statements),
        "sweep_seconds": settings.SYNC_SWEEP_SECONDS,
        "queued": queued,
    }


def _first() -> float:
    """Admit what may begin when nobody is at work, and take it back."""
    from apps.integrations.models import Admission, RepoSync

    seconds = _seconds_of_admission()
    RepoSync.objects.filter(admission__isnull=False).update(admitted_at=None)  # as it was
    Admission.objects.all().delete()
    return seconds


def _one(turn: int) -> float:
    """Let one attempt end, and admit the next."""
    from apps.integrations.models import Admission, RepoSync
    from apps.integrations.runs import attempts
    from apps.integrations.runs.attempts import Attempt

    at_work = list(Admission.objects.order_by("account"))
    ends = at_work[turn % len(at_work)]
    attempts.complete(Attempt(ends.repo_sync_id, ends.attempt), disposition=RepoSync.Disposition.SYNCED)
    return _seconds_of_admission(then=_claim)


def _seconds_of_admission(*, then: Callable[[Any], object] = lambda _: None) -> float:
    """Return how long an admission takes that finds something, and call `then` with each attempt."""
    from apps.integrations.runs import admission

    found: list[Any] = []
    seconds = seconds_of(lambda: found.extend(admission.admit()))
    if not found:
        raise NotMeasured("Nothing was admitted, though an account is free")
    for each in found:
        then(each)
    return seconds


def _claim(attempt: Any) -> None:
    from apps.integrations.runs import attempts

    attempts.claim(attempt, traceparent=None)


def _begin_all(accounts: int) -> None:
    """Begin an attempt of each account, as workers would."""
    from apps.integrations.models import Admission
    from apps.integrations.runs import admission

    while found := admission.admit():
        for each in found:
            _claim(each)
    if Admission.objects.count() != accounts:
        raise NotMeasured(f"Of {accounts} accounts {Admission.objects.count()} are at work")


def _sweep() -> tuple[int, float]:
    """Return how many statements a sweep makes that finds nothing to do, and its seconds."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from apps.integrations import onboarding_pipeline as pipeline

    found: list[Any] = []
    with CaptureQueriesContext(connection) as captured:
        seconds = seconds_of(lambda: found.extend(pipeline.sweep()))
    if found:
        raise NotMeasured(f"A sweep found {len(found)} steps to send where there were none")
    return len(captured), seconds


if __name__ == "__main__":
    django.setup()
    instrumentation.configure()
    answer_with(measure)
