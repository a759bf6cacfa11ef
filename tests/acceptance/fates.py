"""The worker's Celery app, with ways to die: ``celery -A tests.acceptance.fates worker``.

A token names the request at which its process is killed, once: ``kill-before-3``, ``kill-after-3``; or at which it loops
for ever: ``loop-before-3``. A team's slug names what happens to its analysis (``analysis-raises``, ``analysis-dies``) and
to the process that has committed the end of its run (``end-untold``, ``end-unexported``), once.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded
from celery.signals import worker_init

from apps.config.celery import app

__all__ = ["app"]

_FATE = re.compile(r"Bearer (kill|loop)-(before|after)-(\d+)")


def die() -> None:
    """This process is killed as the kernel does it when memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)


def _times(name: str) -> int:
    """How often this was asked for ``name`` so far, over all processes."""
    folder = Path(os.environ["SYNCTRACE_HOME"]) / "fates"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("ab") as file:
        file.write(b".")
        return file.tell()


def _loop() -> None:
    """For ever, through the soft time limit."""
    while True:
        try:
            time.sleep(0.1)
        except SoftTimeLimitExceeded:
            continue


def _wrapped(owner: object, name: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    setattr(owner, name, wrap(getattr(owner, name)))


@worker_init.connect
def _prepare(**_: object) -> None:
    from apps.analysis import assistance  # Celery has set Django up by now
    from apps.integrations.github.transport import GitHubTransport
    from apps.integrations.runs import root_spans

    _wrapped(GitHubTransport, "_send", _fated_send)
    _wrapped(assistance, "analyze", _fated_analyze)
    _wrapped(root_spans, "finish", _fated_finish)


def _fated_send(send: Callable[..., Any]) -> Callable[..., Any]:
    def fated(self: Any, *args: Any, **kwargs: Any) -> Any:
        fate = _FATE.fullmatch(self._authorization)
        if fate is None:
            return send(self, *args, **kwargs)
        how, when, number = fate.groups()
        is_now = _times(fate[0]) == int(number)
        answer = send(self, *args, **kwargs) if when == "after" else None
        if is_now:
            die() if how == "kill" else _loop()
        return answer or send(self, *args, **kwargs)

    return fated


def _fated_analyze(analyze: Callable[..., Any]) -> Callable[..., Any]:
    from apps.teams.models import Team

    def fated(*, team_id: int, **kwargs: Any) -> Any:
        slug = Team.objects.get(pk=team_id).slug
        if slug == "analysis-dies":
            die()
        if slug == "analysis-raises":
            raise ZeroDivisionError("a rule divides by zero")
        return analyze(team_id=team_id, **kwargs)

    return fated


def _fated_finish(finish: Callable[..., bool]) -> Callable[..., bool]:
    def fated(runs: Sequence[Any], **more: Any) -> bool:
        slug = runs[0].team.slug if runs else ""
        if slug.startswith("end-") and _times(slug) == 1:
            if slug == "end-unexported":
                finish(runs, flush=lambda _seconds: die())
            die()
        return finish(runs, **more)

    return fated
