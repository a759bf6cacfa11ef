"""A trace at a terminal: bars on the run's time axis, what decided its length marked, idle time left out."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from rich.cells import cell_len

from apps.console.terminal.colours import BAD, OF_PART, Pieces, plain
from apps.console.terminal.time_axis import Axis, axis_over
from apps.console.terminal.trace_tree import is_bad
from apps.console.terminal.waterfall import chosen, waterfall
from apps.explain.parts import Part
from telemetry.reading import Span, roots_of
from tests.explain.told import ROOT_ID, attempt, call, limit, root, told, wait, write

SECOND = 10**9


def flat(*parts: Span | Sequence[Span]) -> list[Span]:
    """Return spans that were told one by one or several at once."""
    return [one for each in parts for one in ([each] if isinstance(each, Span) else each)]


def drawn(spans: Sequence[Span], end: float, width: int = 80) -> list[Pieces]:
    """Return the waterfall of a run that took so long."""
    return list(waterfall(spans, told(*spans, end=end), width=width, reserved=[ROOT_ID]))


def test_each_line_has_its_bar_and_the_path_is_marked() -> None:
    """Work is solid, a wait dotted, what contains others a line; the root shows what the run's time went into."""
    first = attempt(0.0, 10.0, call(0.0, 8.0), write(8.0, 10.0))
    second = attempt(2.0, 4.0, call(2.0, 4.0), repo=2)
    queued = wait("sync.queue.wait", 0.0, 2.0, repo=2, has={"sync.queue.reason": "account"})
    lines = [plain(line) for line in drawn(flat(root(10.0), first, queued, second), 10.0)]
    assert lines == [
        "                                                     0                   10.00 s",
        "  10.00 s * sync.pipeline                            ███████████████████████████",
        "   2.00 s     sync.queue.wait  account               ░░░░░",
        "  10.00 s *   run/sync_repository  attempt 1         ───────────────────────────",
        "  10.00 s *     sync.repo  o/1                       ───────────────────────────",
        "   8.00 s *       sync.api.graphql                   ██████████████████████",
        "   2.00 s *       sync.db.write  pull_request                             ██████",
        "   2.00 s     run/sync_repository  attempt 1              ──────",
        "   2.00 s       sync.repo  o/2                            ──────",
        "   2.00 s         sync.api.graphql                        ██████",
        "* on the path that decided how long it took  █ work  ░ a wait  ─ contains others",
    ]


def test_what_failed_is_red_and_a_wait_has_the_colour_of_what_it_was_for() -> None:
    """Whatever contains it is not, unless it failed too."""
    inside = attempt(0.0, 10.0, limit(0.0, 6.0, "primary"), call(6.0, 10.0), outcome="failed")
    lines = {
        plain(line).split()[3]: {text.strip()[:1]: colour for text, colour in line} for line in drawn(inside, 10.0)[1:-1]
    }
    assert lines["sync.api.rate_wait"]["░"] == OF_PART[Part.PRIMARY_WAIT]
    assert lines["sync.api.graphql"]["█"] == OF_PART[Part.GITHUB_ANSWERING]
    assert lines["sync.repo"]["─"] == BAD
    assert [is_bad(span) for span in inside] == [True, True, False, False]


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_no_word_is_broken_and_nothing_is_wider_than_the_terminal(width: int) -> None:
    """But for a word that is longer than the terminal is wide."""
    name = "procrastinate-org/procrastinate"
    spans = flat(root(10.0), attempt(0.0, 10.0, call(0.0, 8.0), outcome="retrying", has={"full_name": name}))
    lines = [plain(line) for line in drawn(spans, 10.0, width)]
    assert all(cell_len(line) <= width for line in lines if name not in line)
    assert any(name in line for line in lines)


def test_idle_time_is_left_out_of_the_axis_and_said() -> None:
    """A limit that was waited for an hour does not squeeze the rest into a column."""
    spans = flat(
        root(3_620.0), attempt(0.0, 10.0, call(0.0, 10.0)), attempt(3_610.0, 3_620.0, call(3_610.0, 3_620.0), number=2)
    )
    lines = [plain(line) for line in drawn(spans, 3_620.0)]
    assert lines[-1] == "┊ nothing was at work for 60.0 min from 10.00 s on: left out of the axis"
    first, second = (line for line in lines if "graphql" in line)
    assert (first.count("█"), second.count("█")) == (13, 13)
    assert (first.index("┊"), second.index("┊")) == (66, 66)


def test_moments_stand_in_order_on_an_axis() -> None:
    """Also around what is left out, and outside of it."""
    axis = axis_over(0, 100 * SECOND, 41, [(0, 10 * SECOND), (90 * SECOND, 100 * SECOND)])
    assert [round(axis.column(at * SECOND)) for at in (-1, 0, 5, 10, 50, 90, 95, 100, 101)] == [
        0,
        0,
        10,
        20,
        20,
        21,
        31,
        41,
        41,
    ]
    assert axis.cells(-9 * SECOND, -5 * SECOND) == range(0)
    assert Axis(0, 0, 10).cells(0, 0) == range(1)


def test_only_what_leads_to_what_is_wanted_is_chosen() -> None:
    """With what is below it where that is asked for."""
    failed = attempt(0.0, 5.0, call(0.0, 5.0), outcome="failed")
    spans = flat(root(10.0), failed, attempt(5.0, 10.0, call(5.0, 10.0), repo=2))

    def kept(*, with_all_below: bool) -> list[str]:
        tops = chosen(roots_of(spans), is_bad, with_all_below=with_all_below)
        return [span.name.rpartition(".")[2] for top in tops for _, span in top.walk()]

    assert kept(with_all_below=False) == ["pipeline", "sync_repository", "repo"]
    assert kept(with_all_below=True) == ["pipeline", "sync_repository", "repo", "graphql"]
    assert chosen(roots_of(spans), lambda span: span.name == "none", with_all_below=True) == []
