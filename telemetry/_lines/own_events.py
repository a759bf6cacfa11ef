"""Telemetry's own events, declared as an application declares its own."""

from __future__ import annotations

from typing import Annotated

from telemetry.model import Event, Field, Level

Count = Annotated[int, Field("A number of spans.", unit="{span}")]


class Account(
    Event,
    name="telemetry.account",
    level=Level.INFO,
    raised=Level.WARNING,
    when="a process ends, once for each of its exporters; and when one begins to lose spans, is away or is back",
):
    """What became of the spans that this process has started: started = exported + waiting + dropped + died."""

    exporter: Annotated[str, Field("Which exporter, as OTEL_TRACES_EXPORTER names it, or file.", example="otlp_proto_http")]
    started: Count
    exported: Count
    waiting: Annotated[int, Field("Open, in memory, or in the spool on disk.", unit="{span}")]
    open: Count
    spooled: Count
    dropped: Count
    died: Count
    reasons: Annotated[str | None, Field("How many were dropped, by reason.", example="queue_full=12 refused=3")]
    trouble: Annotated[str | None, Field("Why nothing is exported at this moment.", example="unreachable")]


class Problem(
    Event,
    name="telemetry.problem",
    level=Level.WARNING,
    when="telemetry itself went wrong; at most once a minute for each kind",
):
    """An error of telemetry's own, which was swallowed."""

    error_type: Annotated[str, Field("Its class.", example="OSError")]
    error_msg: Annotated[str, Field("What went wrong, secrets removed.", example="No space left on device")]
    swallowed: Annotated[int, Field("How many this process has swallowed so far.", unit="1")]


EVENTS: tuple[str, ...] = ("telemetry.account", "telemetry.problem")
"""Telemetry's events in the order people read them."""
