"""Whatever spans there are, the parts of a run's time are never negative and sum to it, to the nanosecond."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.explain.decomposition import decompose
from telemetry.model import Outcome
from telemetry.reading import Span
from tests.explain.told import BEGAN_NS, ROOT_ID, SYNC

_NAMES = (
    SYNC,
    "run/apps.integrations.tasks.run_phase",
    "apply_async/apps.integrations.tasks.sync_repository",
    "sync.pipeline",
    "sync.repo",
    "sync.api.graphql",
    "sync.api.rest",
    "sync.api.rate_wait",
    "sync.db.write",
    "sync.queue.wait",
    "sync.backoff",
    "sync.parked",
    "sync.missing",
    "sync.lane.wait",
    "POST",
)
_HOUR = 3600
_moments = st.one_of(st.integers(-20, 120).map(lambda tenth: tenth * 10**8), st.integers(-_HOUR * 10**9, _HOUR * 10**9))
_ids = st.sampled_from([*(f"{number:016x}" for number in range(1, 13)), ROOT_ID])
_odd = st.one_of(st.none(), st.text(max_size=3), st.floats(), st.integers(-5, 5), st.booleans())
_attributes = st.fixed_dictionaries(
    {},
    optional={
        "repo_id": st.sampled_from([1, 2, 3]),
        "run_id": st.sampled_from([1, 2]),
        "full_name": st.sampled_from(["o/1", "o/2", "o/3"]),
        "sync.outcome": st.sampled_from([str(outcome) for outcome in Outcome]),
        "sync.queue.behind": st.sampled_from(["o/1", "o/2", "o/3", "else/where"]),
        "sync.queue.behind_run_id": st.sampled_from([1, 2]),
        "sync.queue.reason": st.sampled_from(["account", "limit", "start", "unknown"]),
        "sync.missing.reason": st.sampled_from(["lost", "silent", "unheard"]),
        "sync.rate_wait.reason": st.sampled_from(["primary", "secondary"]),
        "celery.attempt": st.one_of(st.integers(0, 4), _odd),
        "sync.attempt": st.one_of(st.integers(0, 4), _odd),
        "celery.queue.wait_ms": st.one_of(st.floats(0, 1e6), _odd),
        "messaging.message.id": st.sampled_from(["m1", "m2"]),
        "retry.countdown": st.one_of(st.floats(0, 300), _odd),
        "waiting.until": st.one_of(st.sampled_from(["2026-01-01T00:00:05Z", "2026-01-01T00:00:05", "0001-01-01"]), _odd),
    },
)


@st.composite
def _spans(draw: st.DrawFn) -> Span:
    """A span anywhere: before its parent, after it, ended before it began, below itself or below nothing."""
    attributes: dict[str, Any] = {key: value for key, value in draw(_attributes).items() if value is not None}
    return Span(
        name=draw(st.sampled_from(_NAMES)),
        trace_id="e" * 32,
        span_id=draw(_ids),
        parent_id=draw(st.one_of(st.none(), _ids, st.just("dead" * 4))),
        attributes=attributes,
        status=draw(st.sampled_from(["UNSET", "OK", "ERROR"])),
        status_message="",
        start_ns=BEGAN_NS + draw(_moments),
        end_ns=BEGAN_NS + draw(_moments),
        links=(),
        resource={},
    )


@settings(max_examples=200, deadline=None)
@given(
    spans=st.lists(_spans(), max_size=24),
    lasted=st.one_of(st.integers(0, 100).map(lambda tenth: tenth * 10**8), st.integers(0, _HOUR * 10**9)),
    is_running=st.booleans(),
)
def test_the_parts_of_any_trace_sum_to_its_duration(spans: list[Span], lasted: int, *, is_running: bool) -> None:
    """The path has no hole and no overlap; what nobody can be working on longer than the run lasts, nobody did."""
    time = decompose(spans, start_ns=BEGAN_NS, end_ns=BEGAN_NS + lasted, is_running=is_running, reserved=[ROOT_ID])
    assert min([*time.wall.values(), *time.over_workers.values()]) >= 0
    assert sum(time.wall.values()) == lasted
    assert all(stretch.duration_ns > 0 for stretch in time.path)
    assert all(one.end_ns == following.start_ns for one, following in pairwise(time.path))
    if lasted:
        assert (time.path[0].start_ns, time.path[-1].end_ns) == (BEGAN_NS, BEGAN_NS + lasted)


def test_a_trace_as_deep_as_it_is_long_is_decomposed() -> None:
    """No span is too deep, and a hundred thousand are no trouble."""
    deep = [
        Span(
            name="POST",
            trace_id="e" * 32,
            span_id=f"{number:016x}",
            parent_id=f"{number - 1:016x}" if number > 1 else ROOT_ID,
            attributes={},
            status="OK",
            status_message="",
            start_ns=BEGAN_NS + number,
            end_ns=BEGAN_NS + 200_000 - number,
            links=(),
            resource={},
        )
        for number in range(1, 3_000)
    ]
    time = decompose(deep, start_ns=BEGAN_NS, end_ns=BEGAN_NS + 200_000)
    assert sum(time.wall.values()) == 200_000
