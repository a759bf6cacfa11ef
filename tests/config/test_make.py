"""make and the import contracts, as a newcomer and a reviewer meet them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A checkout without a virtual environment, in a path with spaces."""
    checkout = tmp_path / "a fresh checkout"
    checkout.mkdir()
    for name in ("Makefile", "requirements.lock", "requirements-dev.lock"):
        shutil.copy(CHECKOUT / name, checkout)
    return checkout


def _make(*arguments: str, checkout: Path) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)


def _python_that(answers: str, checkout: Path) -> str:
    program = checkout / "python that is not one"
    program.write_text(f"#!/bin/sh\n{answers}\n")
    program.chmod(0o755)
    return f"PYTHON={program}"


def test_help_is_the_default_and_lists_every_target() -> None:
    """`make` alone names every target that a person may ask for."""
    text = (CHECKOUT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert phony is not None
    listed = [line.split()[1] for line in _make(checkout=CHECKOUT).stdout.splitlines()]
    assert sorted(listed) == sorted(phony.group(1).split())


@pytest.mark.parametrize(
    ("python", "advice"),
    [
        (None, "There is no program nowhere"),
        ('[ "$1" = --version ] && echo Python 3.9.2', "Python 3.9.2 is too old"),
        ('case "$2" in *ensurepip*) exit 1;; esac', "apt-get install python3-venv"),
    ],
    ids=["missing", "old", "without venv"],
)
def test_a_python_that_will_not_do_is_explained(python: str | None, advice: str, fresh: Path) -> None:
    """make ends with what to install or name, and leaves no half-made environment."""
    if python and python.startswith("["):
        python += "; exit $(( $# > 1 ))"
    result = _make("demo", _python_that(python, fresh) if python else "PYTHON=nowhere", checkout=fresh)
    assert result.returncode != 0
    assert advice in result.stderr
    assert not (fresh / ".venv").exists()


def test_imports_point_one_way() -> None:
    """The contracts of .importlinter hold."""
    program = "from importlinter.cli import lint_imports_command as run; run()"
    result = subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
