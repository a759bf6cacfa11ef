"""A row records each flaw once, and no more than it can hold."""

from __future__ import annotations

from apps.integrations.github.nodes import Flaw
from apps.integrations.services.gaps import Gap, hides_pull_requests, new_flaws, without_pull_requests

ODD = Flaw(pull_request=7, field="additions", reason="number")
HIDDEN = Flaw(pull_request=None, field="pullRequests", reason="hidden", cursor="c2")
SHORT: Gap = {"pull_request": 7, "list": "files", "stored": 1, "total": 2}


def test_a_flaw_is_recorded_once() -> None:
    """However often its page is read."""
    first = new_flaws([ODD, HIDDEN, ODD], known=[SHORT])
    assert first == [
        {"pull_request": 7, "field": "additions", "reason": "number"},
        {"pull_request": None, "field": "pullRequests", "reason": "hidden", "cursor": "c2"},
    ]
    assert new_flaws([HIDDEN, ODD], known=[SHORT, *first]) == []


def test_a_row_holds_a_thousand() -> None:
    """A server of which every value is odd does not fill it."""
    flaws = [Flaw(pull_request=number, field="additions", reason="number") for number in range(1_500)]
    gaps = new_flaws(flaws, known=[SHORT])
    assert len(gaps) == 999
    assert new_flaws([HIDDEN], known=[SHORT, *gaps]) == []


def test_whole_pull_requests_are_told_from_hidden_values() -> None:
    """Those alone are missing in the count."""
    value: Gap = {"pull_request": 7, "field": "headRepository", "reason": "hidden"}
    whole = new_flaws([HIDDEN], known=[])
    assert (hides_pull_requests([value, SHORT]), hides_pull_requests([value, *whole])) == (False, True)
    assert without_pull_requests([value, *whole, SHORT]) == [value, SHORT]
