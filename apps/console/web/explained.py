"""Explanations of runs for pages, as from the command `explain`, cached briefly."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import replace
from threading import Lock

from django.conf import settings
from django.db import connection
from django.db.models import Count, Sum

from apps.console.collecting import nothing_collected
from apps.console.known_causes import keep
from apps.console.web.background import background_thread
from apps.console.web.kept import Kept
from apps.explain.explanation import Explanation, explain_run
from apps.integrations.models import PipelineRun
from apps.utils.times_in_text import times_marked

_MOST_KEPT = 32
_LEAST_SECONDS = 5.0
_TIMES_ITS_COST = 20.0
"""How many times its own duration an explanation is kept: explaining takes at most a twentieth of a process."""


class Explanations:
    """Explains runs, one at a time, and keeps the last explanations for the next callers."""

    def __init__(self, *, explain: Callable[..., Explanation] = explain_run) -> None:
        self._explain = explain
        self._kept: Kept[Explanation] = Kept(_MOST_KEPT)
        self._explaining = Lock()
        self._thread = background_thread("console-explain")

    def of(self, run: PipelineRun) -> Explanation:
        """Return why a run went as it did, with marked times, without its critical path.

        It is at most seconds old, or a multiple of the time it took. A run is explained afresh once its rows have
        changed.
        """
        with self._explaining:
            mark = _mark(run)
            return self._kept.get(run.pk, mark) or self._explained(run, mark)

    def _explained(self, run: PipelineRun, mark: Hashable) -> Explanation:
        began = time.monotonic()
        with nothing_collected(), times_marked():  # in whichever thread
            found = self._explain(run.pk, command=settings.SYNCTRACE_COMMAND)
        found = replace(found, time=replace(found.time, path=()))  # a large run's has a hundred thousand stretches
        keep(run, found)
        self._kept.put(run.pk, mark, found, seconds=max(_LEAST_SECONDS, _TIMES_ITS_COST * (time.monotonic() - began)))
        return found

    def soon(self, run: PipelineRun, *, seconds: float) -> Explanation | None:
        """Return the same if found within so many seconds, else None; the next caller will wait less."""
        kept = self._kept.get(run.pk, _mark(run))
        if kept is not None:
            return kept
        if connection.in_atomic_block:  # nobody else sees its writes
            return self.of(run)
        try:
            return self._thread.submit(self._apart, run).result(seconds)
        except TimeoutError:
            return None

    def _apart(self, run: PipelineRun) -> Explanation:
        try:
            return self.of(run)
        finally:
            connection.close()  # that of the thread this runs in


explanations = Explanations()
"""This process's explanations."""


def _mark(run: PipelineRun) -> Hashable:
    """Return a mark that changes with the run's rows."""
    rows = run.repo_syncs.order_by("state", "wait_reason", "error_type").values_list("state", "wait_reason", "error_type")
    return (run.state, run.phase, run.step_attempt, run.ended_at, *rows.annotate(Count("pk"), Sum("attempt")))
