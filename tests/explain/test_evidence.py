"""How long a run took is for its row to say; without one, for its root span, or for what there is of its trace."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from apps.explain.evidence import reserved_roots, time_in, time_of
from apps.integrations.models import PipelineRun
from apps.utils import clock
from telemetry.reading import Memory
from tests.explain.told import BEGAN, BEGAN_NS, ROOT_ID, attempt, call, root, seconds
from tests.integrations.histories import repository

_TRACE = "e" * 32


@pytest.fixture
def run(db: None) -> PipelineRun:
    """A run that goes on since `BEGAN`."""
    return PipelineRun.objects.create(
        team=repository().team,
        kind="recent",
        phase="syncing",
        traceparent=f"00-{_TRACE}-{ROOT_ID}-01",
        started_ns=BEGAN_NS,
        started_at=BEGAN,
    )


def test_a_run_that_has_ended_lasted_as_its_row_says(run: PipelineRun) -> None:
    """Its root span lasts a little longer: until the task that ended it has."""
    run.ended_at = BEGAN + timedelta(seconds=8)
    source = Memory([root(8.3), *attempt(0.0, 8.3, call(0.0, 6.0))])
    assert seconds(time_of([run], source)) == {"github_answering": 6.0, "our_own_work": 2.0}


def test_a_run_that_goes_on_lasts_until_now(run: PipelineRun) -> None:
    """Of other traces nothing counts."""
    others = [replace(span, trace_id="d" * 32) for span in attempt(1.0, 30.0)]
    source = Memory([*attempt(0.0, 3.0, outcome="retrying", has={"retry.countdown": 60.0}), *others])
    with clock.using(clock.SteppedClock(BEGAN + timedelta(seconds=20))):
        assert seconds(time_of([run], source)) == {"our_own_work": 3.0, "back_off": 17.0}
    assert reserved_roots([run]) == {ROOT_ID}


def test_a_trace_without_a_row_lasts_as_its_root_says() -> None:
    """Files that somebody sent: the root's own duration goes before the span's; without a root, what there is counts."""
    spans = attempt(0.0, 8.0, call(0.0, 6.0))
    counted = replace(root(8.3), attributes={"run_id": 1, "duration_sec": 8.0})
    assert seconds(time_in([counted, *spans])) == {"github_answering": 6.0, "our_own_work": 2.0}
    assert seconds(time_in([root(8.0), *spans])) == {"github_answering": 6.0, "our_own_work": 2.0}
    assert seconds(time_in(spans)) == {"github_answering": 6.0, "our_own_work": 2.0}
    assert seconds(time_in([])) == {}
