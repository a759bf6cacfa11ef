"""The worker's Celery app, in which a scenario's fates befall its processes: ``celery -A tests.rca.fates worker``.

`fates.json` in the group's home says what happens to whom. Attempts are made again after a quarter of a second, doubled
each time, so that six of them fail in eight seconds; nothing else is changed.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any, Final

from celery.exceptions import SoftTimeLimitExceeded
from celery.signals import worker_init

from apps.config.celery import app

__all__ = ["FATES", "FIRST_COUNTDOWN", "HOME", "app", "times_met"]

HOME: Final = "SYNC_RCA_HOME"
FATES: Final = "fates.json"
FIRST_COUNTDOWN: Final = 0.25


def _home() -> Path:
    return Path(os.environ[HOME])


def _times(name: str) -> int:
    """Return how often this was asked for `name` so far, over all processes."""
    folder = _home() / "met"
    folder.mkdir(exist_ok=True)
    with (folder / name).open("ab") as file:
        file.write(b".")
        return file.tell()


def times_met(home: Path, whom: str) -> int:
    """Return how often somebody has come to where fates befall `whom`."""
    file = home / "met" / _file(whom)
    return file.stat().st_size if file.exists() else 0


def _file(whom: str) -> str:
    return whom.replace("/", "-")


def _befall(whom: str) -> None:
    """Let happen what is due to `whom`."""
    try:
        fates = json.loads((_home() / FATES).read_bytes()).get(whom)
    except FileNotFoundError:
        return
    if fates is None:
        return
    met = _times(_file(whom))
    for fate in fates:
        if fate["nth"] <= met < fate["nth"] + fate["times"]:
            _DOES[fate["does"]](fate["seconds"])


def _kill(_seconds: float) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _loop(_seconds: float) -> None:
    while True:
        try:
            time.sleep(0.1)
        except SoftTimeLimitExceeded:
            continue


def _hang(_seconds: float) -> None:
    time.sleep(3_600)


def _linger(seconds: float) -> None:
    time.sleep(seconds)


def _raise(_seconds: float) -> None:
    raise ZeroDivisionError("a rule divides by zero")


_DOES: Final[dict[str, Callable[[float], None]]] = {
    "kill": _kill,
    "loop": _loop,
    "hang": _hang,
    "linger": _linger,
    "raise": _raise,
}


@worker_init.connect
def _prepare(**_: object) -> None:
    from apps.analysis import assistance, metrics  # Celery has set Django up by now
    from apps.integrations import tasks
    from apps.integrations.github.transport import GitHubTransport
    from apps.integrations.runs.failures import ATTEMPTS
    from apps.integrations.services import github_graphql_sync, sync_attempt

    for module in (sync_attempt, tasks):
        setattr(module, "ATTEMPTS", replace(ATTEMPTS, first_countdown=FIRST_COUNTDOWN))  # noqa: B010  # they name it alone
    places: list[tuple[Any, str, Callable[..., str]]] = [
        (GitHubTransport, "_send", lambda transport, *_, **__: f"asks:{transport._authorization.removeprefix('Bearer ')}"),
        (github_graphql_sync, "store_page", lambda *, repository_id, **_: f"stores:{repository_id}"),
        (assistance, "analyze", lambda *, team_id, **_: f"analyzes:{team_id}"),
        (metrics, "compute", lambda *, team_id: f"measures:{team_id}"),
    ]
    for owner, name, whom in places:
        setattr(owner, name, _fated(getattr(owner, name), whom))


def _fated(function: Callable[..., Any], whom: Callable[..., str]) -> Callable[..., Any]:
    @wraps(function)
    def fated(*args: Any, **kwargs: Any) -> Any:
        _befall(whom(*args, **kwargs))
        return function(*args, **kwargs)

    return fated
