"""The pytest plugin: its fixture ``captrace`` captures a test's spans and lines; telemetry's own errors fail that test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from telemetry._lines import context
from telemetry.testing import Capture, capturing


@pytest.fixture
def captrace() -> Iterator[Capture]:
    """Capture the spans and lines of this test; see `telemetry.testing.Capture`."""
    context.clear()
    with capturing() as capture:
        yield capture
    context.clear()
