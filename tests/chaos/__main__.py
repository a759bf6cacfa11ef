"""Kill, freeze and cut off every part of synctrace while it syncs: `python -m tests.chaos`, or `make chaos`.

The exit code is 0 if everything that should be true stayed true, and 1 after a list of what did not.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import django

from apps.embedded import EmbeddedServerError
from apps.processes import NotReadyError, exit_on
from tests.chaos import document, plan
from tests.chaos.stack import stack
from tests.chaos.syncs import NeverHappened

_LATENCY_MS = 30.0


def main() -> int:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos", description="Kill every part of synctrace while it syncs."
    )
    parser.add_argument("--seed", type=int, default=1, help="of the plan (default: %(default)s)")
    parser.add_argument("--kills", type=int, default=200, metavar="N", help="end after so many (default: %(default)s)")
    bound = "begin no round after so long, however few were killed (default: %(default)s)"
    parser.add_argument("--minutes", type=float, default=60.0, metavar="M", help=bound)
    parser.add_argument("--docs", action="store_true", help="write docs/reliability.md")
    parser.add_argument("--keep", action="store_true", help="keep what the programs wrote, also if all is true")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="synctrace-chaos-"))
    began = time.monotonic()
    try:
        tally, again = _play(folder, asked)
    except (NeverHappened, NotReadyError, EmbeddedServerError) as error:
        sys.stderr.write(f"It could not be played: {error}\nWhat the programs wrote is kept in {folder}.\n")
        return 1
    except KeyboardInterrupt:
        shutil.rmtree(folder)
        sys.stderr.write("Stopped; nothing is left running.\n")
        return 130
    report = document.Report(seed=asked.seed, tally=tally, again=again, seconds=time.monotonic() - began)
    sys.stdout.write(f"\n{document.as_text(report)}")
    if asked.docs:
        document.write(report)
    if report.wrong or asked.keep:
        sys.stderr.write(f"What the programs wrote is kept in {folder}.\n")
    else:
        shutil.rmtree(folder)
    return 1 if report.wrong else 0


def _play(folder: Path, asked: argparse.Namespace) -> tuple[document.Tally, document.Round]:
    with exit_on(signal.SIGTERM, signal.SIGHUP), stack(folder, latency_ms=_LATENCY_MS) as running:
        os.environ.clear()
        os.environ.update(running.environment)
        django.setup()
        from tests.chaos import rounds  # its models need Django

        expected = rounds.undisturbed(running)
        _tell("undisturbed: all is true")
        tally = rounds.play(
            running,
            plan.faults(asked.seed),
            kills=asked.kills,
            minutes=asked.minutes,
            seed=asked.seed,
            expected=expected,
            tell=_tell,
        )
        for program in (running.beat, running.worker):
            program.stop()
        return tally, rounds.look_again(running, tally, expected=expected)


def _tell(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
