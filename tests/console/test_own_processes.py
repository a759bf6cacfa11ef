"""What a command starts for itself ends with it, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

CHILD = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
PARENT = """
import os, subprocess, sys, time
from apps.console.own_processes import _running
with _running(["-c", sys.argv[1]], stdout=subprocess.PIPE) as child:
    print(child.stdout.readline().decode().strip(), flush=True)
    time.sleep(600)
"""


def is_running(pid: int) -> bool:
    """Whether the process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's death")
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_running(end: signal.Signals) -> None:
    """Ctrl-C, SIGTERM and kill -9 all end the child too."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, CHILD], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_running(child)
        parent.send_signal(end)
        parent.wait(20)
    deadline = time.monotonic() + 20
    while is_running(child):
        assert time.monotonic() < deadline, "the child outlived the command"
        time.sleep(0.02)
