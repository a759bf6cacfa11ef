"""Play all scenarios and hold `explain` against their labels: `python -m tests.rca`, or `make rca`.

The exit code is 0 if every scenario was played as it says and is explained as its label says, and 1 otherwise.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import time
from fnmatch import fnmatch
from pathlib import Path

from apps.processes import exit_on
from tests.rca import document
from tests.rca.playing import play_all
from tests.rca.results import results_of
from tests.rca.scenarios import SCENARIOS


def main() -> int:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.rca", description="Prove what `explain` says.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="scenarios, also as patterns (default: all)")
    parser.add_argument("--fast", action="store_true", help="only those that `make test` and `make acceptance` play too")
    parser.add_argument("--docs", action="store_true", help="write docs/explain.md")
    parser.add_argument("--keep", action="store_true", help="keep what the programs wrote")
    asked = parser.parse_args()
    patterns = asked.names or ["*"]
    chosen = [each for each in SCENARIOS if any(fnmatch(each.name, pattern) for pattern in patterns)]
    chosen = [each for each in chosen if each.is_fast or not asked.fast]
    folder = Path(tempfile.mkdtemp(prefix="synctrace-rca-"))
    began = time.monotonic()
    try:
        with exit_on(signal.SIGTERM, signal.SIGHUP):
            told = play_all(chosen, folder, say=_say)
    except KeyboardInterrupt:
        shutil.rmtree(folder)
        sys.stderr.write("Stopped; nothing is left running.\n")
        return 130
    report = document.Report(results=results_of(told), seconds=time.monotonic() - began)
    sys.stdout.write(f"\n{document.as_text(report)}")
    if asked.docs:
        document.write(report)
    if asked.keep:
        sys.stderr.write(f"What the programs wrote is kept in {folder}.\n")
    else:
        shutil.rmtree(folder)
    return 0 if all(each.is_right for each in report.results.of) else 1


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
