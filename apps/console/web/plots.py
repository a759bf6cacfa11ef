"""Plots of numbers by week, as shapes that a template draws without a script. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

WIDTH, HEIGHT = 360, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 6, 8, 22
_HALF_LABEL = 16
_BAR_SHARE = 0.7
_STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """A week's number, None where there is none, and whether all that it rests on is stored."""

    monday: date
    value: float | None
    is_whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A week in the picture: its place, its bar's size, what it says, and whether it may still change."""

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
    """A picture of one number a week: bars, or a line that breaks where a week has none."""

    key: str
    title: str
    says: str
    is_bars: bool
    marks: Sequence[Mark]
    lines: Sequence[str]
    """Points of lines, as an SVG polyline has them."""
    levels: Sequence[Tick]
    weeks: Sequence[Tick]


def plot_of(weeks: Sequence[Week], *, key: str, title: str, unit: str = "", is_bars: bool = False, top: float = 0) -> Plot:
    """Return the picture of some weeks, oldest first; its scale goes from 0 to a round number, `top` at least."""
    known = [week.value for week in weeks if week.value is not None]
    highest, step = _scale(max([top, *known]))
    each = (WIDTH - _LEFT - _RIGHT) / max(1, len(weeks))
    height = HEIGHT - _TOP - _BOTTOM
    marks: list[Mark | None] = []
    for place, week in enumerate(weeks):
        middle, value = _LEFT + each * (place + 0.5), week.value
        if value is None:
            marks.append(None)
            continue
        size = height * value / highest
        marks.append(
            Mark(
                x=round(middle, 2),
                y=round(_TOP + height - size, 2),
                left=round(middle - each * _BAR_SHARE / 2, 2),
                width=round(each * _BAR_SHARE, 2),
                height=round(size, 2),
                says=f"Week of {week.monday}: {number(value)}{unit}{'' if week.is_whole else ', not all of it stored'}",
                is_whole=week.is_whole,
            )
        )
    levels = [
        Tick(at=round(_TOP + height * (1 - level / highest), 2), label=f"{number(level)}{unit}")
        for level in (step * nth for nth in range(round(highest / step) + 1))
    ]
    return Plot(
        key=key,
        title=title,
        says=_says(weeks, known, unit),
        is_bars=is_bars,
        marks=[mark for mark in marks if mark is not None],
        lines=[] if is_bars else _lines(marks),
        levels=levels,
        weeks=_week_ticks(weeks, each),
    )


def number(value: float) -> str:
    """Return a number as people read it: of a small one a digit after the point, where that says something."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.1f}"


def _scale(highest: float) -> tuple[float, float]:
    """Return a round number that nothing is above, and the step between levels, of which there are two to five."""
    if highest <= 0:
        return 1.0, 1.0
    power = 10 ** math.floor(math.log10(highest / 3))
    step = next(power * each for each in _STEPS if power * each * 4 >= highest)
    return step * math.ceil(highest / step), step


def _lines(marks: Sequence[Mark | None]) -> list[str]:
    """Return a line for each stretch of weeks that have a number; a week between two that have none is a point alone."""
    stretches: list[list[Mark]] = [[]]
    for mark in marks:
        if mark is None:
            stretches.append([])
        else:
            stretches[-1].append(mark)
    return [" ".join(f"{mark.x},{mark.y}" for mark in stretch) for stretch in stretches if len(stretch) > 1]


def _week_ticks(weeks: Sequence[Week], each: float) -> list[Tick]:
    """Return labels for the first, the middle and the last week, none of which is cut off."""
    places = sorted({0, len(weeks) // 2, len(weeks) - 1}) if weeks else []
    return [
        Tick(at=round(min(_LEFT + each * (place + 0.5), WIDTH - _HALF_LABEL), 2), label=f"{weeks[place].monday:%m-%d}")
        for place in places
    ]


def _says(weeks: Sequence[Week], known: Sequence[float], unit: str) -> str:
    """Return in a sentence what the picture shows."""
    if not known:
        return "No number in these weeks."
    last = next(week for week in reversed(weeks) if week.value is not None)
    span = f"from {number(min(known))}{unit} to {number(max(known))}{unit} over {len(known)} of {len(weeks)} weeks"
    return f"{number(last.value or 0)}{unit} in the week of {last.monday}; {span}."
