"""Play the scenarios of a group side by side: begin each sync, do to it what is to be done, and have its run explained."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

from apps.integrations.connections import connect
from apps.integrations.models import PipelineRun, RepoSync
from apps.integrations.runs.queue import tell_waiting
from apps.integrations.tasks import start_pipeline
from apps.repositories.accounts import track
from apps.repositories.models import TrackedRepository
from apps.teams.models import Team
from apps.utils import clock
from tests.chaos.wire import Wire, wire
from tests.rca import acts
from tests.rca.explaining import tell
from tests.rca.injecting import Injected, inject
from tests.rca.scenario import Scenario
from tests.rca.stage import Stage
from tests.rca.told import Told

T = TypeVar("T")

_POLL_SECONDS = 0.05
_LONGEST_SECONDS = 180.0
_WAITS_SECONDS = 4.0
"""For how long a run has waited when it is explained while it waits."""
_SETTLE_SECONDS = 1.0
"""For what has ended to be in the files."""


@dataclass(slots=True)
class Playing:
    """One scenario's sync."""

    scenario: Scenario
    stage: Stage
    slug: str
    team: Team
    url: str
    repositories: list[TrackedRepository]
    line: Wire | None
    used: ExitStack
    to_do: list[acts.Act]
    injected: Injected = field(default_factory=Injected)
    began: float = field(default_factory=time.monotonic)
    ended: float | None = None

    @property
    def token(self) -> str:
        """The token of its account."""
        return _token(self.slug)

    @property
    def has_met_all(self) -> bool:
        """Whether all that is to be done has been done or is under way, and each fault has struck."""
        return all(act.until is not None for act in self.to_do) and not list(self.injected.missed(self.stage))

    def end(self) -> None:
        """Let go of what only this sync has used."""
        for act in self.to_do:
            act.undo()
        self.used.close()

    def run(self, kind: str | None = None) -> PipelineRun | None:
        """Return its run of that kind, by default the one that is explained, if it has begun."""
        runs = PipelineRun.objects.filter(team=self.team, kind=kind or self.scenario.explains)
        return runs.select_related("team").order_by("pk").first()

    def rows(self) -> list[RepoSync]:
        """Return the rows of the run that is explained."""
        run = self.run()
        return [] if run is None else list(run.repo_syncs.select_related("repository").order_by("pk"))


def play(stage: Stage, scenarios: Sequence[Scenario], *, at_once: int, say: Callable[[str], None]) -> list[Told]:
    """Play the scenarios, so many side by side, and return what was told of each."""
    waiting, playing, told = list(scenarios), list[Playing](), list[Told]()
    while waiting or playing:
        while waiting and len(playing) < at_once:
            playing.append(_begin(stage, waiting.pop(0)))
        time.sleep(_POLL_SECONDS)
        for sync in list(playing):
            done = read_again(lambda sync=sync: _step(sync))  # type: ignore[misc]  # bound now
            if done is not None:
                playing.remove(sync)
                sync.end()
                told.append(done)
                say(f"{done.seconds:6.1f} s  {sync.scenario.name}: {done.said}")
        if not any(act.is_outage for sync in playing for act in sync.to_do):
            stage.tend()
    return told


def read_again(read: Callable[[], T]) -> T:
    """Return what `read` returns, on a new connection when the database has gone away meanwhile."""
    deadline = time.monotonic() + _LONGEST_SECONDS
    while True:
        try:
            return read()
        except (InterfaceError, OperationalError):
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(_POLL_SECONDS)


def _begin(stage: Stage, scenario: Scenario) -> Playing:
    slug = scenario.slug
    used = ExitStack()
    url, line = stage.github.url, None
    if scenario.through_wire:
        line = used.enter_context(wire(int(url.rpartition(":")[2])))
        url = f"http://127.0.0.1:{line.port}"
    team = Team.objects.create(slug=slug, name=slug)
    repositories = track(connection=connect(team=team, api_url=url, token=_token(slug)), full_names=scenario.repositories)
    playing = Playing(scenario, stage, slug, team, url, repositories, line, used, acts.of(scenario))
    playing.injected = inject(scenario, stage, team=team, token=playing.token, repositories=repositories)
    acts.do_due(playing, "prepared")
    start_pipeline.delay(team.pk, [each.pk for each in repositories], days=scenario.days, backfill_all=scenario.backfill)
    playing.began = time.monotonic()
    return playing


def _step(playing: Playing) -> Told | None:
    """Do what is due to the sync, and return what was told of its run once that can be."""
    acts.do_due(playing)
    run, now = playing.run(), time.monotonic()
    lasted = now - playing.began
    if run is not None and playing.scenario.until == "waits":
        lasted_by_rows = (clock.now() - run.started_at).total_seconds()
        if lasted_by_rows >= _WAITS_SECONDS and playing.has_met_all and _is_waiting(playing, run):
            return tell(playing, run, seconds=lasted)
    elif run is not None and run.exported_at is not None:
        playing.ended = playing.ended or now
        if now - playing.ended >= _SETTLE_SECONDS:
            return tell(playing, run, seconds=playing.ended - playing.began)
    if lasted > _LONGEST_SECONDS:
        return tell(playing, run, seconds=lasted, problem="it has not ended in time")
    return None


def _is_waiting(playing: Playing, run: PipelineRun) -> bool:
    """Return whether nothing of the run works, and its rows say for what it waits, unless that is for its turn."""
    tell_waiting([run])
    waits_for_turn = playing.scenario.label.code in ("no_worker", "queue_busy")
    return run.standing == "waiting" and (waits_for_turn or any(row.wait_reason for row in playing.rows()))


def _token(slug: str) -> str:
    return f"rca-{slug}"
