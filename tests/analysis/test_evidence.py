"""What an analysis has stored is read as it was found: which tool, where, and the words."""

from __future__ import annotations

import pytest

from apps.analysis.evidence import Evidence, evidence_in


@pytest.mark.parametrize(
    ("line", "evidence"),
    [
        ("Claude Code: account claude[bot]", Evidence("Claude Code", "opened by the account", "claude[bot]")),
        (
            "Cursor: description: Made with: Cursor",
            Evidence("Cursor", "in its description", "Made with: Cursor"),
        ),
        (
            "aider: commit c1 Co-authored-by: aider",
            Evidence("aider", "in the message or the author of commit", "c1 Co-authored-by: aider"),
        ),
        ("aider: branch aider/fix", Evidence("", "", "aider: branch aider/fix")),
        ("by hand", Evidence("", "", "by hand")),
    ],
)
def test_a_mark_is_taken_apart(line: str, evidence: Evidence) -> None:
    """One that nobody understands, as of a later version, is shown as it is."""
    assert evidence_in(line) == [evidence]


def test_marks_stay_in_their_order() -> None:
    """With nothing between them."""
    lines = ["Devin: account devin-ai-integration[bot]", "odd", "Amp: description: ampcode.com/threads/1"]
    assert [(each.tool, each.text) for each in evidence_in("\n".join(["", *lines, ""]))] == [
        ("Devin", "devin-ai-integration[bot]"),
        ("", "odd"),
        ("Amp", "ampcode.com/threads/1"),
    ]
    assert evidence_in("") == []
