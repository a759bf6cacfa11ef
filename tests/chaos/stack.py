"""The programs that a sync needs, each of which can be killed, frozen, stopped and started again while the others go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from apps.embedded import folders
from apps.embedded.postgresql import Cluster
from apps.embedded.valkey import Broker
from apps.processes import Program, unprivileged_account
from tests.benchmarks.programs import CHECKOUT, Answering
from tests.chaos.places import Watch
from tests.chaos.worker_app import PIPE

CHILDREN = 4
_SETTINGS: Mapping[str, str] = {  # what dies is found, and made again, within seconds
    "SYNC_SWEEP_SECONDS": "0.5",
    "SYNC_REQUEST_SECONDS": "1.5",
    "SYNC_STALE_SECONDS": "3",
    "SYNC_STEP_SECONDS": "8",
    "SYNC_ATTEMPT_SECONDS": "60",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
}


@dataclass(frozen=True, kw_only=True)
class Stack:
    """The running programs, the watch on the worker's processes, and the environment that the programs share."""

    home: Path
    environment: Mapping[str, str]
    postgresql: Program
    valkey: Program
    github: Answering
    collector: Answering
    worker: Program
    beat: Program
    watch: Watch
    left: list[psutil.Process] = field(default_factory=list)
    """Children whose worker's first process was killed: they must end by themselves; others get their ids afterwards."""
    ended: list[str] = field(default_factory=list)
    """Programs that ended by themselves, each as often as it did."""

    def children(self) -> list[int]:
        """Return the ids of the worker's children, those that tasks run in."""
        return _children_of(self.worker)

    def database_processes(self) -> list[int]:
        """Return the ids of PostgreSQL's processes but the first."""
        return _children_of(self.postgresql)

    def tend(self) -> None:
        """Launch the worker and beat again if they have ended by themselves, as whatever runs them does in production.

        Celery's worker gives up if a first child dies before it is ready, and now and then if its broker is killed.
        """
        for program in (self.worker, self.beat):
            if program.returncode is not None:
                self.ended.append(program.name)
                program.launch()

    def restart_worker(self) -> None:
        """Launch a worker in the place of one that is dead or to be killed, and do not wait for it."""
        for pid in [*self.children(), self.worker.pid]:
            self.watch.forget(pid)
        self.worker.kill()
        self.worker.launch()


@contextmanager
def stack(folder: Path, *, latency_ms: float) -> Iterator[Stack]:
    """Run everything in the block on a migrated database, with files in `folder`; its settings are in the environment."""
    home = folder / "home"
    home.mkdir()
    with ExitStack() as running:
        runtime = running.enter_context(folders.runtime())
        postgresql, valkey, addresses = _servers(runtime, home)
        github = _answering("tests.chaos.github", str(latency_ms), log=home / "github.out")
        collector = _answering("tests.chaos.collector", log=home / "collector.out")
        for program in (postgresql, valkey, github, collector):
            running.callback(program.stop)
            program.start()
        watch = Watch(home / "places")
        running.callback(watch.close)
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "SYNC"))},
            **_SETTINGS,
            **addresses,
            "DJANGO_SETTINGS_MODULE": "apps.config.settings",
            "SYNCTRACE_HOME": str(home),
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.ask(do="tell")["url"],
            PIPE: str(home / "places"),
        }
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, cwd=CHECKOUT, env=environment, check=True)
        worker = _celery("worker", "-c", str(CHILDREN), "--without-mingle", "--without-gossip", environment=environment)
        beat = _celery("beat", "-s", str(home / "beat"), "--pidfile", "", environment=environment)
        for program in (worker, beat):
            running.callback(program.stop)
            program.start()
        yield Stack(
            home=home,
            environment=environment,
            postgresql=postgresql,
            valkey=valkey,
            github=github,
            collector=collector,
            worker=worker,
            beat=beat,
            watch=watch,
        )


def signal_all(pids: Collection[int], number: signal.Signals) -> None:
    """Send each of the processes a signal, if it is still there."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _servers(runtime: Path, home: Path) -> tuple[Program, Program, Mapping[str, str]]:
    """Return PostgreSQL, which keeps what it has committed when it is killed, and Valkey, which keeps nothing."""
    account = unprivileged_account()
    cluster = Cluster(
        data=folders.private(runtime / "cluster", account=account) / "data",
        socket_folder=folders.private(runtime / "postgresql", account=account),
        log=home / "postgresql.out",
        account=account,
        throwaway=False,
    )
    broker = Broker(socket_folder=folders.private(runtime / "valkey"), log=home / "valkey.out")
    return cluster.program(), broker.program(), {"DATABASE_URL": cluster.url, "CELERY_BROKER_URL": broker.url}


def _answering(module: str, *arguments: str, log: Path) -> Answering:
    command: Sequence[str] = [sys.executable, "-m", module, *arguments]
    return Answering(command, name=module, log=log, folder=CHECKOUT, piped=True)


def _celery(*arguments: str, environment: dict[str, Any]) -> Program:
    return Program(
        [sys.executable, "-m", "celery", "-A", "tests.chaos.worker_app", *arguments],
        name=arguments[0],
        log=Path(environment["SYNCTRACE_HOME"]) / f"{arguments[0]}.out",
        environment=environment,
        folder=CHECKOUT,
    )


def _children_of(program: Program) -> list[int]:
    try:
        return [child.pid for child in psutil.Process(program.pid).children()]
    except psutil.NoSuchProcess:
        return []
