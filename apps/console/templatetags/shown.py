"""Format moments, durations, states and numbers on the console's pages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import urlencode

from django import template
from django.conf import settings
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.explain.side_by_side import Pair
from apps.utils.read_only_admin import TONES, took
from apps.utils.times_in_text import text_and_times

register = template.Library()


@register.simple_tag
def moment(at: datetime | None) -> str:
    """Return a moment in UTC; the page's script shows it in the reader's zone, with UTC on hover."""
    if at is None:
        return ""
    return _time(at, f"{at.astimezone(UTC):%Y-%m-%d %H:%M}")


@register.simple_tag
def second(at: datetime) -> str:
    """Return a moment like `moment`, to the second."""
    return _time(at, f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}", shows="second")


@register.filter
def timed(sentence: str) -> SafeString:
    """Return a sentence in which each time of day is a moment, like `moment`; quotations of others stay text."""
    pieces = (
        piece if isinstance(piece, str) else _time(piece, f"{piece:%H:%M:%S}Z", shows="clock")
        for piece in text_and_times(sentence)
    )
    return format_html_join("", "{}", ((piece,) for piece in pieces))


def _time(at: datetime, text: str, *, shows: Literal["minute", "second", "clock"] = "minute") -> SafeString:
    utc = at.astimezone(UTC)
    return format_html(
        '<time class="nowrap number" datetime="{}" title="{} UTC"{}>{}</time>',
        f"{utc:%Y-%m-%dT%H:%M:%SZ}",
        f"{utc:%Y-%m-%d %H:%M:%S}",
        "" if shows == "minute" else format_html(' data-shows="{}"', shows),
        text,
    )


@register.simple_tag
def lasted(started: datetime | None, ended: datetime | None) -> str:
    """Return how long something took; the page's script keeps it counting until it has ended."""
    if started is None:
        return ""
    if ended is not None:
        return format_html('<span class="nowrap number">{}</span>', took(started, ended))
    since = f"{started.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    return format_html('<time class="nowrap number" data-since="{}" datetime="{}">so far</time>', since, since)


@register.filter
def state(word: str) -> SafeString | str:
    """Return a state's word with its shape and colour."""
    return format_html('<span class="state {}">{}</span>', tone(word), word) if word else ""


@register.filter
def tone(word: str) -> str:
    """Return how good the news of a state is: good, busy, warn, bad, or nothing."""
    return TONES.get(word, "")


@register.filter
def grouped(number: int | None) -> str:
    """Return a number with thousands separators; a dash if it is unknown."""
    return "\N{EN DASH}" if number is None else f"{number:,}"


@register.filter
def measured(value: float | Literal[""] | None, unit: str) -> str:
    """Return a measured number with its unit and one decimal; a dash if it is unknown or absent."""
    return "\N{EN DASH}" if value is None or value == "" else f"{value:,.1f} {unit}".rstrip()


@register.filter
def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 repository`, `2 repositories`."""
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun[:-1]}ies" if noun.endswith("y") else f"{number:,} {noun}s"


@register.filter
def marked(text: str) -> SafeString:
    """Return advice with text in backticks as code; in advice for no particular run, placeholders are named."""
    plain = text.replace("{command}", settings.SYNCTRACE_COMMAND).replace("{run}", "RUN")
    pieces = enumerate(plain.split("`"))
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", piece) if at % 2 else timed(piece),) for at, piece in pieces)
    )


@register.filter
def seconds(nanoseconds: int) -> str:
    """Return nanoseconds as `12.34 s`, or in minutes from two minutes on."""
    value = nanoseconds / 1e9
    return f"{value:,.2f} s" if value < 120 else f"{int(value // 60):,} min {int(value % 60):02} s"


@register.filter
def figure(value: float | None, unit: str = "") -> str:
    """Return a figure that may be unknown: a whole number or, in the unit `s`, with hundredths."""
    if value is None:
        return "\N{EN DASH}"
    return seconds(round(value * 1e9)) if unit == "s" else f"{value:,.0f}"


@register.filter
def difference(pair: Pair, unit: str = "") -> str:
    """Return the change of a figure: `+1.20 s (+34 %)`."""
    if not round(pair.difference, 2):
        return "the same"
    sign = "+" if pair.difference > 0 else "\N{MINUS SIGN}"
    share = "" if pair.percent is None or pair.now is None else f" ({sign}{abs(pair.percent):,.0f} %)"
    return f"{sign}{figure(abs(pair.difference), unit)}{share}"


@register.simple_tag
def changed_query(query: Mapping[str, str] | Literal[""], **changes: object) -> str:
    """Return an address's query, if any, with some values changed and empty ones removed."""
    return urlencode({key: value for key, value in {**dict(query or {}), **changes}.items() if value not in ("", None)})
