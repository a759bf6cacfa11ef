"""What a command writes into a page of the documentation: tables, between two lines that stay."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def write_between(begin: str, end: str, text: str, *, document: Path) -> None:
    """Replace what stands between the lines `begin` and `end` of `document`, and nothing else."""
    before, begun, rest = document.read_text(encoding="utf-8").partition(begin)
    _, ended, after = rest.partition(end)
    if not begun or not ended:
        raise ValueError(f"{document} has lost the lines that its results stand between")
    document.write_text(f"{before}{begun}\n{text}\n{ended}{after}", encoding="utf-8")


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as a table of Markdown; the first is its head."""
    head, *body = rows
    return "\n".join([f"| {' | '.join(head)} |", "|---" * len(head) + "|", *(f"| {' | '.join(row)} |" for row in body)])
