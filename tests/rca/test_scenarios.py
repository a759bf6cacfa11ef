"""The scenarios are as many and as different as a proof needs, and the fast ones are played and told right."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from tests.rca.groups import GROUPS
from tests.rca.playing import play_group
from tests.rca.proofs import proofs_of
from tests.rca.results import result_of
from tests.rca.scenario import CODES, REPOSITORIES
from tests.rca.scenarios import SCENARIOS


def test_each_code_has_at_least_three_scenarios_in_different_places() -> None:
    """Those of which two faults were injected, and one decides, do not count for that."""
    places = defaultdict(set)
    counts = Counter(each.label.code for each in SCENARIOS)
    for each in SCENARIOS:
        places[each.label.code].add(each.place)
    assert {code: counts[code] for code in CODES if counts[code] < 3} == {}
    assert {code: places[code] for code in CODES if len(places[code]) < 3} == {}


def test_there_are_enough_of_each_kind() -> None:
    """Many single faults, thirty pairs, twenty that are slow and healthy, fifteen decoys."""
    counts = Counter(each.kind for each in SCENARIOS)
    assert (counts["one"] >= 120, counts["two"] >= 30, counts["slow"] >= 20, counts["decoy"] >= 15) == (True,) * 4


def test_names_are_unique_and_groups_and_labels_fit() -> None:
    """A name makes a team's slug; a label names repositories of its own run, and a healthy one none."""
    assert len({each.slug for each in SCENARIOS}) == len(SCENARIOS)
    held = {*REPOSITORIES, "synthetic/gone", "synthetic/lost"}
    for each in SCENARIOS:
        assert each.group in GROUPS, each.name
        assert set(each.label.repositories) <= set(each.repositories) <= held, each.name
        assert bool(each.label.repositories) is (each.label.code is not None), each.name
        assert (each.kind in ("slow", "decoy")) is (each.label.code is None), each.name
        assert each.group == "patient" or not each.is_fast, each.name


def test_what_is_done_midway_has_the_time_to_come() -> None:
    """A sync that is answered at once may be over before anybody has looked at it."""
    midway = [each for each in SCENARIOS if any(act.when.endswith(("asks", "begins", "read some")) for act in each.acts)]
    hasty = [each.name for each in midway if not each.pace_ms and all(rule["fault"] != "delay" for rule in each.github)]
    assert midway
    assert hasty == []


def test_each_code_but_unknown_can_be_proven() -> None:
    """By a span, a line or a row."""
    assert [code for code in CODES if not proofs_of(code)] == ["unknown"]


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    "outcomes",
    [{"failed", "cancelled"}, {"completed", "partial", "waiting"}],
    ids=["that end early", "that go on"],
)
@pytest.mark.slow
def test_the_fast_ones_are_what_they_claim_and_are_told_right(
    outcomes: set[str], unexplained_environment: dict[str, str], tmp_path: Path
) -> None:
    """On a real worker, side by side: outcome, decisive cause and repositories, by a chain that exists."""
    fast = [each for each in SCENARIOS if each.is_fast and each.label.outcome in outcomes]
    told = play_group("patient", fast, tmp_path / "home", unexplained_environment, say=lambda _: None)
    assert len(told) == len(fast) > 5
    results = [result_of(each) for each in told]
    assert {each.scenario.name: each.problems for each in results if each.problems} == {}
    assert {each.scenario.name: each.wrong for each in results if not each.disturbed and not each.is_right} == {}
    assert len(results) == len(fast)
