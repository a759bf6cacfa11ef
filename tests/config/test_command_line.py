"""What manage.py says of an error holds no secret and does nothing to the terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
EVIL = "x\x1b[2J\u202e"
TOKEN = "ghp_" + "a" * 36


def manage(*arguments: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py to its end, with servers that nobody reaches."""
    servers = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "CELERY_BROKER_URL": "redis://127.0.0.1:1/0"}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        env={**os.environ, **servers, "SYNCTRACE_HOME": str(home), **environment},
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.slow
def test_a_mistake_of_ours_is_shown_safely(tmp_path: Path) -> None:
    """As a traceback, whose lines stay lines."""
    code = f"raise ValueError({EVIL!r} + {TOKEN!r})"
    result = manage("shell", "-c", code, home=tmp_path)
    assert result.returncode == 1
    assert result.stderr.startswith("Traceback (most recent call last):\n")
    assert r"ValueError: x\x1b[2J\u202e" in result.stderr
    assert not set(result.stderr) & set(EVIL[1] + EVIL[-1])
    assert TOKEN not in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [("trace", "7", EVIL), ("check", "--tag", EVIL), ("github_simulator", "--port", "0", "--faults", EVIL), (EVIL,)],
)
def test_a_wrong_argument_is_repeated_safely(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """Whosever command it is for."""
    result = manage(*arguments, home=tmp_path)
    assert result.returncode != 0
    assert r"x\x1b[2J\u202e" in result.stderr
    assert not set(result.stderr) & set(EVIL[1] + EVIL[-1])


@pytest.mark.parametrize("name", ["SYNCTRACE_HOME", "SYNC_LOG_LEVEL"])
def test_a_bad_variable_is_repeated_safely(name: str, tmp_path: Path) -> None:
    """It says what to do, and acts nowhere."""
    (tmp_path / "file").touch()
    result = manage("trace", home=tmp_path, **{name: str(tmp_path / "file" / EVIL)})
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("manage.py: ")
    assert not set(result.stderr) & set(EVIL[1] + EVIL[-1])
