"""The mistakes that can be planted in a module: small changes of its text, each of which still compiles."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass

_COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Pow: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
_CALLED = {"min": "max", "max": "min", "all": "any", "any": "all", "seconds": "milliseconds", "milliseconds": "seconds"}
_QUERIES = frozenset({"filter", "exclude", "get", "get_or_create", "update", "Q"})
_UNIT = 1000
_SQL_CONDITION = re.compile(
    r"""\s+(?:AND|WHERE)\s+(?:(?!\s+(?:AND|OR|THEN|GROUP|ORDER|RETURNING|HAVING)\b)[^\n"'{}]|\{[^{}]*\})+"""
)
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
    found = {change: None for node in _running(tree) for change in _of_node(node, places)}
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
        case ast.Raise():  # what an error says is read, not tested
            return True
    return False


def _of_node(node: ast.AST, places: _Places) -> Iterator[Change]:
    for mutated in _mutated(node):
        shown = ast.unparse(mutated)
        yield from places.change(node, f"({shown})" if isinstance(mutated, ast.expr) else shown)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield from places.change(node, "pass")
    if isinstance(node, ast.With) and len(node.items) > 1:
        for item in node.items:
            if item.optional_vars is None:
                yield from places.change(item.context_expr, '__import__("contextlib").nullcontext()')
    if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        yield from _of_sql(node, places)


def _mutated(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what may stand in the node's place."""
    yield from _other_constants(node) if isinstance(node, ast.Constant) else _other_operators(node)
    match node:
        case ast.IfExp(test=test):
            yield _with(node, test=ast.UnaryOp(ast.Not(), test))
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield ast.Return(ast.Constant(None))
        case ast.Call():
            yield from _mutated_call(node)


def _other_constants(node: ast.Constant) -> Iterator[ast.AST]:
    """Yield the next number, and what would be right in another unit."""
    match node.value:
        case bool() as value:
            yield ast.Constant(not value)
        case int() as value:
            yield ast.Constant(value + 1)
            if value >= _UNIT:
                yield ast.Constant(value // _UNIT)
        case float() as value:
            yield ast.Constant(value * _UNIT)


def _other_operators(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(ops=[operator]):
            for other in _COMPARED[type(operator)]:
                yield _with(node, ops=[other()])
        case ast.BinOp(op=operator) if type(operator) in _COMPUTED:
            yield _with(node, op=_COMPUTED[type(operator)]())
        case ast.BoolOp(op=operator, values=values):
            yield _with(node, op=ast.Or() if isinstance(operator, ast.And) else ast.And())
            for number in range(len(values)):
                rest = values[:number] + values[number + 1 :]
                yield rest[0] if len(rest) == 1 else _with(node, values=rest)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand


def _mutated_call(node: ast.Call) -> Iterator[ast.AST]:
    match node.func:
        case ast.Name(id=name) if name in _CALLED:
            yield _with(node, func=ast.Name(_CALLED[name], ast.Load()))
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    for number, keyword in enumerate(node.keywords):
        if name == "timedelta" and keyword.arg in _CALLED:
            others = [
                *node.keywords[:number],
                ast.keyword(_CALLED[keyword.arg], keyword.value),
                *node.keywords[number + 1 :],
            ]
            yield _with(node, keywords=others)
        elif name in _QUERIES and len(node.keywords) + len(node.args) > 1:
            yield _with(node, keywords=node.keywords[:number] + node.keywords[number + 1 :])


def _of_sql(node: ast.AST, places: _Places) -> Iterator[Change]:
    """Yield the statement without one of its conditions."""
    start, end = places.span(node)
    text = places.text[start:end]
    if not re.search(r"\b(SELECT|UPDATE|DELETE|INSERT|MERGE)\b", text) or isinstance(node, ast.FormattedValue):
        return
    for found in _SQL_CONDITION.finditer(text):
        yield places.inside(found, start, " WHERE true" if found[0].lstrip().startswith("WHERE") else "")


def _with(node: ast.AST, **changed: object) -> ast.AST:
    """Return a copy of a node with other fields."""
    made = copy.copy(node)
    for name, value in changed.items():
        setattr(made, name, value)
    return made


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
