"""Account for every span, exactly and for each exporter: `started = exported + waiting + dropped + died`.

Each process keeps its account in a small file in its home, so the counts of a killed process survive it. A span that
was open then has *died*; one that had ended and was not exported yet is dropped as `killed`, unless it is found
elsewhere. What an OTLP endpoint could not take waits in the home's spool.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from telemetry._export import home_ledger
from telemetry._export.counts import MEANING, Count

__all__ = ["MEANING", "Count", "of_home", "of_process"]


def of_process() -> Mapping[str, Count]:
    """Return what became of this process's spans, by exporter; empty if it exports none."""
    from telemetry._spans import provider  # reading a home needs no OpenTelemetry

    return provider.counts()


def of_home(home: str | Path) -> Mapping[str, Count]:
    """Return the totals of a home by exporter: every process, living or ended, and the spool."""
    return home_ledger.read(Path(home))
