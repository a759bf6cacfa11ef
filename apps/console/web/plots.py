"""Plot numbers by week or hour, as shapes that a template draws without a script. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

WIDTH, HEIGHT = 360, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 6, 8, 22
_HALF_LABEL = 16
_BAR_SHARE = 0.7
_STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A week's or hour's number, or None, and a caveat for one that may still change."""

    name: str
    label: str
    """Its short name, below the axis."""
    value: float | None
    caveat: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A period in the picture: its place, its bar's size, its text, and whether it may still change."""

    x: float
    y: float
    left: float
    width: float
    height: float
    says: str
    is_whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A label of an axis, and its place."""

    at: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A picture of one number per period: bars, or a line with gaps where a period has none."""

    key: str
    title: str
    says: str
    is_bars: bool
    marks: Sequence[Mark]
    lines: Sequence[str]
    """The lines' points, in SVG polyline notation."""
    levels: Sequence[Tick]
    periods: Sequence[Tick]


def week_of(monday: date, value: float | None, *, is_whole: bool) -> Period:
    """Return a week's number, and whether all the data behind it is stored."""
    caveat = "" if is_whole else "not all of it stored"
    return Period(name=f"week of {monday}", label=f"{monday:%m-%d}", value=value, caveat=caveat)


def hour_of(begins: datetime, value: float | None, *, caveat: str = "") -> Period:
    """Return an hour's number, and any caveat."""
    at = f"{begins.astimezone(UTC):%H:%M}"
    return Period(name=f"hour from {at} UTC", label=at, value=value, caveat=caveat)


def plot_of(
    periods: Sequence[Period],
    *,
    key: str,
    title: str,
    each: str = "week",
    unit: str = "",
    is_bars: bool = False,
    top: float = 0,
) -> Plot:
    """Return the picture of some periods, oldest first; its scale goes from 0 to a round number, at least `top`.

    `each` is what they are: weeks, or hours.
    """
    known = [period.value for period in periods if period.value is not None]
    highest, step = _scale(max([top, *known]))
    room = (WIDTH - _LEFT - _RIGHT) / max(1, len(periods))
    height = HEIGHT - _TOP - _BOTTOM
    marks: list[Mark | None] = []
    for place, period in enumerate(periods):
        middle, value = _LEFT + room * (place + 0.5), period.value
        if value is None:
            marks.append(None)
            continue
        size = height * value / highest
        marks.append(
            Mark(
                x=round(middle, 2),
                y=round(_TOP + height - size, 2),
                left=round(middle - room * _BAR_SHARE / 2, 2),
                width=round(room * _BAR_SHARE, 2),
                height=round(size, 2),
                says=f"{_begun(period.name)}: {number(value)}{unit}{period.caveat and ', '}{period.caveat}",
                is_whole=not period.caveat,
            )
        )
    levels = [
        Tick(at=round(_TOP + height * (1 - level / highest), 2), label=f"{number(level)}{unit}")
        for level in (step * nth for nth in range(round(highest / step) + 1))
    ]
    return Plot(
        key=key,
        title=title,
        says=_says(periods, known, each, unit),
        is_bars=is_bars,
        marks=[mark for mark in marks if mark is not None],
        lines=[] if is_bars else _lines(marks),
        levels=levels,
        periods=_ticks(periods, room),
    )


def number(value: float) -> str:
    """Return a number for people: a small one with one decimal if that is significant."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.1f}"


def _scale(highest: float) -> tuple[float, float]:
    """Return a round upper bound, and the step between its two to five levels."""
    if highest <= 0:
        return 1.0, 1.0
    power = 10 ** math.floor(math.log10(highest / 3))
    step = next(power * each for each in _STEPS if power * each * 4 >= highest)
    return step * math.ceil(highest / step), step


def _lines(marks: Sequence[Mark | None]) -> list[str]:
    """Return a line for each stretch of periods with numbers; an isolated period is a single point."""
    stretches: list[list[Mark]] = [[]]
    for mark in marks:
        if mark is None:
            stretches.append([])
        else:
            stretches[-1].append(mark)
    return [" ".join(f"{mark.x},{mark.y}" for mark in stretch) for stretch in stretches if len(stretch) > 1]


def _ticks(periods: Sequence[Period], room: float) -> list[Tick]:
    """Return labels for the first, middle and last period, placed so that none is cut off."""
    places = sorted({0, len(periods) // 2, len(periods) - 1}) if periods else []
    return [
        Tick(at=round(min(_LEFT + room * (place + 0.5), WIDTH - _HALF_LABEL), 2), label=periods[place].label)
        for place in places
    ]


def _says(periods: Sequence[Period], known: Sequence[float], each: str, unit: str) -> str:
    """Return in a sentence what the picture shows."""
    if not known:
        return f"No number in these {each}s."
    last = next(period for period in reversed(periods) if period.value is not None)
    span = f"from {number(min(known))}{unit} to {number(max(known))}{unit} over {len(known)} of {len(periods)} {each}s"
    return f"{number(last.value or 0)}{unit} in the {last.name}; {span}."


def _begun(name: str) -> str:
    return name[0].upper() + name[1:]
