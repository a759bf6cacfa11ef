"""When a run will have read all: by its speed of late, the limits that are left, and how far its speeds are apart."""

from __future__ import annotations

from typing import Any

import pytest

from apps.explain.facts import Limit, Surroundings
from tests.explain.stories import line, repository, told_run
from tests.explain.told import at


def _read(*told: tuple[float, int], repo_id: int = 1) -> list[Any]:
    return [line(seconds, "sync.repo.progress", repo_id=repo_id, prs_done=done) for seconds, done in told]


def _estimate(now: float, done: int, total: int, lines: list[Any], **more: Any) -> Any:
    rows = [repository(1, "running", prs_done=done, prs_total=total, alive_ns=at(now), **more.pop("row", {}))]
    return told_run(end=None, now=now, repositories=rows, lines=lines, **more).estimate


def test_without_lines_it_is_the_speed_so_far_and_no_error_is_told() -> None:
    """Nothing says how even it was."""
    found = _estimate(100.0, 50, 150, [])
    assert (found.per_minute, found.left, found.least, found.most) == (30.0, 200.0, 200.0, 200.0)
    assert found.sentence == "30 a minute so far; about 3 min 20 s left, if it goes on like that."
    assert found.ends_ns == at(300.0)


def test_speed_of_late_counts_more_than_that_of_long_ago() -> None:
    """An hour in which nothing was read is forgotten; an even speed has no error worth the name."""
    even = _read(*((3_600.0 + 10 * step, 10 * step) for step in range(61)))
    found = _estimate(4_200.0, 600, 1_200, even)
    assert found.is_recent
    assert found.per_minute == pytest.approx(60.0)
    assert (found.left, found.least, found.most) == pytest.approx((600.0, 600.0, 600.0), rel=0.06)


def test_an_uneven_speed_has_an_error() -> None:
    """From the fastest to the slowest piece of the last ten minutes, which counts as a quarter of the speed at least."""
    bursts = _read((0.0, 0), *((10.0 + step, 30 * (step + 1)) for step in range(10)))
    found = _estimate(300.0, 300, 600, bursts)
    assert (found.per_minute, found.left, found.least, found.most) == (60.0, 300.0, 100.0, 1200.0)
    assert found.sentence == "60 a minute of late; about 5 min left (1 min 40 s to 20 min)."


def test_what_several_repositories_read_is_one_speed() -> None:
    """Each counts for itself: they follow one another, or read beside one another."""
    lines = [*_read((0.0, 0), (50.0, 50)), *_read((0.0, 10), (90.0, 60), repo_id=2)]
    rows = [repository(number, "running", prs_done=50, prs_total=100, alive_ns=at(100)) for number in (1, 2)]
    found = told_run(end=None, now=100.0, repositories=rows, lines=lines).estimate
    assert found is not None
    assert found.per_minute == 60.0


def test_a_limit_that_will_be_used_up_is_waited_for() -> None:
    """At two points each, the last 50 need 100, and 40 are left: they are used up in 40 s, and there again in 160 s."""
    around = Surroundings(limits={"github.test/ada": Limit(limit=5_000, remaining=40, resets_ns=at(300.0))}, is_known=True)
    found = _estimate(100.0, 50, 100, [], around=around, row={"points": 100})
    assert (found.left, found.limited, found.resets_ns) == (260.0, 160.0, at(300.0))
    assert found.sentence == (
        "30 a minute so far; about 4 min 20 s left, if it goes on like that, "
        "2 min 40 s of it for the limit, which resets at 00:05:00Z."
    )
    plenty = Surroundings(limits={"github.test/ada": Limit(limit=5_000, remaining=400, resets_ns=at(300.0))}, is_known=True)
    assert _estimate(100.0, 50, 100, [], around=plenty, row={"points": 100}).limited == 0.0


@pytest.mark.parametrize(
    ("done", "total", "known"),
    [(0, 100, {}), (50, None, {}), (50, 100, {"is_resumed": True})],
)
def test_where_nothing_tells_the_speed_nothing_is_said(done: int, total: int, known: dict[str, Any]) -> None:
    """Before the first page, while a size is not known, and of what another run had read."""
    assert _estimate(100.0, done, total, [], **known) is None


def test_a_run_that_has_read_all_has_no_estimate() -> None:
    """It may be at work in a phase."""
    assert told_run(end=None, now=100.0, repositories=[repository(1)]).estimate is None
    assert told_run(end=50.0, repositories=[repository(1)]).estimate is None
