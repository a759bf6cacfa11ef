"""Explanations of runs for pages: those of the command `explain`, kept for a little while."""

from __future__ import annotations

import time
from collections.abc import Hashable
from dataclasses import replace

from django.conf import settings
from django.db.models import Count, Sum

from apps.console.collecting import nothing_collected
from apps.console.known_causes import keep
from apps.console.web.kept import Kept
from apps.explain.explanation import Explanation, explain_run
from apps.integrations.models import PipelineRun

_MOST_KEPT = 32
_LEAST_SECONDS = 5.0
_TIMES_ITS_COST = 20.0
"""An explanation is kept for so many times as long as it took to find: explaining takes a twentieth of a process at most."""


class Explanations:
    """Explains runs, and keeps the last explanations for whoever asks next."""

    def __init__(self) -> None:
        self._kept: Kept[Explanation] = Kept(_MOST_KEPT)

    def of(self, run: PipelineRun) -> Explanation:
        """Return why a run went as it did, without the path of its time: seconds old at most, or as old as that took.

        A run is explained anew once its rows stand otherwise.
        """
        mark = _mark(run)
        kept = self._kept.get(run.pk, mark)
        if kept is not None:
            return kept
        began = time.monotonic()
        with nothing_collected():
            found = explain_run(run.pk, command=settings.SYNCTRACE_COMMAND)
        found = replace(found, time=replace(found.time, path=()))  # a large run's has a hundred thousand stretches
        keep(run, found)
        self._kept.put(run.pk, mark, found, seconds=max(_LEAST_SECONDS, _TIMES_ITS_COST * (time.monotonic() - began)))
        return found


explanations = Explanations()
"""Those of this process."""


def _mark(run: PipelineRun) -> Hashable:
    """Return what tells how the run's rows stand from how they stood."""
    rows = run.repo_syncs.order_by("state", "wait_reason", "error_type").values_list("state", "wait_reason", "error_type")
    return (run.state, run.phase, run.step_attempt, run.ended_at, *rows.annotate(Count("pk"), Sum("attempt")))
