"""The program that `watching` runs: it stores a run of a new team and who may look at it, and then lets a worker sync it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import cycle, islice
from typing import Any

import django

from apps.config import instrumentation
from tests.benchmarks.programs import NotMeasured, answer_with

_ENDS_WITHIN = 120.0  # seconds


def answer(*, do: str, **asked: Any) -> Any:
    """Store a run, let the worker sync it, or say whether the database may vacuum by itself."""
    actions: dict[str, Callable[..., Any]] = {"store": _store, "sync": _sync, "vacuum": _vacuum}
    return actions[do](**asked)


def _vacuum(*, by_itself: bool) -> None:
    """Let the database vacuum by itself or not: it would find empty tables once a minute, always before the same side."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"ALTER SYSTEM SET autovacuum = {'on' if by_itself else 'off'}")
        cursor.execute("SELECT pg_reload_conf()")


def _store(*, api_url: str, full_names: Sequence[str], pages: int) -> dict[str, Any]:
    """Return a new run, and so many pages of people of four sights: its own page, all runs, and home."""
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client

    from apps.integrations import onboarding_pipeline as pipeline
    from apps.integrations.connections import connect
    from apps.repositories.accounts import track
    from apps.teams.models import Membership, Team

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE pulls_pullrequest CASCADE")
    name = f"watched-{uuid.uuid4().hex[:12]}"
    team, other = (Team.objects.create(slug=slug, name=slug) for slug in (name, f"{name}-other"))
    tracked = track(connection=connect(team=team, api_url=api_url, token=name), full_names=full_names)
    run = pipeline.start_run(team=team, repositories=tracked, since=None)
    people = {who: User.objects.create_user(f"{name}-{who}") for who in ("owner", "member", "outsider")}
    people["staff"] = User.objects.create_superuser(f"{name}-staff")
    Membership.objects.create(user=people["owner"], team=team, role=Membership.Role.OWNER)
    Membership.objects.create(user=people["member"], team=team, role=Membership.Role.MEMBER)
    Membership.objects.create(user=people["outsider"], team=other, role=Membership.Role.MEMBER)
    sessions = {}
    for who, user in people.items():
        client = Client()
        client.force_login(user)
        sessions[who] = client.cookies[settings.SESSION_COOKIE_NAME].value
    of_run = [(who, f"/runs/{run.pk}/") for who in ("owner", "member", "staff")]
    others = [(who, address) for who in people for address in ("/", "/runs/")]
    looks = [{"session": sessions[who], "address": address} for who, address in (*of_run, *of_run, *others)]
    return {"run": run.pk, "cookie": settings.SESSION_COOKIE_NAME, "looks": list(islice(cycle(looks), pages))}


def _sync(*, run: int) -> float:
    """Return how many seconds pass until the run has ended."""
    from apps.integrations import onboarding_pipeline as pipeline
    from apps.integrations.models import PipelineRun
    from apps.integrations.tasks import send
    from apps.utils import clock

    began = clock.now()
    send(pipeline.admit())
    deadline = time.monotonic() + _ENDS_WITHIN
    while True:
        row = PipelineRun.objects.get(pk=run)
        if row.exported_at is not None and row.ended_at is not None:
            break
        if time.monotonic() > deadline:
            raise NotMeasured(f"The sync had not ended after {_ENDS_WITHIN:g} s")
        time.sleep(0.1)
    if row.state != PipelineRun.State.COMPLETED:
        raise NotMeasured(f"The sync ended as {row.state}: {row.error_msg}")
    return (row.ended_at - began) / timedelta(seconds=1)


if __name__ == "__main__":
    django.setup()
    instrumentation.configure()
    answer_with(answer)
