"""Measure, print the table, and write `benchmarks.json` under SYNCTRACE_HOME: `python -m tests.benchmarks`.

The exit code is 0 unless something could not be measured; a figure that misses its aim does not change it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from apps.embedded import EmbeddedServerError, servers
from tests.benchmarks.figures import Figure, as_json, as_text, this_machine, write_document
from tests.benchmarks.measuring import SECTIONS, TINY, Size, figures
from tests.benchmarks.programs import CHECKOUT, NotMeasured


def main() -> None:
    """Measure what the command line asks for, and print it."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks", description="What telemetry costs, how fast a sync is."
    )
    parser.add_argument("--docs", action="store_true", help="write the table into docs/benchmarks.md too")
    parser.add_argument("--tiny", action="store_true", help="only see that everything can be measured")
    parser.add_argument(
        "--only", action="append", default=[], choices=SECTIONS, help="measure this alone, and what else is named so"
    )
    asked = parser.parse_args()
    if asked.docs and asked.only:
        parser.error("--docs writes the whole table: it does not go with --only")
    results = Path(os.environ.get("SYNCTRACE_HOME") or CHECKOUT / "var") / "benchmarks.json"
    machine = this_machine()
    with tempfile.TemporaryDirectory(prefix="synctrace-benchmarks-") as folder, _own_servers(Path(folder)):
        measured: list[Figure] = []
        try:
            measured.extend(figures(TINY if asked.tiny else Size(), home=Path(folder), tell=_tell, only=asked.only))
        finally:  # what took minutes to measure is told, also where the next could not be
            sys.stdout.write("\n" + as_text(measured, machine))
    results.parent.mkdir(parents=True, exist_ok=True)
    results.write_text(as_json(measured, machine), encoding="utf-8")
    if asked.docs:
        write_document(measured, machine)


@contextmanager
def _own_servers(folder: Path) -> Iterator[None]:
    """Run a migrated database for the programs started in the block, without fsync, so that the disk is not measured."""
    before = dict(os.environ)
    try:
        with servers(home=folder, throwaway=True) as running:
            for name in [name for name in os.environ if name.startswith(("OTEL_", "SYNC_"))]:
                del os.environ[name]  # measure telemetry with its defaults
            os.environ.update(_environment(folder, running.database_url, running.broker_url))
            subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=CHECKOUT, check=True)
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _environment(folder: Path, database_url: str, broker_url: str) -> Mapping[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "apps.config.settings",
        "SYNCTRACE_HOME": str(folder / "home"),
        "DATABASE_URL": database_url,
        "CELERY_BROKER_URL": broker_url,
    }


def _tell(what: str) -> None:
    sys.stderr.write(f"measuring {what} ...\n")


if __name__ == "__main__":
    try:
        main()
    except (NotMeasured, EmbeddedServerError, subprocess.CalledProcessError, OSError) as error:
        sys.exit(f"It could not be measured: {error}")
    except KeyboardInterrupt:
        sys.exit("Stopped before everything was measured.")
