"""Run pytest again and again, each time in a fork of one process that has imported what is not ours.

    python -m tests.mutants.forking

Reads a line of JSON for each run, `{"arguments": [...], "variables": {...}, "said": "/path"}`, and answers with two lines:
the run's process, which leads a group of its own, and its exit code once it has ended.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import traceback
from pathlib import Path

FOREIGN = (
    "anyio",
    "celery.app.amqp",
    "celery.worker",
    "cryptography.fernet",
    "django.contrib.admin",
    "django.contrib.auth.hashers",
    "django.core.management",
    "django.db.backends.postgresql.base",
    "django.test",
    "graphql",
    "httptools",
    "hypothesis",
    "kombu.transport.redis",
    "msgspec",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.sdk.trace.export",
    "orjson",
    "psycopg",
    "pytest",
    "pytest_django",
    "requests",
    "rich",
    "starlette.applications",
    "structlog",
    "uvicorn",
    "valkey",
)


def main() -> None:
    """Serve until nobody asks any more."""
    for name in FOREIGN:
        importlib.import_module(name)
    for line in sys.stdin:
        asked = json.loads(line)
        process = os.fork()
        if process == 0:
            _run(asked["arguments"], asked["variables"], Path(asked["said"]))
        _answer(process)
        _, status = os.waitpid(process, 0)
        _answer(os.waitstatus_to_exitcode(status))


def _run(arguments: list[str], variables: dict[str, str], said: Path) -> None:
    """Become a run of pytest."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with said.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.update(variables)
    import pytest

    code = int(pytest.ExitCode.INTERNAL_ERROR)
    try:
        code = int(pytest.main(arguments))
    except BaseException:  # noqa: BLE001  # whatever it is, it ends here
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _answer(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
