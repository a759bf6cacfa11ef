"""Lay out the ledger of spans for people: a row for each exporter, and below it what was lost, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from telemetry.ledger import MEANING, Count

_COLUMNS = ("started", "exported", "waiting", "dropped", "died")
_TROUBLES: Mapping[str, str] = {
    "unreachable": "its endpoint does not take spans",
    "disk_full": "the disk is full",
    "unwritable": "its file cannot be written",
}


def ledger_lines(counts: Mapping[str, Count]) -> Iterator[str]:
    """Yield the lines of a home's ledger."""
    names = max(map(len, counts), default=0)
    shown = [(name, [f"{value:,}" for value in _row(count)]) for name, count in counts.items()]
    widths = [max(len(title), *(len(values[at]) for _, values in shown)) for at, title in enumerate(_COLUMNS)]
    yield "  ".join([" " * names, *(title.rjust(width) for title, width in zip(_COLUMNS, widths, strict=True))])
    for name, values in shown:
        yield "  ".join([name.ljust(names), *(value.rjust(width) for value, width in zip(values, widths, strict=True))])
    for name, count in counts.items():
        yield from _details(name, count)


def troubles(counts: Mapping[str, Count]) -> list[str]:
    """Return a sentence for each exporter that currently cannot export."""
    return [
        f"{name}: {_TROUBLES.get(count.trouble, count.trouble)} since "
        f"{datetime.fromtimestamp(count.trouble_since_ns / 1e9, UTC):%Y-%m-%d %H:%M:%S} UTC; "
        f"{count.waiting:,} spans wait"
        for name, count in counts.items()
        if count.trouble is not None
    ]


def _row(count: Count) -> tuple[int, ...]:
    return count.started, count.exported, count.waiting, count.lost, count.died


def _details(name: str, count: Count) -> Iterator[str]:
    if count.waiting:
        parts = {"open": count.open, "in memory": count.queued, "in the spool": count.spooled}
        yield f"{name} waiting: " + ", ".join(f"{number:,} {what}" for what, number in parts.items() if number)
    for reason, number in sorted(count.dropped.items(), key=lambda item: -item[1]):
        yield f"{name} dropped: {number:,} {reason}: {MEANING.get(reason, reason)}"
    if count.died:
        yield f"{name} died: {count.died:,} were open when their process ended"
    if not count.is_exact:
        yield f"{name}: these numbers do not add up; some process counts differently"
