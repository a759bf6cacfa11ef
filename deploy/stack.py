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
import socket
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from apps.processes import Program, Ready
from deploy import jaeger_ui
from deploy.programs import HERE, collector_program, jaeger_program
from deploy.ready import answers

LOOPBACK: Final = "127.0.0.1"


class Service(Program):
    """A program of the stack; `environment` is added to this process's own, and what it prints goes to `folder/name.log`."""

    def __init__(
        self,
        *,
        name: str,
        command: Sequence[str | Path],
        folder: Path,
        ready: Ready | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare the program, without starting it."""
        super().__init__(
            command,
            name=name,
            log=folder / f"{name}.log",
            environment=os.environ | (environment or {}),
            ready=ready,
            stop_seconds=30,
        )


class Jaeger(Service):
    """Jaeger with its traces under `folder/jaeger`: `url` is its API, `otlp` the `host:port` that takes spans."""

    def __init__(self, *, folder: Path, web: str = jaeger_ui.WEB) -> None:
        """Choose free ports, and build Jaeger if it is missing; links on its pages lead to the application at `web`.

        The pages themselves are built by npm: `JAEGER_UI_ASSETS` names a folder that has them, if there is one.
        """
        otlp, ui, query, health, metrics = free_ports(5)
        super().__init__(
            name="jaeger",
            command=[jaeger_program(), "--config", HERE / "jaeger.yaml"],
            folder=folder,
            ready=partial(answers, f"http://{LOOPBACK}:{health}/status"),
        )
        self.url: Final = f"http://{LOOPBACK}:{ui}"
        self.otlp: Final = f"{LOOPBACK}:{otlp}"
        pages = folder / "jaeger-ui.json"
        pages.write_text(jaeger_ui.configuration(web), encoding="utf-8")
        self.environment = os.environ | {
            "JAEGER_UI_CONFIG": str(pages),
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
            ready=partial(answers, f"http://{LOOPBACK}:{health}/"),
        )
        self.grpc: Final = f"http://{LOOPBACK}:{grpc}"
        self.http: Final = f"http://{LOOPBACK}:{http}"
        self.output: Final = folder / "collector" / "output"
        self.environment = os.environ | {
            "COLLECTOR_HOST": LOOPBACK,
            "COLLECTOR_GRPC_PORT": str(grpc),
            "COLLECTOR_HTTP_PORT": str(http),
            "COLLECTOR_HEALTH_PORT": str(health),
            "COLLECTOR_METRICS_PORT": str(metrics),
            "COLLECTOR_STORAGE": str(folder / "collector" / "storage"),
            "COLLECTOR_OUTPUT": str(self.output),
            "COLLECTOR_LINES": str(lines),
            "COLLECTOR_JAEGER": jaeger.otlp,
            "COLLECTOR_NAME_REPOSITORIES": "true",
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
