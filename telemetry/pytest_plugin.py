"""A pytest plugin: the fixture `captrace` captures a test's spans, lines and metrics.

Telemetry's own errors, which production swallows, fail the test.
"""

from __future__ import annotations

from collections.abc import Iterator

from telemetry._extras import not_installed
from telemetry._lines import context
from telemetry.testing import Capture, capturing

try:
    import pytest
except ModuleNotFoundError as error:
    raise not_installed(__name__, "pytest", error) from None

__all__ = ["captrace"]


@pytest.fixture
def captrace() -> Iterator[Capture]:
    """Capture the spans, lines and metrics of this test; see `telemetry.testing.Capture`."""
    context.clear()
    with capturing() as capture:
        yield capture
    context.clear()
