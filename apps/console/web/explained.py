"""Explanations of runs for pages: those of the command `explain`, kept for a little while."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.db.models import Count, Sum

from apps.explain.explanation import Explanation, explain_run
from apps.integrations.models import PipelineRun

_MOST_KEPT = 32
_LEAST_SECONDS = 5.0
_TIMES_ITS_COST = 20.0
"""An explanation is kept for so many times as long as it took to find: explaining takes a twentieth of a process at most."""


@dataclass(frozen=True, slots=True)
class _Kept:
    mark: tuple[Any, ...]
    explanation: Explanation
    until: float


class Explanations:
    """Explains runs, and keeps the last explanations for whoever asks next."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, run: PipelineRun) -> Explanation:
        """Return why a run went as it did, without the path of its time: seconds old at most, or as old as that took.

        A run is explained anew once its rows stand otherwise.
        """
        mark = _mark(run)
        with self._lock:
            kept = self._kept.get(run.pk)
        if kept is not None and kept.mark == mark and time.monotonic() < kept.until:
            return kept.explanation
        began = time.monotonic()
        found = explain_run(run.pk, command=settings.SYNCTRACE_COMMAND)
        found = replace(found, time=replace(found.time, path=()))  # a large run's has a hundred thousand stretches
        ended = time.monotonic()
        until = ended + max(_LEAST_SECONDS, _TIMES_ITS_COST * (ended - began))
        with self._lock:
            self._kept[run.pk] = _Kept(mark, found, until)
            self._kept.move_to_end(run.pk)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return found


explanations = Explanations()
"""Those of this process."""


def _mark(run: PipelineRun) -> tuple[Any, ...]:
    """Return what tells how the run's rows stand from how they stood."""
    rows = run.repo_syncs.order_by("state", "wait_reason", "error_type").values_list("state", "wait_reason", "error_type")
    return (run.state, run.phase, run.step_attempt, run.ended_at, *rows.annotate(Count("pk"), Sum("attempt")))
