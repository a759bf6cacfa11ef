"""Durations and links as the admin shows them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.utils.read_only_admin import link, took


@pytest.mark.parametrize(
    ("seconds", "text"), [(4.2, "4.2 s"), (59.97, "1 min 00 s"), (200, "3 min 20 s"), (3_725, "1 h 02 min")]
)
def test_a_duration_reads_well(seconds: float, text: str) -> None:
    """Fine where it is short."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert took(start, start + timedelta(seconds=seconds)) == text


def test_only_web_addresses_become_links() -> None:
    """What GitHub sent is not trusted to be one."""
    assert link("javascript:alert(1)", "#1") == "#1"
    assert link('https://github.com/"><script>', "#1") == '<a href="https://github.com/&quot;&gt;&lt;script&gt;">#1</a>'
