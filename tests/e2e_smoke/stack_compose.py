"""Run the stack of docker-compose.yml under its own project name and on its own ports."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import requests

from deploy.stack import LOOPBACK, free_ports
from tests.e2e_smoke.stack import Part, StackError
from tests.e2e_smoke.steps import Steps
from tests.e2e_smoke.story import LATENCY_MS, SETTINGS, write_story

FILES: Final = ("docker-compose.yml", "tests/e2e_smoke/compose.yml")
IMAGE: Final = "synctrace-e2e:local"
DEMO_IMAGE: Final = "synctrace-e2e-demo:local"
SERVICES: Final[dict[Part, str]] = {"collector": "otel-collector", "jaeger": "jaeger"}
RUNNING: Final = ("web", "worker", "beat", *SERVICES.values(), "github-simulator")
PORTS: Final = (
    "SYNCTRACE_WEB_PORT",
    "SYNCTRACE_JAEGER_PORT",
    "SYNCTRACE_SIMULATOR_PORT",
    "COLLECTOR_HTTP_PORT",
    "COLLECTOR_GRPC_PORT",
)
HOME: Final = "/var/lib/synctrace"
OUTPUT: Final = "/var/lib/collector/output"


class Compose:
    """The containers and volumes of one run of the test; see `Stack`."""

    def __init__(self, *, folder: Path, steps: Steps) -> None:
        _find_engine()
        self.folder = folder
        self._steps = steps
        self._project = folder.name.lower()
        story = folder / "story"
        story.mkdir()
        write_story(story)
        story.chmod(0o755)  # so that the simulator's user in the container can read it
        ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        self.web, self.jaeger, self.simulator, self._otlp = (f"http://{LOOPBACK}:{ports[name]}" for name in PORTS[:4])
        self.github, self.jaeger_inside = "http://github-simulator:8010", "http://jaeger:16686"
        self.environment: Mapping[str, str] = {
            **SETTINGS,
            **{name: str(port) for name, port in ports.items()},
            "SYNCTRACE_IMAGE": IMAGE,
            "SYNCTRACE_DEMO_IMAGE": DEMO_IMAGE,
            "E2E_LATENCY_MS": str(LATENCY_MS),
            "E2E_STORY": str(story),
            "COMPOSE_PROFILES": "demo",  # which includes the simulator
        }
        self._is_up = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        if self._is_up:
            with (self.folder / "containers.log").open("wb") as log:
                subprocess.run(self._compose("logs", "--no-color"), env=self._env(), stdout=log, stderr=log, check=False)
            self._run("down", "--volumes", "--timeout", "10")

    def up(self) -> None:
        with self._steps.step("the images are built"):
            # Some machines reach their package index only by the host's network.
            self._docker("build", "--network", "host", "--tag", IMAGE, ".")
            self._docker("build", "--network", "host", "--target", "demo", "--tag", DEMO_IMAGE, ".")
        with self._steps.step("every container is healthy"):
            self._is_up = True
            self._run("up", "--wait", "--no-build", *RUNNING)

    def python(self, *arguments: str) -> list[str]:
        return self._compose("exec", "--no-TTY", "--env", "GITHUB_TOKEN", "web", "python", *arguments)

    def stop(self, part: Part) -> None:
        self._run("stop", SERVICES[part])

    def kill(self, part: Part) -> None:
        self._run("kill", "--signal", "SIGKILL", SERVICES[part])

    def start(self, part: Part) -> None:
        self._run("start", SERVICES[part])
        deadline = time.monotonic() + 30
        while not self._answers(part):
            if time.monotonic() > deadline:
                raise StackError(f"{SERVICES[part]} does not answer again")
            time.sleep(0.1)

    def _answers(self, part: Part) -> bool:
        """Return whether the part works: the collector accepts an empty export, or Jaeger lists its services."""
        try:
            if part == "collector":
                answer = requests.post(f"{self._otlp}/v1/traces", json={"resourceSpans": []}, timeout=5)
            else:
                answer = requests.get(f"{self.jaeger}/api/services", timeout=5)
        except requests.ConnectionError:
            return False
        return answer.ok

    def stop_application(self) -> None:
        self._run("stop", "beat", "worker")

    def written(self) -> Path:
        return self._copied("web", HOME, self.folder / "written")

    def collected(self) -> Path:
        return self._copied(SERVICES["collector"], OUTPUT, self.folder / "collected")

    def _copied(self, service: str, source: str, target: Path) -> Path:
        """Copy both files from the service's folder to `target`."""
        target.mkdir(exist_ok=True)
        for name in ("logs.jsonl", "traces.jsonl"):
            self._run("cp", f"{service}:{source}/{name}", str(target / name))
        return target

    def _compose(self, *arguments: str) -> list[str]:
        files = [word for file in FILES for word in ("--file", file)]
        # Ignore the checkout's .env, so that personal settings do not influence the test.
        return ["docker", "compose", "--project-name", self._project, "--env-file", os.devnull, *files, *arguments]

    def _run(self, *arguments: str) -> None:
        self._call(self._compose(*arguments))

    def _docker(self, *arguments: str) -> None:
        self._call(["docker", *arguments])

    def _call(self, command: list[str]) -> None:
        with (self.folder / "docker.log").open("a+b") as log:
            log.write(f"$ {' '.join(command)}\n".encode())
            log.flush()
            done = subprocess.run(command, env=self._env(), stdout=log, stderr=log, check=False, start_new_session=True)
            if done.returncode:
                log.seek(0)
                end = log.read().decode(errors="replace")[-1_500:]
                raise StackError(f"`{' '.join(command)}` failed with exit code {done.returncode}:\n{end}")

    def _env(self) -> dict[str, str]:
        return os.environ | self.environment


def _find_engine() -> None:
    for command in (["docker", "version"], ["docker", "compose", "version"]):
        try:
            is_there = subprocess.run(command, capture_output=True, check=False).returncode == 0
        except FileNotFoundError:
            is_there = False
        if not is_there:
            raise StackError("No Docker engine with Compose answers: start one, or run `make e2e-smoke`, which needs none.")
