"""The codes are those that were promised, each with what to do and a page."""

from __future__ import annotations

import re
from pathlib import Path

from apps.explain.codes import CODES, PAGE
from apps.explain.rules import RULES

_PROMISED = """
token_refused sso_required ip_not_allowed forbidden not_found primary_limit secondary_limit github_slow
github_errors github_unreachable answer_invalid incomplete_at_github worker_died no_worker queue_busy
lane_busy database_unavailable database_slow broker_unavailable time_limit misconfigured program_error
cancelled unknown
"""


def test_the_codes_are_those_that_were_promised() -> None:
    """Each once; each but `unknown` has a rule."""
    assert [code.name for code in CODES] == _PROMISED.split()
    assert {rule.code.name for rule in RULES} == {code.name for code in CODES} - {"unknown"}


def test_each_code_has_its_advice_and_its_place_on_the_page() -> None:
    """In the page's order; what follows by itself is said only of what heals by itself."""
    page = (Path(__file__).parents[2] / PAGE).read_text()
    assert re.findall(r"^## (\w+)$", page, re.MULTILINE) == [code.name for code in CODES]
    for code in CODES:
        assert code.advice.endswith("."), code.name
        assert set(re.findall(r"{(\w+)}", code.advice + code.by_itself)) <= {"command", "run"}, code.name
        assert code.page == f"docs/causes.md#{code.name}"
