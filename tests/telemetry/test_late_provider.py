"""A provider that begins with a process's first span hands on what it is asked, and hinders no fork."""

from __future__ import annotations

import subprocess
import sys

import pytest
from opentelemetry.sdk.trace import TracerProvider

from telemetry._spans.late_provider import LateProvider

GONE = """
import os
from telemetry._spans.late_provider import LateProvider
LateProvider(lambda: None)
child = os.fork()
if not child:
    os._exit(0)
os.waitpid(child, 0)
"""


@pytest.mark.parametrize("has_flushed", [True, False])
def test_a_flush_is_that_of_the_provider_that_was_made(has_flushed: bool) -> None:
    """In the time that is given, or half a minute, as the SDK has it; where none was made nothing is to be flushed."""
    given: list[int] = []

    class Flushing(TracerProvider):
        def force_flush(self, timeout_millis: int = 0) -> bool:
            given.append(timeout_millis)
            return has_flushed

    provider = LateProvider(lambda: Flushing(shutdown_on_exit=False))
    assert provider.force_flush()
    provider.made()
    assert [provider.force_flush(500), provider.force_flush()] == [has_flushed] * 2
    assert given == [500, 30_000]


def test_a_provider_that_is_gone_is_missed_by_no_fork() -> None:
    """Nothing is printed about it."""
    done = subprocess.run([sys.executable, "-c", GONE], capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("", "")
