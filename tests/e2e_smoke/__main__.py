"""Test the whole stack on real servers: `python -m tests.e2e_smoke [STACK]`, or `make e2e-smoke`.

STACK is `processes` (programs of this machine, the default) or `docker` (docker compose).
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from tests.e2e_smoke import collector_alone
from tests.e2e_smoke.scenario import play
from tests.e2e_smoke.stack import Stack, StackError
from tests.e2e_smoke.stack_compose import Compose
from tests.e2e_smoke.stack_processes import Processes
from tests.e2e_smoke.steps import Steps

STACKS: dict[str, type[Processes | Compose]] = {"processes": Processes, "docker": Compose}
CHECKOUT = Path(__file__).resolve().parents[2]
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_READ_BY_US = ("CELERY_", "COLLECTOR_", "COMPOSE_", "DATABASE_URL", "DJANGO_", "GITHUB_", "JAEGER_", "OTEL_", "SYNC")


def main(arguments: list[str]) -> int:
    """Return 0 if every check passed, 1 after a list of those that did not, and 2 for an unknown STACK."""
    name = " ".join(arguments) or "processes"
    if name not in STACKS:
        sys.stderr.write(f"There is no stack {name!r}: make e2e-smoke, or make e2e-smoke STACK=docker.\n")
        return 2
    os.chdir(CHECKOUT)
    _forget_settings()
    for ending in _ENDINGS:
        signal.signal(ending, _interrupt)
    folder = Path(tempfile.mkdtemp(prefix="synctrace-e2e-"))
    steps = Steps()
    try:
        stack = STACKS[name](folder=folder, steps=steps)
    except StackError as error:
        shutil.rmtree(folder)
        sys.stderr.write(f"{error}\n")
        return 1
    try:
        _prove(stack, steps)
    except StackError as error:
        steps.wrong["the story can be told to its end"] = [str(error)]
    except KeyboardInterrupt:
        shutil.rmtree(folder)
        sys.stderr.write("Interrupted; nothing is left running.\n")
        return 130
    except BaseException:
        sys.stderr.write(f"What the programs wrote is kept in {folder}.\n")
        raise
    if steps.wrong:
        sys.stderr.write(f"\n{steps.report()}\nWhat the programs wrote is kept in {folder}.\n")
        return 1
    shutil.rmtree(folder)
    sys.stdout.write(f"{steps.seconds:6.1f} s  all of it is true\n")
    return 0


def _prove(stack: Stack, steps: Steps) -> None:
    with stack:
        try:
            stack.up()
            play(stack, steps)
            if isinstance(stack, Processes):  # its collector is a program of this machine
                collector_alone.prove(stack.folder, steps)
        finally:
            for ending in _ENDINGS:
                signal.signal(ending, signal.SIG_IGN)  # a second Ctrl-C must not leave half of it running


def _forget_settings() -> None:
    """Remove settings from the environment that would influence the test, and bypass any proxy for this machine."""
    for name in [name for name in os.environ if name.startswith(_READ_BY_US)]:
        del os.environ[name]
    for name in ("no_proxy", "NO_PROXY"):
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), "127.0.0.1"]))


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
