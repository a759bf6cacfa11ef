"""What tests of `telemetry` share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from telemetry import _health
from telemetry.testing import Capture


@pytest.fixture
def production(captrace: Capture) -> Iterator[Capture]:
    """Capture as `captrace` does, and swallow telemetry's own errors, as in production."""
    _health._health.strict = False
    yield captrace
    _health._health.strict = True
