"""What the scenarios of one group share: servers, a worker with beat, and a simulated GitHub, some of which can be away."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.fernet import Fernet

from apps.embedded import folders
from apps.embedded.postgresql import Cluster
from apps.embedded.valkey import Broker
from apps.github_simulator.testing import Limits, SimulatedGitHub, simulator
from apps.processes import Program, unprivileged_account
from tests.benchmarks.programs import CHECKOUT
from tests.rca.fates import HOME
from tests.rca.groups import Group
from tests.rca.scenario import REPOSITORIES, UNLISTED

_NO_LIMITS = Limits(graphql=10**9, core=10**9, graphql_per_minute=None, core_per_minute=None)
_LISTED_FILES = 3_000
_LATENCY_MS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The running programs; `postgresql` and `valkey` are None where they belong to somebody else."""

    home: Path
    github: SimulatedGitHub
    worker: Program
    postgresql: Program | None
    valkey: Program | None

    def tend(self) -> None:
        """Launch the worker again if it has ended by itself, as whatever runs it in production would."""
        if self.worker.returncode not in (None, 0):
            self.worker.launch()

    def wait_for_worker(self) -> None:
        """Wait until a worker that was launched takes tasks."""
        self.worker.wait_until_ready()


@contextmanager
def servers(home: Path) -> Iterator[tuple[Program | None, Program | None]]:
    """Run PostgreSQL and Valkey in the block, migrated and named in the environment, unless that names some already."""
    if os.environ.get("DATABASE_URL"):
        yield None, None
        return
    with ExitStack() as running:
        runtime = running.enter_context(folders.runtime())
        account = unprivileged_account()
        cluster = Cluster(
            data=folders.private(runtime / "cluster", account=account) / "data",
            socket_folder=folders.private(runtime / "postgresql", account=account),
            log=home / "postgresql.out",
            account=account,
            throwaway=True,
        )
        broker = Broker(socket_folder=folders.private(runtime / "valkey"), log=home / "valkey.out")
        postgresql, valkey = cluster.program(), broker.program()
        for program in (postgresql, valkey):
            running.callback(program.stop)
            program.start()
        os.environ.update({"DATABASE_URL": cluster.url, "CELERY_BROKER_URL": broker.url})
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, cwd=CHECKOUT, env=os.environ, check=True)
        yield postgresql, valkey


def set_environment(group: Group, home: Path) -> None:
    """Let this process and those that it starts have the group's settings, and this home."""
    for name in [name for name in os.environ if name.startswith(("OTEL_", "SYNC_"))]:
        del os.environ[name]
    os.environ.update(group.settings)
    os.environ["DJANGO_SETTINGS_MODULE"] = "apps.config.settings"
    os.environ["SYNCTRACE_HOME"] = str(home)
    os.environ.setdefault("SYNCTRACE_ENCRYPTION_KEY", Fernet.generate_key().decode())


@contextmanager
def stage(group: Group, home: Path, *, postgresql: Program | None, valkey: Program | None) -> Iterator[Stage]:
    """Run the rest in the block, once Django is set up."""
    with simulator(synthetic=1, latency_ms=_LATENCY_MS, limits=_NO_LIMITS) as github:
        for name, (size, long_lists_every) in REPOSITORIES.items():
            seed = int(name.rpartition("-")[2])
            github.add_synthetic(size, seed=seed, long_lists_every=long_lists_every)
        github.set_files(UNLISTED, 3, [f"file-{number}" for number in range(_LISTED_FILES + 40)])
        elsewhere = {"SYNCTRACE_HOME": str(home / "elsewhere")} if group.is_elsewhere else {}
        with worker(group.children, home, {**os.environ, HOME: str(home), **elsewhere}) as program:
            yield Stage(home=home, github=github, worker=program, postgresql=postgresql, valkey=valkey)


def worker(children: int, home: Path, environment: Mapping[str, str]) -> Program:
    """Return a worker with beat; what it prints is in `worker.out`."""
    log = home / "worker.out"
    command = [sys.executable, "-m", "celery", "-A", "tests.rca.fates", "worker", "-B", "-c", str(children)]
    command += ["-s", str(home / "beat"), "--without-mingle", "--without-gossip"]
    began = {"at": 0}

    def ready() -> str | None:
        printed = log.read_bytes()
        if printed.find(b"sync.worker.started", began["at"]) < 0 and printed.find(b" ready.", began["at"]) < 0:
            return "it does not take tasks yet"
        began["at"] = len(printed)
        return None

    return Program(command, name="worker", log=log, environment=environment, folder=CHECKOUT, ready=ready, ready_seconds=90)
