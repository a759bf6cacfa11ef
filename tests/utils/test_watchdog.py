"""A process does not outlive the moment at which its watchdog was to kill it, however it spends the time."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from apps.utils.boottime import boottime
from apps.utils.watchdog import Watchdog

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a timer of Linux's")
_PROGRAM = """
import os, signal, time
from apps.utils.boottime import boottime
from apps.utils.watchdog import Watchdog
watchdog = Watchdog()
{work}
print("alive", flush=True)
"""


@pytest.mark.parametrize(
    "spends",
    ["time.sleep(9)", "os.kill(os.getpid(), signal.SIGSTOP)", "while True: pass"],
    ids=["asleep", "stopped", "busy"],
)
def test_a_process_is_killed_at_the_moment(spends: str) -> None:
    """Also one that is stopped, and before it goes on."""
    started = time.monotonic()
    done = _run(f"watchdog.arm(boottime() + 0.3)\n{spends}")
    assert done == (-signal.SIGKILL, "")
    assert 0.3 <= time.monotonic() - started < 5


def test_a_moment_that_is_over_kills_at_once() -> None:
    """It was frozen before it could set the timer."""
    assert _run("watchdog.arm(boottime() - 1)\ntime.sleep(9)") == (-signal.SIGKILL, "")


def test_a_disarmed_process_lives() -> None:
    """Whatever was to happen was done in time."""
    assert _run("watchdog.arm(boottime() + 0.1)\nwatchdog.disarm()\ntime.sleep(0.3)") == (0, "alive\n")


def test_the_last_moment_counts() -> None:
    """Arming again puts it off."""
    assert _run("watchdog.arm(boottime() + 0.1)\nwatchdog.arm(boottime() + 60)\ntime.sleep(0.3)") == (0, "alive\n")


def test_no_moment_sets_no_timer() -> None:
    """Infinity never comes, and what was not armed can be disarmed."""
    watchdog = Watchdog()
    watchdog.arm(float("inf"))
    watchdog.disarm()
    watchdog.disarm()
    assert boottime() > 0


def _run(work: str) -> tuple[int, str]:
    """Run a program around `work`; return how it ended and what it printed."""
    command = [sys.executable, "-c", _PROGRAM.format(work=work)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=20, check=False)
    return done.returncode, done.stdout
