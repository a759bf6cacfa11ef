"""The document has what came of the scenarios, by kind and by code, and nothing else of it is changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rca import document
from tests.rca.document import DOCUMENT, Report
from tests.rca.judging import Verdict
from tests.rca.results import Result, Results
from tests.rca.scenario import Label, Scenario, healthy

FAILED = Label(outcome="failed", code="forbidden", repositories=("synthetic/repo-1",))
REPORT = Report(
    results=Results(
        [
            Result(scenario=Scenario(name="first", place="lookup", label=FAILED), verdict=Verdict(), explained_in=0.1),
            Result(
                scenario=Scenario(name="second", place="phase 2", label=FAILED, rule_after=True),
                verdict=Verdict(wrong=("not_found, not forbidden",)),
                said="It is gone.",
                explained_in=0.3,
            ),
            Result(scenario=Scenario(name="third", place="lookup", kind="decoy", label=healthy()), verdict=Verdict()),
        ]
    ),
    seconds=90,
)


def test_the_results_stand_between_their_markers(tmp_path: Path) -> None:
    """Writing them twice is writing them once."""
    copy = tmp_path / "explain.md"
    copy.write_text(DOCUMENT.read_text(encoding="utf-8"), encoding="utf-8")
    document.write(REPORT, copy)
    once = copy.read_text(encoding="utf-8")
    document.write(REPORT, copy)
    assert copy.read_text(encoding="utf-8") == once
    assert "3 scenarios in 1.5 minutes: 66.7 % exact, 100.0 % grounded, 1 wrong though sure, 0 abstained." in once
    assert "| forbidden | 2 | 1 | 2 | 1 | 0 | lookup, phase 2 |" in once
    assert "| healthy | 1 | 1 | 1 | 0 | 0 | lookup |" in once
    assert "- **second** (forbidden): not_found, not forbidden. It said: It is gone." in once
    assert "| With a rule written afterwards | 1 | 0 | 1 | 1 | 0 |" in once


def test_a_document_without_markers_is_said(tmp_path: Path) -> None:
    """And nothing is written."""
    copy = tmp_path / "explain.md"
    copy.write_text("# Nothing\n", encoding="utf-8")
    with pytest.raises(ValueError, match="has lost the lines"):
        document.write(REPORT, copy)
    assert copy.read_text(encoding="utf-8") == "# Nothing\n"


def test_the_text_for_a_terminal_has_the_same_counts() -> None:
    """And names what is not right."""
    text = document.as_text(REPORT)
    assert "66.7 % exact" in text
    assert "- **second** (forbidden): not_found, not forbidden. It said: It is gone." in text
