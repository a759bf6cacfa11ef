"""A pytest plugin: the fixture `captrace` captures a test's spans, lines and metrics.

Telemetry's own errors, which production swallows, fail the test.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from telemetry._lines import context
from telemetry.testing import Capture, capturing

__all__ = ["captrace"]


@pytest.fixture
def captrace() -> Iterator[Capture]:
    """Capture the spans, lines and metrics of this test; see `telemetry.testing.Capture`."""
    context.clear()
    with capturing() as capture:
        yield capture
    context.clear()
