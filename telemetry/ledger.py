"""What became of every span: `started = exported + waiting + dropped + died`, exact, for each exporter.

Each process keeps its account in a small file of its home, which outlives it: a process that is killed leaves what it had
counted. What was open then has *died*; what had ended and was not exported yet is dropped as `killed`, unless it is found
elsewhere. What an OTLP endpoint could not take waits in the home's spool.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from telemetry._export import home_ledger
from telemetry._export.counts import MEANING, Count

__all__ = ["MEANING", "Count", "of_home", "of_process"]


def of_process() -> Mapping[str, Count]:
    """Return what became of the spans that this process has started, by exporter; nothing where it exports none."""
    from telemetry._spans import provider  # whoever reads a home needs no OpenTelemetry

    return provider.counts()


def of_home(home: str | Path) -> Mapping[str, Count]:
    """Return the sums over every process of a home, living or ended, and its spool, by exporter."""
    return home_ledger.read(Path(home))
