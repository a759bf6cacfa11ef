"""Run the stack as processes of this machine, on free ports and in one folder, without a container engine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from apps.embedded import EmbeddedServerError, servers
from apps.processes import NotReadyError, Ready
from deploy.programs import BuildError, collector_program, jaeger_program
from deploy.ready import answers, written
from deploy.stack import LOOPBACK, Collector, Jaeger, Service, free_ports
from tests.e2e_smoke.stack import Part, StackError
from tests.e2e_smoke.steps import Steps
from tests.e2e_smoke.story import LATENCY_MS, SETTINGS, write_story

CHILDREN: Final = 4
QUIET: Final = ("--without-gossip", "--without-mingle")


class Processes:
    """PostgreSQL, Valkey, Jaeger, the collector, the simulator, a prefork worker, beat and uvicorn; see `Stack`."""

    def __init__(self, *, folder: Path, steps: Steps) -> None:
        self.folder = folder
        self._steps = steps
        self._home = folder / "home"
        self._home.mkdir()
        self._running = ExitStack()
        self._application: list[Service] = []
        self._parts: dict[Part, Service] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        self._running.close()

    def up(self) -> None:
        try:
            self._start()
        except (BuildError, EmbeddedServerError, NotReadyError) as error:
            raise StackError(str(error)) from error

    def _start(self) -> None:
        with self._steps.step("collector and Jaeger are built"):
            collector_program()
            jaeger_program()
        with self._steps.step("PostgreSQL and Valkey run"):
            running = self._running.enter_context(servers(home=self._home, throwaway=True))
        (web_port,) = free_ports(1)
        self.web = f"http://{LOOPBACK}:{web_port}"
        jaeger = Jaeger(folder=self.folder, web=self.web)
        collector = Collector(folder=self.folder, lines=self._home, jaeger=jaeger)
        self._parts = {"collector": collector, "jaeger": jaeger}
        self.jaeger = self.jaeger_inside = jaeger.url
        self.environment: Mapping[str, str] = SETTINGS | {
            "DATABASE_URL": running.database_url,
            "CELERY_BROKER_URL": running.broker_url,
            "SYNCTRACE_HOME": str(self._home),
            "SYNCTRACE_JAEGER_URL": jaeger.url,
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.http,
        }
        simulator, web = self._simulator(), self._web(web_port)
        with self._steps.step("Jaeger, the collector and a simulated GitHub answer; the database has its tables"):
            self._launch(jaeger, collector, simulator)
            self._migrate()
            self._await(jaeger, collector, simulator)
        with self._steps.step(f"web answers, a worker with {CHILDREN} children and beat run"):
            celery = [sys.executable, "-m", "celery", "--app=apps.config"]
            worker = self._program("worker", *celery, "worker", f"--concurrency={CHILDREN}", *QUIET)
            beat = self._program(
                "beat",
                *celery,
                "beat",
                "--pidfile=",
                ready=partial(written, self._home / "celerybeat-schedule", seconds=600),
            )
            self._application = [beat, worker]  # in the order of shutdown
            self._launch(worker, beat, web)
            self._await(worker, beat, web)

    def python(self, *arguments: str) -> list[str]:
        return [sys.executable, *arguments]

    def stop(self, part: Part) -> None:
        self._parts[part].stop()

    def kill(self, part: Part) -> None:
        self._parts[part].kill()

    def start(self, part: Part) -> None:
        self._parts[part].start()

    def stop_application(self) -> None:
        for service in self._application:
            service.stop()

    def written(self) -> Path:
        return self._home

    def collected(self) -> Path:
        return self.folder / "collector" / "output"

    def _launch(self, *services: Service) -> None:
        for service in services:
            self._running.callback(service.stop)
            service.launch()

    def _await(self, *services: Service) -> None:
        for service in services:
            service.wait_until_ready()

    def _simulator(self) -> Service:
        (port,) = free_ports(1)
        self.simulator = self.github = f"http://{LOOPBACK}:{port}"
        write_story(self.folder)
        story = [f"--faults={self.folder / 'faults.json'}", f"--tokens={self.folder / 'tokens.json'}"]
        command = self.python("manage.py", "github_simulator", f"--port={port}")
        return Service(
            name="simulator",
            command=[*command, *story, f"--latency-ms={LATENCY_MS}"],
            folder=self.folder,
            ready=partial(answers, f"{self.simulator}/_simulator/stats"),
            environment={"SYNCTRACE_HOME": str(self.folder / "simulator")},
        )

    def _web(self, port: int) -> Service:
        command = [sys.executable, "-m", "uvicorn", "apps.config.asgi:application", f"--host={LOOPBACK}", f"--port={port}"]
        return self._program("web", *command, "--workers=2", ready=partial(answers, f"{self.web}/healthz"))

    def _program(self, name: str, *command: str, ready: Ready | None = None) -> Service:
        return Service(name=name, command=command, folder=self.folder, ready=ready, environment=self.environment)

    def _migrate(self) -> None:
        log = self.folder / "migrate.log"
        with log.open("wb") as output:
            done = subprocess.run(
                self.python("manage.py", "migrate", "--no-input"),
                env=os.environ | self.environment,
                stdout=output,
                stderr=output,
                check=False,
            )
        if done.returncode:
            raise StackError(f"the tables could not be made: see {log}")
