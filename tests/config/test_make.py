"""`make`, as a newcomer meets it, and the import contracts."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import distribution, version
from pathlib import Path

import pytest

from tests.package.environments import repack

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """Return a checkout without a virtual environment, in a path with spaces."""
    checkout = tmp_path / "a fresh checkout"
    checkout.mkdir()
    (checkout / "deploy").mkdir()
    for name in ("Makefile", "requirements.lock", "requirements-dev.lock", "deploy/install.py"):
        shutil.copy(CHECKOUT / name, checkout / name)
    return checkout


def _make(*arguments: str, checkout: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", *arguments]
    environment = {**os.environ, **environment}
    return subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)


def _python_that(answers: str, checkout: Path) -> str:
    program = checkout / "python that is not one"
    program.write_text(f"#!/bin/sh\n{answers}\n")
    program.chmod(0o755)
    return f"PYTHON={program}"


def test_help_is_the_default_and_lists_every_target() -> None:
    """`make` alone lists every target."""
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
def test_an_unusable_python_is_explained(python: str | None, advice: str, fresh: Path) -> None:
    """make says what to install or to name, and leaves no half-made environment."""
    if python and python.startswith("["):
        python += "; exit $(( $# > 1 ))"
    result = _make("demo", _python_that(python, fresh) if python else "PYTHON=nowhere", checkout=fresh)
    assert result.returncode != 0
    assert advice in result.stderr
    assert not (fresh / ".venv").exists()


@pytest.mark.slow
def test_an_installation_says_how_it_went(fresh: Path, tmp_path: Path) -> None:
    """make says what it makes and installs; a failure keeps pip's reason and is tried again, a success is the last word."""
    wheel = repack(distribution("iniconfig"), tmp_path)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (fresh / "requirements.lock").write_text(f"iniconfig=={version('iniconfig')} --hash=sha256:{digest}\n")

    def install(wheels: str) -> subprocess.CompletedProcess[str]:
        python = f"PYTHON={sys.executable}"
        return _make(python, ".venv/demo.stamp", checkout=fresh, PIP_NO_INDEX="1", PIP_FIND_LINKS=wheels)

    failed = install("")
    assert failed.returncode != 0
    assert "No matching distribution found" in failed.stderr
    assert re.fullmatch(
        r"Making \.venv with Python 3\.\S+\n"
        r"Installing what requirements\.lock names into \.venv, once:\n"
        r"Could not install what requirements\.lock names; .*\n",
        failed.stdout,
    )
    again = install(str(tmp_path))
    assert re.fullmatch(r"Installing .*\nInstalled 1 package in \d+ s\.\n", again.stdout), again.stdout + again.stderr
    assert subprocess.run([fresh / ".venv" / "bin" / "python", "-c", "import iniconfig"], check=False).returncode == 0
    assert "up to date" in install("").stdout


def test_imports_point_one_way() -> None:
    """The contracts of .importlinter hold."""
    program = "from importlinter.cli import lint_imports_command as run; run()"
    result = subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
