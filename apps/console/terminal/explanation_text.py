"""Lay out an explanation as one screen: cause, what to do, proof, where time and points went, what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from apps.console.terminal.fitting import wrapped
from apps.console.terminal.time_table import time_lines
from apps.explain.explanation import Explanation
from apps.explain.findings import Finding
from apps.explain.moments import count_of, length_of

_MOST = 3
"""How many repositories, queries and runs are named; more are counted."""
_HANG = 2


def explanation_lines(explanation: Explanation, *, width: int | None) -> Iterator[str]:
    """Yield an explanation line by line, no wider than `width` if words allow."""
    for line, hang in _lines(explanation, width):
        yield from wrapped(line, width, hang=hang)


def _lines(explanation: Explanation, width: int | None) -> Iterator[tuple[str, int]]:
    """Yield each line with the indentation of its continuation."""
    yield explanation.sentence, 0
    if explanation.causes:
        yield "", 0
        decisive = explanation.causes[0]
        yield f"cause     {decisive.code.name}{' (inferred)' if decisive.is_inferred else ''}, see {decisive.code.page}", 10
        yield f"to do     {explanation.advice}", 10
        for number, step in enumerate(decisive.chain):
            yield f"{'proof' if number == 0 else '':10}{step.says}  ({step.proof})", 12
        for finding in explanation.causes[1 : _MOST + 1]:
            yield f"also      {finding.code.name}: {_of_also(finding)}", 10
    yield "", 0
    for line in time_lines(explanation.time, width=width):
        yield line, _HANG
    yield from _points(explanation.points)
    yield from _unusual(explanation)
    if explanation.also_affected:
        yield f"also hit  {_named(explanation.also_affected)}, within the hour", 10
    for number, what in enumerate(explanation.missing):
        yield f"{'missing' if number == 0 else '':10}{what}", 10


def _of_also(finding: Finding) -> str:
    lost = f", {length_of(finding.seconds)} in all" if finding.seconds and str(finding.sentence).count(" lost") == 0 else ""
    return f"{finding.sentence}{lost}"


def _points(points: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    if not points["requests"]:
        return
    in_all = f"{count_of(points['points'], 'point')}, {count_of(points['requests'], 'request')}"
    yield f"points    {in_all}: {_shares(points['by_query'])}", 10
    if len(points["by_repository"]) > 1:
        yield f"          {_shares(points['by_repository'])}", 10


def _shares(sums: Mapping[str, Mapping[str, int]]) -> str:
    named = [
        f"{name} {one['points']:,} in {count_of(one['requests'], 'request')}" for name, one in list(sums.items())[:_MOST]
    ]
    more = f", and {len(sums) - _MOST} more" if len(sums) > _MOST else ""
    return ", ".join(named) + more


def _unusual(explanation: Explanation) -> Iterator[tuple[str, int]]:
    if explanation.facts.is_running:
        return
    if not explanation.compared_with:
        yield "unusual   nothing to compare with: no earlier run of the same repositories and window", 10
        return
    with_runs = f"beside {count_of(len(explanation.compared_with), 'earlier run')}"
    if not explanation.unusual:
        yield f"unusual   nothing, {with_runs}", 10
        return
    for number, one in enumerate(explanation.unusual):
        explains = "" if one.explains_sec is None else f", which explains {length_of(abs(one.explains_sec))}"
        usual = f"usually {one.median:,.4g} ± {one.spread:,.2g}" if one.median or one.spread else with_runs
        yield f"{'unusual' if number == 0 else '':10}{one.what}: {one.now:,.4g}, {usual}{explains}", 10


def _named(affected: Sequence[Mapping[str, Any]]) -> str:
    named = [f"{one['repository']} of {one['team'] or '?'} (run {one['run']})" for one in affected[:_MOST]]
    more = f", and {len(affected) - _MOST} more" if len(affected) > _MOST else ""
    return ", ".join(named) + more
