"""Install what a lock file names into the environment of this Python, and show how far that is.

    .venv/bin/python deploy/install.py requirements.lock

It runs before anything is installed, so it needs the standard library alone. What pip reports as a warning or an error is
passed on as it is.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TextIO

_REDRAW_SECONDS: Final = 0.2  # at a terminal, where one line is drawn again and again
_REPORT_SECONDS: Final = 10.0  # elsewhere, where every report is a line that stays
_PIP: Final = ("-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--progress-bar=off")
_REQUIREMENT: Final = re.compile(r"^[A-Za-z0-9]", re.MULTILINE)
_FETCHED: Final = re.compile(r"(?:Collecting|Requirement already satisfied:) ([\w.-]+)")
_BUILDING: Final = re.compile(r"\s*Building wheel for ([\w.-]+)")


@dataclass
class Progress:
    """How far pip is, from the lines that it writes and the packages that are there."""

    total: int
    packages: Path
    step: str = "fetching"
    fetched: int = 0
    name: str = ""
    present: frozenset[str] = field(default_factory=frozenset)

    def read(self, lines: Iterable[str]) -> None:
        """Follow pip's output to its end."""
        for line in lines:
            if line.startswith("Ignoring "):  # a package for another system
                self.total -= 1
            elif match := _FETCHED.match(line):
                self.fetched += 1
                self.name = match[1]
            elif match := _BUILDING.match(line):
                self.step, self.name = "building", match[1]
            elif line.startswith("Installing collected packages:"):
                self.present = self._distributions()
                self.step, self.name = "installing", ""

    def __str__(self) -> str:
        """Return one line, such as `fetching 12 of 92: celery`."""
        done = len(self._distributions() - self.present) if self.step == "installing" else self.fetched
        return f"{self.step} {min(done, self.total)} of {self.total}" + (f": {self.name}" if self.name else "")

    def _distributions(self) -> frozenset[str]:
        return frozenset(path.name for path in self.packages.glob("*.dist-info"))


def install(lock: Path, *, output: TextIO, report_seconds: float = _REPORT_SECONDS) -> int:
    """Install the packages of `lock`, each with a hash that it names, and return pip's exit code.

    Progress goes to `output`: drawn in place at a terminal, elsewhere as a line every `report_seconds`.
    """
    progress = Progress(total=len(_REQUIREMENT.findall(lock.read_text())), packages=Path(sysconfig.get_path("purelib")))
    started = time.monotonic()
    # --no-deps: a lock file is complete, so there is nothing to resolve
    command = [sys.executable, *_PIP, "--require-hashes", "--no-deps", "--requirement", str(lock)]
    with subprocess.Popen(  # noqa: S603 - pip, with a file of ours
        command, stdout=subprocess.PIPE, text=True, errors="replace", env={**os.environ, "PYTHONUNBUFFERED": "1"}
    ) as pip:
        reader = threading.Thread(target=progress.read, args=(pip.stdout,), daemon=True)
        reader.start()
        redraws = output.isatty()
        while reader.is_alive():
            reader.join(_REDRAW_SECONDS if redraws else report_seconds)
            if reader.is_alive():
                output.write(f"\r\x1b[K  {progress}" if redraws else f"  {progress}\n")
                output.flush()
        if redraws:
            output.write("\r\x1b[K")
    if pip.returncode:
        output.write(f"Could not install what {lock} names; the reason is above. The same command tries again.\n")
    else:
        packages = "1 package" if progress.total == 1 else f"{progress.total} packages"
        output.write(f"Installed {packages} in {time.monotonic() - started:.0f} s.\n")
    return pip.returncode


def main(arguments: Sequence[str]) -> int:
    """Install the one lock file named on the command line."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python deploy/install.py LOCKFILE\n")
        return 2
    try:
        return install(Path(arguments[0]), output=sys.stdout)
    except OSError as error:
        sys.stderr.write(f"{error.filename}: {error.strerror}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped. The same command starts again.\n")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
