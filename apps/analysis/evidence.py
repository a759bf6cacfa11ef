"""Parse the evidence that a pull request was AI-assisted, as stored by `assistance`. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Evidence:
    """A tool's mark: where it was found, and the text found there."""

    tool: str
    where: str
    text: str


_PLACES = {
    "account": "opened by the account",
    "description:": "in its description",
    "commit": "in the message or the author of commit",
}


def evidence_in(stored: str) -> list[Evidence]:
    """Return the marks of a stored analysis, in order; a line that is not understood is shown unchanged."""
    found = []
    for line in filter(None, stored.split("\n")):
        tool, _, mark = line.partition(": ")
        kind, _, text = mark.partition(" ")
        found.append(Evidence(tool, _PLACES[kind], text) if kind in _PLACES else Evidence("", "", line))
    return found
