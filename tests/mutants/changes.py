"""The mistakes that can be planted in a module: small changes of its text, each of which still compiles."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.mutants import operators, texts
from tests.mutants.operators import Members

_TYPES_ALONE = ("annotation", "returns", "decorator_list", "type_comment", "bases", "type_params")


@dataclass(frozen=True, slots=True)
class Change:
    """A mistake: the characters from `start` to `end` of a module's text become `after`."""

    line: int
    start: int
    end: int
    before: str
    after: str

    def __str__(self) -> str:
        return f"{_short(self.before)}  ->  {_short(self.after)}"

    def made_in(self, text: str) -> str:
        """Return the module's text with the mistake in it."""
        return text[: self.start] + self.after + text[self.end :]


def changes_in(text: str) -> list[Change]:
    """Return every mistake that can be planted in a module, in the order of its lines."""
    tree = ast.parse(text)
    places = _Places(text)
    members = operators.members_in(tree)
    found = {change: None for node in _running(tree) for change in _of_node(node, places, members)}
    return sorted((each for each in found if _compiles(each.made_in(text))), key=lambda each: (each.start, each.after))


def name_at(line: int, text: str) -> str:
    """Return the name of what stands at a line of a module's text: a function, a class's method, or a variable."""
    names: list[str] = []
    body = ast.parse(text).body
    while True:
        inside = [each for each in body if each.lineno <= line <= (each.end_lineno or each.lineno)]
        if not inside:
            return ".".join(names)
        (statement,) = inside
        match statement:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                names.append(statement.name)
                body = statement.body if isinstance(statement, ast.ClassDef) else []
            case ast.Assign(targets=[target]) | ast.AnnAssign(target=target):
                return ".".join([*names, ast.unparse(target)])
            case _:
                return ".".join(names)


class _Places:
    """Where the nodes of a tree stand in the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts = [0]
        for line in text.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._lines = text.splitlines(keepends=True)

    def change(self, node: ast.AST, after: str) -> Iterator[Change]:
        """Yield the change that puts `after` in place of `node`, if it is known where that stands."""
        line, end_line = getattr(node, "lineno", None), getattr(node, "end_lineno", None)
        if line is None or end_line is None:
            return
        start = self._at(line, getattr(node, "col_offset", 0))
        end = self._at(end_line, getattr(node, "end_col_offset", 0))
        before = self.text[start:end]
        if before != after and _is_same(before, node):  # inside f-strings, Python 3.11 misplaces nodes
            yield Change(line, start, end, before, after)

    def inside(self, found: re.Match[str], offset: int, after: str) -> Change:
        """Return the change that puts `after` in place of what was found in a text `offset` characters into the file."""
        start = offset + found.start()
        return Change(self.text.count("\n", 0, start) + 1, start, offset + found.end(), found[0], after)

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Return where a node that is placed begins and ends."""
        start = self._at(getattr(node, "lineno", 1), getattr(node, "col_offset", 0))
        return start, self._at(getattr(node, "end_lineno", 1), getattr(node, "end_col_offset", 0))

    def _at(self, line: int, column: int) -> int:
        return self._starts[line - 1] + len(self._lines[line - 1].encode()[:column].decode(errors="ignore"))


def _running(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that do something when the program runs: no annotations, documentation or imports."""
    for name, value in ast.iter_fields(tree):
        if name in _TYPES_ALONE or isinstance(tree, ast.Import | ast.ImportFrom):
            continue
        if isinstance(tree, ast.ClassDef) and name == "keywords":
            continue
        for node in value if isinstance(value, list) else [value]:
            if isinstance(node, ast.AST) and not _is_idle(node):
                yield node
                yield from _running(node)


def _is_idle(node: ast.AST) -> bool:
    match node:
        case ast.Expr(value=ast.Constant()):  # documentation
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.Assign(targets=[ast.Name(id="__all__" | "__slots__")]):
            return True
        case ast.keyword(arg="strict"):  # of zip: that both are as long is not what is tested
            return True
        case ast.Raise():  # what an error says is read, not tested
            return True
    return False


def _of_node(node: ast.AST, places: _Places, members: Members) -> Iterator[Change]:
    for mutated in operators.mistaken(node, members):
        shown = ast.unparse(mutated)
        yield from places.change(node, f"({shown})" if isinstance(mutated, ast.expr) else shown)
    for condition, opposite in operators.negated(node):
        yield from places.change(condition, f"({ast.unparse(opposite)})")
    for statement in operators.forgotten(node):
        yield from places.change(statement, "pass")
    if isinstance(node, ast.With) and len(node.items) > 1:
        for item in node.items:
            if item.optional_vars is None:
                yield from places.change(item.context_expr, '__import__("contextlib").nullcontext()')
    if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        start, end = places.span(node)
        for found, after in texts.mistaken(places.text[start:end], is_formatted=isinstance(node, ast.JoinedStr)):
            yield places.inside(found, start, after)


def _is_same(text: str, node: ast.AST) -> bool:
    try:
        body = ast.parse(f"({text})" if isinstance(node, ast.expr) else f"def f():\n {text}").body[0]
    except SyntaxError:
        return isinstance(node, ast.stmt)  # several lines, which are indented here
    found = body.value if isinstance(body, ast.Expr) else body.body[0] if isinstance(body, ast.FunctionDef) else None
    return found is not None and ast.dump(found) == ast.dump(node)


def _compiles(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 90 else f"{line[:60]} … {line[-25:]}"
