"""Moments and durations as callers give them become nanoseconds, whatever they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

import telemetry
from telemetry._moments import lasted_ns, moment_ns
from telemetry.testing import Capture


def test_a_duration_is_whole_nanoseconds_from_none_to_the_most() -> None:
    """Of what fits in between, not one more or less."""
    assert [lasted_ns(each, most=1_500_000) for each in (-5, 0.0, 0.000_001, 0.25, 1, 1.5, 1e9)] == [
        0,
        0,
        1,
        250_000,
        1_000_000,
        1_500_000,
        1_500_000,
    ]


@pytest.mark.parametrize("odd", ["long", None, float("nan"), float("inf")])
def test_what_is_no_duration_is_said(odd: Any, production: Capture) -> None:
    """It lasted nothing."""
    before = telemetry.swallowed()
    assert (lasted_ns(odd, most=10), telemetry.swallowed()) == (0, before + 1)


def test_a_moment_is_one_of_utc() -> None:
    """Whatever its zone is."""
    noon = datetime(2026, 1, 1, 12, 0, 0, 250, tzinfo=UTC)
    assert moment_ns(noon) == moment_ns(noon.astimezone(timezone(timedelta(hours=5)))) == 1_767_268_800_000_250_000


def test_a_moment_without_a_zone_is_said_and_taken_for_utc(production: Capture) -> None:
    """What most of them are."""
    before = telemetry.swallowed()
    assert moment_ns(datetime(2026, 1, 1, 12)) == 1_767_268_800_000_000_000  # noqa: DTZ001  # that is the point
    assert telemetry.swallowed() == before + 1
