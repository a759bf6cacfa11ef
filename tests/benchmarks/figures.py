"""Write figures with their aims as a text table, as JSON, and as the table in `docs/benchmarks.md`."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from tests.benchmarks.programs import CHECKOUT
from tests.documents import table, write_between

DOCUMENT = CHECKOUT / "docs" / "benchmarks.md"
_BEGIN, _END = "<!-- figures: written by `make bench BENCH_ARGS=--docs` -->\n", "<!-- end of figures -->\n"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured figure; `aim` is None if it only explains another one."""

    name: str
    what: str
    value: float
    unit: str
    aim: float | None = None
    better: Literal["lower", "higher"] = "lower"
    detail: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the aim is met; None if there is none."""
        if self.aim is None:
            return None
        return self.value <= self.aim if self.better == "lower" else self.value >= self.aim

    def cells(self) -> tuple[str, str, str, str, str]:
        """Return the cells of the figure's row: what, measured, aim, met and detail."""
        sign = "≤" if self.better == "lower" else "≥"
        aim = "" if self.aim is None else f"{sign} {_number(self.aim)} {self.unit}".rstrip()
        met = {True: "yes", False: "no", None: ""}[self.met]
        return self.what, f"{_number(self.value)} {self.unit}".rstrip(), aim, met, self.detail


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The machine that was measured; `load` is its load average over the minute before."""

    cores: int
    processor: str
    python: str
    system: str
    date: str
    load: float


def this_machine() -> Machine:
    """Return a description of this machine and its current load."""
    return Machine(
        cores=os.cpu_count() or 1,
        processor=_processor(),
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        date=datetime.now(UTC).date().isoformat(),
        load=round(os.getloadavg()[0], 1),
    )


def as_json(figures: Sequence[Figure], machine: Machine) -> str:
    """Return `{"machine": {…}, "figures": [{name, what, value, unit, aim, better, detail, met}, …]}`."""
    rows = [asdict(figure) | {"met": figure.met} for figure in figures]
    return json.dumps({"machine": asdict(machine), "figures": rows}, indent=2, ensure_ascii=False) + "\n"


def as_text(figures: Sequence[Figure], machine: Machine) -> str:
    """Return the figures as an aligned text table."""
    rows = [("", "measured", "aim", "met", ""), *(figure.cells() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = ["  ".join([*(row[column].ljust(widths[column]) for column in range(4)), row[4]]).rstrip() for row in rows]
    return "\n".join([*lines, "", _sentence(machine)]) + "\n"


def write_document(figures: Sequence[Figure], machine: Machine, document: Path = DOCUMENT) -> None:
    """Replace the table between the markers in `document`, and nothing else."""
    rows = [("", "measured", "aim", "met", ""), *(figure.cells() for figure in figures)]
    write_between(_BEGIN, _END, f"{table(rows)}\n\n{_sentence(machine)}\n", document=document)


def _sentence(machine: Machine) -> str:
    return (
        f"Measured on {machine.date}: {machine.cores} cores ({machine.processor}), {machine.system}, "
        f"Python {machine.python}; load before it began {machine.load}."
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2f}".rstrip("0").rstrip(".")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
