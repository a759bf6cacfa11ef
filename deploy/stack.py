"""Run the collector and Jaeger on free ports of this machine, with the configuration that compose uses.

    jaeger = Jaeger(folder=Path("var/stack"))
    collector = Collector(folder=Path("var/stack"), lines=Path("var"), jaeger=jaeger)
    with jaeger, collector:
        ...  # OTEL_EXPORTER_OTLP_ENDPOINT=collector.http; jaeger.url; collector.output / "traces.jsonl"

Each keeps its ports and its data when it is stopped or killed and started again. Their output goes to
`FOLDER/jaeger.log` and `FOLDER/collector.log`.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from deploy.programs import HERE, collector_program, jaeger_program
from deploy.ready import answers

LOOPBACK: Final = "127.0.0.1"


Health = Callable[[], str | None]


class NotReadyError(RuntimeError):
    """A program of the stack ended, or did not answer in time; the message names its log."""


class Service:
    """A program that is started, answers its health check, and ends with the block that started it.

    `health` returns why the program is not well yet, or None; without one it counts as ready at once.
    `environment` is added to this process's own.
    """

    def __init__(
        self,
        *,
        name: str,
        command: Sequence[str | Path],
        folder: Path,
        health: Health | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare the program, whose output will go to `NAME.log` in `folder`."""
        self.log: Final = folder / f"{name}.log"
        self._name = name
        self._command = [str(word) for word in command]
        self._health = health
        self.environment: Mapping[str, str] = environment or {}
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def start(self, *, seconds: float = 30) -> None:
        """Start the program and wait for its health; raise `NotReadyError` when it ends or takes longer than `seconds`."""
        self.launch()
        self.wait_until_ready(seconds=seconds)

    def launch(self) -> None:
        """Start the program without waiting, so that others can be launched beside it before `wait_until_ready`."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - a program of ours
                self._command, env=os.environ | self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def wait_until_ready(self, *, seconds: float = 30) -> None:
        """Wait for a launched program as `start` does; after an error it no longer runs."""
        try:
            self._wait(time.monotonic() + seconds)
        except BaseException:
            self.kill()
            raise

    def _wait(self, deadline: float) -> None:
        while self._health is not None and (trouble := self._health()) is not None:
            if self._process is None or self._process.poll() is not None:
                code = None if self._process is None else self._process.returncode
                raise NotReadyError(f"{self._name} ended with exit code {code}: see {self.log}")
            if time.monotonic() > deadline:
                raise NotReadyError(f"{self._name} was not ready in time ({trouble}): see {self.log}")
            time.sleep(0.05)

    def stop(self, *, seconds: float = 30) -> None:
        """End the program with SIGTERM, or with SIGKILL when that takes longer than `seconds`."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """Kill the program and the processes that it started, without a chance to save anything."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        """Start the program."""
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        """Stop the program."""
        self.stop()


class Jaeger(Service):
    """Jaeger with its traces under `folder/jaeger`: `url` is its API, `otlp` the `host:port` that takes spans."""

    def __init__(self, *, folder: Path) -> None:
        """Choose free ports, and build Jaeger if it is missing."""
        otlp, ui, query, health, metrics = free_ports(5)
        super().__init__(
            name="jaeger",
            command=[jaeger_program(), "--config", HERE / "jaeger.yaml"],
            folder=folder,
            health=partial(answers, f"http://{LOOPBACK}:{health}/status"),
        )
        self.url: Final = f"http://{LOOPBACK}:{ui}"
        self.otlp: Final = f"{LOOPBACK}:{otlp}"
        self.environment = {
            "JAEGER_LISTEN_HOST": LOOPBACK,
            "JAEGER_STORAGE": str(folder / "jaeger"),
            "JAEGER_OTLP_PORT": str(otlp),
            "JAEGER_UI_PORT": str(ui),
            "JAEGER_QUERY_GRPC_PORT": str(query),
            "JAEGER_HEALTH_PORT": str(health),
            "JAEGER_METRICS_PORT": str(metrics),
        }


class Collector(Service):
    """The collector between the application's `lines` folder and `jaeger`.

    `grpc` and `http` are OTLP endpoints (`OTEL_EXPORTER_OTLP_ENDPOINT`); `output` holds its traces.jsonl and logs.jsonl.
    """

    def __init__(self, *, folder: Path, lines: Path, jaeger: Jaeger) -> None:
        """Choose free ports, and build the collector if it is missing."""
        grpc, http, health, metrics = free_ports(4)
        super().__init__(
            name="collector",
            command=[collector_program(), "--config", HERE / "otel-collector.yaml"],
            folder=folder,
            health=partial(answers, f"http://{LOOPBACK}:{health}/"),
        )
        self.grpc: Final = f"http://{LOOPBACK}:{grpc}"
        self.http: Final = f"http://{LOOPBACK}:{http}"
        self.output: Final = folder / "collector" / "output"
        self.environment = {
            "COLLECTOR_HOST": LOOPBACK,
            "COLLECTOR_GRPC_PORT": str(grpc),
            "COLLECTOR_HTTP_PORT": str(http),
            "COLLECTOR_HEALTH_PORT": str(health),
            "COLLECTOR_METRICS_PORT": str(metrics),
            "COLLECTOR_STORAGE": str(folder / "collector" / "storage"),
            "COLLECTOR_OUTPUT": str(self.output),
            "COLLECTOR_LINES": str(lines),
            "COLLECTOR_JAEGER": jaeger.otlp,
        }


def free_ports(count: int) -> list[int]:
    """Return `count` different ports that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
