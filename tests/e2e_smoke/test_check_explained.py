"""The check of what Jaeger alone explains passes what is the same, and reports what is not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e_smoke.check_explained import alike

EXPLAINED: dict[str, Any] = {
    "run": 7,
    "outcome": "partial",
    "causes": [
        {"code": "not_found", "repositories": ["a/b", "a/c"], "chain": [{"says": "404", "span_id": "call"}]},
        {"code": "github_slow", "repositories": [], "chain": []},
    ],
    "time": {"wall_sec": 10.0, "parts": {"github_answering": 9.0, "database": 1.0}},
}
HEALTHY = {**EXPLAINED, "outcome": "completed", "causes": []}


def test_what_is_the_same_is_passed_over_in_silence() -> None:
    """A healthy run too, and one that ended a moment later by its rows."""
    assert list(alike(EXPLAINED, EXPLAINED, span_ids={"call"})) == []
    assert list(alike({**HEALTHY, "time": {"wall_sec": 10.09, "parts": {}}}, HEALTHY, span_ids=())) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"run": 8}, "run: 8 by Jaeger, 7 here"),
        ({"outcome": "failed"}, "outcome: 'failed' by Jaeger, 'partial' here"),
        ({"causes": []}, "the cause: None by Jaeger, ('not_found', ['a/b', 'a/c']) here"),
        ({"causes": EXPLAINED["causes"][1:]}, "the cause: ('github_slow', []) by Jaeger"),
        ({"causes": [{**EXPLAINED["causes"][0], "repositories": ["a/b"]}]}, "the cause: ('not_found', ['a/b']) by Jaeger"),
        ({"causes": [{**EXPLAINED["causes"][0], "chain": []}]}, "nothing proves the cause"),
        ({"causes": [{**EXPLAINED["causes"][0], "chain": [{"says": "x", "span_id": "no"}]}]}, "a proof is not in Jaeger"),
        ({"time": {"wall_sec": 11.0, "parts": {"database": 11.0}}}, "11.0 s by Jaeger, 10.0 s here"),
        ({"time": {"wall_sec": 10.0, "parts": {"database": 5.0}}}, "the parts of 10.0 s sum to 5.0 s"),
    ],
)
def test_what_differs_is_said(change: dict[str, Any], said: str) -> None:
    """What the run is, how it ended, why, how long it took, and proofs that are not there."""
    problems = list(alike(EXPLAINED, {**EXPLAINED, **change}, span_ids={"call"}))
    assert any(problem.startswith(said) for problem in problems), problems
