"""A moment is written in UTC, to the second or to the microsecond, and is the same moment as a span has it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry._lines.clock import iso_now
from telemetry.timestamps import iso_microseconds, iso_seconds, unix_nanoseconds

EAST = timezone(timedelta(hours=5, minutes=30))


@pytest.mark.parametrize(
    ("moment", "seconds", "microseconds", "unix_ns"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000Z", 0),
        (datetime(1970, 1, 1, 5, 30, 1, 7, EAST), "1970-01-01T00:00:01Z", "1970-01-01T00:00:01.000007Z", 1_000_007_000),
        (
            datetime(2026, 1, 1, 3, 0, 0, 250_000, EAST),
            "2025-12-31T21:30:00Z",
            "2025-12-31T21:30:00.250000Z",
            1_767_216_600_250_000_000,
        ),
    ],
)
def test_a_moment_is_the_same_everywhere(moment: datetime, seconds: str, microseconds: str, unix_ns: int) -> None:
    """Whatever zone it is given in."""
    assert (iso_seconds(moment), iso_microseconds(moment), unix_nanoseconds(moment)) == (seconds, microseconds, unix_ns)


def test_a_moment_without_a_zone_is_refused() -> None:
    """It would be taken for UTC here, and for local time there."""
    with pytest.raises(ValueError, match="has no time zone; give an aware datetime"):
        iso_seconds(datetime(2026, 1, 1))  # noqa: DTZ001  # the mistake


@given(st.integers(min_value=0, max_value=4_000_000_000 * 1_000_000_000))
def test_lines_write_the_time_as_it_is(moment_ns: int) -> None:
    """To the microsecond, whatever second was written before."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time_ns", lambda: moment_ns)
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment_ns // 1_000)
        assert (iso_now(), iso_now()) == (iso_microseconds(moment),) * 2


def test_the_time_of_lines_goes_on() -> None:
    before, now, after = datetime.now(UTC), iso_now(), datetime.now(UTC)
    assert iso_microseconds(before) <= now <= iso_microseconds(after)
