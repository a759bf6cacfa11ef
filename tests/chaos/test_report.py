"""The plan deals every fault, what came of them is counted, and the document has that and nothing else changed."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from tests.chaos import document, plan
from tests.chaos.document import DOCUMENT, Report
from tests.chaos.faults import KINDS
from tests.chaos.oracles import ORACLES
from tests.chaos.places import MEANINGS, PLACES
from tests.chaos.tally import Round, Strike, Tally


def _report() -> Report:
    good = Round(syncs=8, strikes=[Strike("child", "write"), Strike("github down", "request")], problems={}, seconds=20)
    bad = Round(syncs=8, strikes=[Strike("child", "write")], problems={"rows": ["bakers: 1 reviews missing"]}, seconds=20)
    return Report(
        seed=7,
        tally=Tally([good, bad], Counter({"worker": 3})),
        again=Round(syncs=16, strikes=[], problems={"left": ["a lane"]}, seconds=1),
        seconds=60,
    )


def test_a_seed_is_one_plan() -> None:
    """Two seeds are two."""
    first, again, other = (list(islice(plan.faults(seed), 60)) for seed in (7, 7, 8))
    assert first == again
    assert first != other


def test_two_hundred_kills_meet_every_place_and_kind_a_dozen_times() -> None:
    """Every other fault has its turn too, for a while within its bounds."""
    dealt = []
    for fault in plan.faults(1):
        dealt.append(fault)
        if sum(KINDS[each.kind].is_kill for each in dealt) >= 200:
            break
    at = Counter(fault.place for fault in dealt if KINDS[fault.kind].is_kill)
    assert {place for place in PLACES if at[place] < 9} == set()
    assert all(at[place] >= 12 for place in ("request", "write", "analysis", "dispatch", "flush", "fork"))
    assert {fault.kind for fault in dealt} == KINDS.keys()
    assert all(0.5 <= fault.seconds <= 4 for fault in dealt if not KINDS[fault.kind].is_kill)


def test_what_struck_is_counted_by_kind_and_place() -> None:
    """With how much of it was in rounds after which all was true; only kills are kills."""
    tally = _report().tally
    assert tally.kills == 2
    assert tally.counts() == {("child", "write"): 2, ("github down", "request"): 1}
    assert tally.healed() == {("child", "write"): 1, ("github down", "request"): 1}


def test_what_is_wrong_is_told_with_its_round() -> None:
    """Also what became wrong later."""
    states = {each.name: each.states for each in ORACLES}
    assert _report().wrong == [
        f"round 2: not true that {states['rows']}: bakers: 1 reviews missing",
        f"at the end: not true that {states['left']}: a lane",
    ]


def test_only_the_results_of_the_document_are_written(tmp_path: Path) -> None:
    """Writing the same again changes nothing, and every kind, place and oracle has its line."""
    copy = tmp_path / "reliability.md"
    copy.write_text(DOCUMENT.read_text())
    document.write(_report(), copy)
    written = copy.read_text()
    document.write(_report(), copy)
    assert copy.read_text() == written
    assert "| SIGKILL of a child of the worker |  | 1 of 2 |" in written
    assert "| rows are identical to those of an undisturbed run | 2 | 1 | 1 |" in written
    for text in (*(kind.what for kind in KINDS.values()), *MEANINGS.values(), *(each.states for each in ORACLES)):
        assert text in written
    before, _, after = DOCUMENT.read_text().partition("<!-- results")
    assert written.startswith(before)
    assert written.endswith(after.partition("<!-- end of results -->")[2])


def test_a_document_without_a_place_for_the_results_is_refused(tmp_path: Path) -> None:
    """They are not written anywhere else."""
    copy = tmp_path / "reliability.md"
    copy.write_text("# Reliability\n")
    with pytest.raises(ValueError, match="has lost the lines"):
        document.write(_report(), copy)


def test_the_terminal_shows_what_is_not_true() -> None:
    """After the table of faults and that of oracles."""
    text = document.as_text(_report())
    struck = "2 kills and 1 other faults struck 16 teams' syncs in 2 rounds, 1 minutes; seed 7."
    assert text.startswith(f"{struck} The worker ended by itself 3 times.\n")
    assert text.splitlines()[-1].startswith("- at the end: not true that no admission")
