"""A run that pages ask for each second: who may see it is found out now and then, and its row is read once for all of them.

Otherwise fifty pages would ask the database two hundred times a second who looks, and load it more than what they look at.
"""

from __future__ import annotations

import threading
import time

from django.conf import settings
from django.http import HttpRequest

from apps.console.web.kept import Kept
from apps.console.web.run import run_seen
from apps.console.web.sight import Sight
from apps.integrations.models import PipelineRun

_SEEN_FOR = 30.0
"""Seconds for which a session that saw a run goes on to see it; a page's stream outlives its session for longer."""
_READ_EVERY = 1.0
_MOST_SESSIONS = 2_000
_MOST_RUNS = 64
_LOOKS_A_SECOND = 6.0

_sights: Kept[Sight] = Kept(_MOST_SESSIONS)
_runs: Kept[PipelineRun] = Kept(_MOST_RUNS)


class Turns:
    """Says when each page may ask again, so that all of them together ask so many times a second at most."""

    def __init__(self, a_second: float = _LOOKS_A_SECOND) -> None:
        self._apart = 1 / a_second
        self._next = 0.0
        self._lock = threading.Lock()

    def take(self) -> float:
        """Take the next turn that is free, and return in how many seconds it is."""
        now = time.monotonic()
        with self._lock:
            self._next = max(now, self._next) + self._apart
            return self._next - now


turns = Turns()
"""Those of this process."""


def run_looked_at(request: HttpRequest, run_id: int) -> PipelineRun | None:
    """Return a run as it stood a second ago at most; None to somebody who is not signed in.

    To whoever may not see it, there is none.
    """
    session = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    sight = _sights.get(session, None) if session else None
    if sight is None:
        if not request.user.is_authenticated:
            return None
        sight = Sight.of(request.user)
        if session:
            _sights.put(session, None, sight, seconds=_SEEN_FOR)
    run = _runs.get(run_id, None)
    if run is None or not sight.has(run.team_id):
        run = run_seen(sight, run_id)
        _runs.put(run_id, None, run, seconds=_READ_EVERY)
    return run
