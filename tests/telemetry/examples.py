"""Run the examples of one section of a page, as a reader would who types them in, one after the other.

    python -m tests.telemetry.examples docs/telemetry.md telemetry.model

A block marked `python` is run; one marked `pycon` is a session whose answers must come out as they are printed. In both,
`captrace` has what the entry has done so far.
"""

from __future__ import annotations

import doctest
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from telemetry.testing import capturing

_HEADING = re.compile(r"(#{2,3}) (.*)")
_NAME = re.compile(r"`([\w.]+)`")
_FENCE = re.compile(r"```(\w*)")


@dataclass(frozen=True, slots=True)
class Block:
    """An example: where it stands, what it is, and its text."""

    section: tuple[str, ...]
    entry: tuple[str, ...]
    line: int
    kind: str
    text: str


def entries_in(page: str) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Yield the names in each heading of an entry, after those of its section."""
    section: tuple[str, ...] = ()
    for level, title in _HEADING.findall(page):
        names = tuple(_NAME.findall(title))
        if level == "##":
            section = names
        else:
            yield section, names


def blocks_in(page: str) -> Iterator[Block]:
    """Yield the examples of a page."""
    section: tuple[str, ...] = ()
    entry: tuple[str, ...] = ()
    kind, start, text = "", 0, [""]
    for number, line in enumerate(page.splitlines(keepends=True), start=1):
        fence, heading = _FENCE.match(line), _HEADING.match(line)
        if kind and fence:
            yield Block(section, entry, start, kind, "".join(text))
            kind = ""
        elif kind:
            text.append(line)
        elif fence:
            kind, start, text = fence[1] or "text", number, []
        elif heading and heading[1] == "##":
            section, entry = tuple(_NAME.findall(heading[2])), ()
        elif heading:
            entry = tuple(_NAME.findall(heading[2]))


def run(path: Path, module: str) -> int:
    """Run the examples of a module's section, and return how many sessions came out otherwise."""
    blocks = [block for block in blocks_in(path.read_text()) if module in block.section]
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    with capturing() as captrace:
        entry, names = None, {}
        for block in blocks:
            if block.entry != entry:
                captrace.clear()
                entry, names = block.entry, {"__name__": "__main__", "captrace": captrace}
            if block.kind == "pycon":
                session = parser.get_doctest(block.text, names, f"{module} {block.entry}", str(path), block.line)
                runner.run(session, clear_globs=False)
                names = session.globs
            elif block.kind == "python":
                exec(compile("\n" * block.line + block.text, path, "exec", dont_inherit=True), names)  # noqa: S102  # our own page
    return runner.summarize(verbose=False).failed


if __name__ == "__main__":
    sys.exit(min(run(Path(sys.argv[1]), sys.argv[2]), 1))
