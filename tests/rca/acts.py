"""What somebody does to a running sync: call it off, hold its lane, stop the worker, take a server away for a while."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet

from apps.integrations import onboarding_pipeline as pipeline
from apps.integrations.connections import connect
from apps.integrations.errors import WrongState
from apps.integrations.lane import leases
from apps.integrations.models import RepoSync
from apps.integrations.tasks import start_pipeline
from apps.repositories.accounts import track
from apps.teams.models import Team
from tests.rca import scenario as declared

if TYPE_CHECKING:
    from tests.rca.player import Playing

_POLL_SECONDS = 0.05
_OUTAGES = ("stop worker", "stop broker", "stop database", "lose machine")
_FREE_SECONDS = 1.0
"""For how long a lane is looked at for a moment in which nobody holds it."""


@dataclass(slots=True)
class Act:
    """An act to come, or one that lasts until a moment, when it is made good."""

    declared: declared.Act
    until: float | None = None
    undo: Callable[[], None] = field(default=lambda: None)

    @property
    def is_outage(self) -> bool:
        """Whether it takes away what all scenarios of the stage share."""
        return self.declared.does in _OUTAGES


def of(scenario: declared.Scenario) -> list[Act]:
    """Return the acts of a scenario."""
    return [Act(act) for act in scenario.acts]


def missed(playing: Playing) -> Iterator[str]:
    """Yield the acts whose moment never came."""
    yield from (f"there was no moment to {act.declared.does}" for act in playing.to_do if act.until is None)


def do_due(playing: Playing, moment: str | None = None) -> None:
    """Begin the acts whose moment has come, and make good those that have lasted long enough."""
    for act in list(playing.to_do):
        if act.until is not None:
            if time.monotonic() >= act.until:
                act.undo()
                playing.to_do.remove(act)
        elif act.declared.when == moment or (moment is None and _has_come(playing, act.declared.when)):
            undo = _DOES[act.declared.does](playing, act.declared.seconds)
            if undo is NOT_YET:
                continue
            if undo is None:
                playing.to_do.remove(act)
            else:
                act.until, act.undo = time.monotonic() + act.declared.seconds, undo


def _has_come(playing: Playing, when: str) -> bool:
    kind = "backfill" if when.startswith("backfill") else "recent"
    run = playing.run(kind)
    if run is None:
        return False
    rows = run.repo_syncs.all()
    match when.removeprefix("backfill "):
        case "started" | "begins":
            return True
        case "asks":
            return rows.filter(state=RepoSync.State.RUNNING).exists()
        case "read some":
            return rows.filter(prs_done__gt=0, state=RepoSync.State.RUNNING).exists()
        case "backs off":
            return rows.filter(state=RepoSync.State.RETRYING).exists()
        case "one ended":
            return rows.filter(state=RepoSync.State.COMPLETED).exists()
        case "analysis":
            return run.phase in ("llm_processing", "background_llm") and run.step_attempt > 0
        case "metrics":
            return run.phase == "computing_metrics" and run.step_attempt > 0
    return False


Undo = Callable[[], None]


def NOT_YET() -> None:  # noqa: N802  # a value
    """Stand for an act that has to be tried again."""


def _cancel(playing: Playing, _seconds: float) -> Undo | None:
    run = playing.run()
    if run is None:
        return NOT_YET
    with suppress(WrongState):
        pipeline.cancel(run.pk, by="ada@laptop")
    return None


def _hold_lane(playing: Playing, seconds: float) -> Undo | None:
    account = playing.repositories[0].connection.account
    deadline = time.monotonic() + _FREE_SECONDS
    while (held := leases.take(account=account, holder="another-machine:4711", lease_seconds=seconds + 5)) is None:
        if time.monotonic() > deadline:
            return NOT_YET
        time.sleep(0.001)

    def leave() -> None:
        leases.leave(account=account, fence=held.fence, budgets={}, block=None)

    return leave


def _unplug(playing: Playing, _seconds: float) -> Undo | None:
    line = playing.line
    assert line is not None, "the scenario goes through a wire"
    line.turn("down")
    return lambda: line.turn("up")


def _swap_key(playing: Playing, _seconds: float) -> Undo | None:
    connection = playing.repositories[0].connection
    connection.encrypted_token = Fernet(Fernet.generate_key()).encrypt(playing.token.encode())
    connection.save(update_fields=["encrypted_token"])
    return None


def _spoil_address(playing: Playing, _seconds: float) -> Undo | None:
    connection = playing.repositories[0].connection
    connection.api_url = "http://github.example.com"
    connection.save(update_fields=["api_url"])
    return None


def _expire(playing: Playing, _seconds: float) -> Undo | None:
    playing.stage.github.expire_token(playing.token)
    return None


def _let_others_begin(playing: Playing, _seconds: float) -> Undo | None:
    """Let another team be at work; one that has begun before goes first."""
    others, github = playing.scenario.others, playing.stage.github
    assert others is not None, "the scenario says who they are"
    slug = f"{playing.slug}-others"
    token = playing.token if others.same_account else f"rca-{slug}"
    team = Team.objects.create(slug=slug, name=slug)
    connection = connect(team=team, api_url=playing.url, token=token)
    match = {"account": github.account_of(token), "operation": "PullRequests", "repository": others.repository}
    github.add_faults({"fault": "delay", "match": match, "delay_ms": others.seconds * 1000})
    (repository,) = track(connection=connection, full_names=[others.repository])
    start_pipeline.delay(team.pk, [repository.pk], days=None)
    if playing.run("recent") is None:
        while not RepoSync.objects.filter(repository=repository, state=RepoSync.State.RUNNING).exists():
            time.sleep(_POLL_SECONDS)
    return None


def _stop_worker(playing: Playing, _seconds: float) -> Undo | None:
    worker = playing.stage.worker
    worker.stop()
    return worker.launch


def _lose_machine(playing: Playing, _seconds: float) -> Undo | None:
    worker = playing.stage.worker
    worker.kill()
    worker.launch()  # another machine's
    return None


def _stop_broker(playing: Playing, _seconds: float) -> Undo | None:
    valkey = playing.stage.valkey
    assert valkey is not None, "the stage has its own"
    valkey.kill()
    return valkey.start


def _stop_database(playing: Playing, _seconds: float) -> Undo | None:
    postgresql = playing.stage.postgresql
    assert postgresql is not None, "the stage has its own"
    postgresql.stop()
    return postgresql.start


_DOES: dict[str, Callable[[Playing, float], Undo | None]] = {
    "cancel": _cancel,
    "hold lane": _hold_lane,
    "unplug github": _unplug,
    "swap key": _swap_key,
    "spoil address": _spoil_address,
    "expire token": _expire,
    "let others begin": _let_others_begin,
    "stop worker": _stop_worker,
    "lose machine": _lose_machine,
    "stop broker": _stop_broker,
    "stop database": _stop_database,
}
"""Each returns what makes it good after the act's seconds, None if there is nothing to make good."""
