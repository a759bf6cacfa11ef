"""The test suite itself runs wherever it is started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
_IGNORING_SIGINT = (
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); os.execv(sys.executable, sys.argv[1:])"
)


def _runs_again(test: str, **environment: str) -> None:
    """Run one test of this suite as a person would whose shell ignores SIGINT, with `environment`."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", f"{__file__}::{test}"]
    result = subprocess.run(
        [sys.executable, "-c", _IGNORING_SIGINT, *command],
        cwd=CHECKOUT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "1 passed" in result.stdout


def test_a_program_can_be_interrupted() -> None:
    """A program that a test starts handles SIGINT as a person's would."""
    code = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "True\n"


@pytest.mark.slow
def test_programs_can_be_interrupted_where_sigint_is_ignored() -> None:
    """nohup, and a shell's background job, ignore SIGINT for all that they start."""
    _runs_again(test_a_program_can_be_interrupted.__name__)


@pytest.mark.slow
def test_an_old_egg_info_is_no_obstacle(tmp_path: Path) -> None:
    """What `pip install` of 0.1.0 left in the checkout registers the plugin too, under another name."""
    left = tmp_path / "synctrace.egg-info"
    left.mkdir()
    (left / "PKG-INFO").write_text("Metadata-Version: 2.4\nName: synctrace\nVersion: 0.1.0\n")
    (left / "entry_points.txt").write_text("[pytest11]\nsynctrace-telemetry = telemetry.pytest_plugin\n")
    _runs_again(test_a_program_can_be_interrupted.__name__, PYTHONPATH=str(tmp_path))
