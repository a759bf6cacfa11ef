"""Write what came of the scenarios as text, and as the tables in `docs/explain.md`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.benchmarks.figures import this_machine
from tests.benchmarks.programs import CHECKOUT
from tests.rca.results import Results
from tests.rca.scenario import CODES, Scenario

DOCUMENT: Final = CHECKOUT / "docs" / "explain.md"
_BEGIN, _END = "<!-- results: written by `make rca RCA_ARGS=--docs` -->\n", "<!-- end of results -->\n"
_HEALTHY: Final = "healthy"
_KINDS: Final = {
    "one": "One fault",
    "two": "Two faults, of which one decides",
    "slow": "Slow, but healthy",
    "decoy": "A fault that healed and cost nothing worth naming",
}


@dataclass(frozen=True, kw_only=True)
class Report:
    """What came of the scenarios, and how long all of it took."""

    results: Results
    seconds: float


def as_text(report: Report) -> str:
    """Return the report for a terminal."""
    lines = [_sentence(report), "", *_aligned(_kinds(report)), "", *_aligned(_codes(report))]
    lines += ["", *_failures(report)]
    return "\n".join(lines) + "\n"


def write(report: Report, document: Path = DOCUMENT) -> None:
    """Replace the results between the markers in `document`, and nothing else."""
    text = document.read_text(encoding="utf-8")
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"{document} has lost the lines that the results stand between")
    document.write_text(f"{before}{begin}\n{_tables(report)}\n{end}{after}", encoding="utf-8")


def _tables(report: Report) -> str:
    machine = this_machine()
    on = f"{machine.date}, {machine.cores} cores, {machine.system}, Python {machine.python}"
    paragraphs = [
        f"{_sentence(report)} {on}.",
        "\n".join(_table(_kinds(report))),
        "### By code",
        "\n".join(_table(_codes(report))),
    ]
    if failures := _failures(report):
        paragraphs += ["### What is not right", "\n".join(failures)]
    if later := [each.scenario.name for each in report.results.of if each.scenario.rule_after]:
        paragraphs += ["### Whose rule was written after it was seen to fail", "\n".join(f"- {name}" for name in later)]
    return "\n\n".join(paragraphs) + "\n"


def _sentence(report: Report) -> str:
    results, all_of_them = report.results.undisturbed, len(report.results.of)
    median, longest = results.seconds
    shares = (
        f"{_share(results.exact, len(results.of))} exact, {_share(results.grounded, len(results.of))} grounded, "
        f"{results.surely_wrong} wrong though sure, {results.abstained} abstained"
    )
    took = f"An explanation took {median * 1000:.0f} ms (the longest {longest * 1000:.0f} ms)."
    disturbed = all_of_them - len(results.of)
    beside = f" {disturbed} were disturbed by a busy machine, and are not counted." if disturbed else ""
    return f"{all_of_them} scenarios in {report.seconds / 60:.1f} minutes: {shares}. {took}{beside}"


def _kinds(report: Report) -> list[list[str]]:
    rows = [["", *_HEAD]]
    for kind, what in _KINDS.items():
        rows.append([what, *_cells(report.results.undisturbed, lambda scenario, kind=kind: scenario.kind == kind)])  # type: ignore[misc]
    later = report.results.undisturbed.where(lambda scenario: scenario.rule_after)
    if later.of:
        rows.append(["With a rule written afterwards", *_cells(later, lambda _: True)])
    return [*rows, ["All", *_cells(report.results.undisturbed, lambda _: True)]]


def _codes(report: Report) -> list[list[str]]:
    rows = [["code", *_HEAD, "where"]]
    for code in (*CODES, None):
        own = report.results.undisturbed.where(lambda scenario, code=code: scenario.label.code == code)  # type: ignore[misc]  # bound now
        places = ", ".join(dict.fromkeys(each.scenario.place for each in own.of))
        if own.of:
            rows.append([code or _HEALTHY, *_cells(own, lambda _: True), places])
    return rows


_HEAD: Final = ("scenarios", "exact", "grounded", "wrong though sure", "abstained")


def _cells(results: Results, is_so: Callable[[Scenario], bool]) -> list[str]:
    own = results.where(is_so)
    counts = (len(own.of), own.exact, own.grounded, own.surely_wrong, own.abstained)
    return [str(count) for count in counts]


def _failures(report: Report) -> list[str]:
    wrong = [
        f"- **{each.scenario.name}** ({each.scenario.label.code or _HEALTHY}): {'; '.join(each.wrong)}. It said: {each.said}"
        for each in report.results.undisturbed.of
        if not each.is_right
    ]
    return wrong + [f"- {each.scenario.name}: {each.disturbed}" for each in report.results.of if each.disturbed]


def _share(count: int, of: int) -> str:
    return f"{100 * count / of:.1f} %" if of else "none"


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    head, *body = rows
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    yield from (f"| {' | '.join(row)} |" for row in body)


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
