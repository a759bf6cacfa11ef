"""The words of a module that nothing runs: to change them plants no mistake, and makes none impossible."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from itertools import accumulate


def without_words(text: str) -> str:
    """Return a module's text without its docstrings, comments and empty lines."""
    lines = text.split("\n")
    starts = [0, *accumulate(len(line) + 1 for line in lines)]
    for start, end in sorted([*_docstrings(text, starts), *_comments(text, starts)], reverse=True):
        text = text[:start] + text[end:]
    return "\n".join(line.rstrip() for line in text.split("\n") if line.strip())


def _comments(text: str, starts: list[int]) -> Iterator[tuple[int, int]]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            start = starts[token.start[0] - 1] + token.start[1]
            yield start, start + len(token.string)


def _docstrings(text: str, starts: list[int]) -> Iterator[tuple[int, int]]:
    """Yield where strings stand that are statements of their own, as an attribute's docstring is, too."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno or node.lineno] - 1
