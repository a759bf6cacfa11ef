"""Installing a lock file shows how far it is, and says how it ended."""

from __future__ import annotations

import re
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Final

import pytest

from deploy import install

LOCK: Final = """\
amqp==5.4.2 \\
    --hash=sha256:00
    # via kombu
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:00
kombu==5.7.0 \\
    --hash=sha256:00
"""
IGNORED: Final = "Ignoring colorama: markers 'sys_platform == \"win32\"' don't match your environment"


class Terminal(StringIO):
    """A terminal that lets pip go on when it shows a text."""

    def __init__(self, *, until: str, go: Path) -> None:
        super().__init__()
        self._until = until
        self._go = go

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self._until in text:
            self._go.touch()
        return super().write(text)


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """Return a lock file of two packages for this system and one for another."""
    file = tmp_path / "requirements.lock"
    file.write_text(LOCK)
    return file


@pytest.fixture
def go(tmp_path: Path) -> Path:
    """Return the file that a scripted pip waits for."""
    return tmp_path / "go"


def _script_pip(monkeypatch: pytest.MonkeyPatch, folder: Path, *lines: str, code: int = 0) -> None:
    """Make `python -m pip` print `lines`, wait at each `wait` for a file, and exit with `code`."""
    (folder / "pip").mkdir()
    (folder / "pip" / "__init__.py").touch()
    (folder / "pip" / "__main__.py").write_text(
        "import pathlib, sys, time\n"
        f"for line in {lines!r}:\n"
        "    if line != 'wait':\n"
        "        print(line, flush=True)\n"
        f"    while line == 'wait' and not pathlib.Path({str(folder / 'go')!r}).exists():\n"
        "        time.sleep(0.01)\n"
        f"sys.exit({code})\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(folder))


def test_fetching_is_counted_without_packages_of_other_systems(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lock: Path, go: Path
) -> None:
    """A terminal shows which package is fetched, of how many, in one line that is gone at the end."""
    _script_pip(monkeypatch, tmp_path, IGNORED, "Collecting amqp==5.4.2 (from -r requirements.lock (line 1))", "wait")
    terminal = Terminal(until="\r\x1b[K  fetching 1 of 2: amqp", go=go)
    assert install.install(lock, output=terminal) == 0
    assert re.fullmatch(r"(\r\x1b\[K  fetching .*)+\r\x1b\[KInstalled 2 packages in \d+ s\.\n", terminal.getvalue())


def test_installing_is_counted_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lock: Path, go: Path) -> None:
    """While pip installs in silence, what it has put in place is counted."""
    _script_pip(monkeypatch, tmp_path, IGNORED, "Installing collected packages: amqp, kombu", "wait")
    terminal = Terminal(until="  installing 0 of 2", go=go)
    assert install.install(lock, output=terminal) == 0
    assert go.exists()


def test_a_log_gets_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lock: Path, go: Path) -> None:
    """Where nothing can be drawn again, progress is lines without control characters."""
    _script_pip(monkeypatch, tmp_path, IGNORED, "  Building wheel for kombu (pyproject.toml): started", "wait")
    log = Terminal(until="  building 0 of 2: kombu\n", go=go)
    monkeypatch.setattr(log, "isatty", lambda: False)
    assert install.install(lock, output=log, report_seconds=0.01) == 0
    assert go.exists()
    assert "\r" not in log.getvalue()


def test_a_failure_is_pips_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lock: Path) -> None:
    """Pip's exit code and its errors reach the caller."""
    _script_pip(monkeypatch, tmp_path, code=3)
    output = StringIO()
    assert install.install(lock, output=output) == 3
    assert output.getvalue().startswith(f"Could not install what {lock} names")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [([], 2, "usage: "), (["nowhere.lock"], 1, "nowhere.lock: No such file")],
    ids=["no file", "missing file"],
)
def test_a_wrong_call_is_a_sentence(arguments: list[str], code: int, said: str) -> None:
    """No traceback."""
    program = Path(install.__file__)
    result = subprocess.run([sys.executable, program, *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == code
    assert result.stderr.startswith(said)
