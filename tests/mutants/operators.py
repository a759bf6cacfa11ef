"""What may stand in place of a piece of Python: the slips of somebody who knows what they are doing."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Mapping, Sequence

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
_FILTERS = frozenset({"filter", "exclude"})
_QUERIES = _FILTERS | {"get", "get_or_create", "update", "Q"}
_UNIT = 1000

Members = Mapping[str, Sequence[str]]
"""The constants that a module names of each class, by how it writes the class: `{"Run.State": ["FAILED", "RUNNING"]}`."""


def members_in(tree: ast.AST) -> Members:
    """Return the constants that a module names."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.isupper():
            found.setdefault(ast.unparse(node.value), set()).add(node.attr)
    return {of: sorted(names) for of, names in found.items()}


def mistaken(node: ast.AST, members: Members) -> Iterator[ast.AST]:
    """Yield what may stand in the node's place."""
    match node:
        case ast.Constant():
            yield from _constants(node)
        case ast.Compare() | ast.BinOp() | ast.BoolOp() | ast.UnaryOp():
            yield from _operators(node)
        case ast.Attribute() if node.attr.isupper() and len(names := members[ast.unparse(node.value)]) > 1:
            other = names[(names.index(node.attr) + 1) % len(names)]
            yield _with(node, attr=other)
        case ast.IfExp(test=test):
            yield _with(node, test=ast.UnaryOp(ast.Not(), test))
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield ast.Return(ast.Constant(None))
        case ast.List(elts=elements):
            for number in range(len(elements) - 1):
                if all(isinstance(each, ast.Call | ast.Name | ast.Attribute) for each in elements[number : number + 2]):
                    swapped = [elements[number + 1], elements[number]]
                    yield _with(node, elts=[*elements[:number], *swapped, *elements[number + 2 :]])
        case ast.Call():
            yield from _calls(node)


def negated(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield the plain conditions of a statement or comprehension, each with its opposite; others differ by operators."""
    match node:
        case ast.If(test=test) | ast.While(test=test):
            tests = [test]
        case ast.comprehension(ifs=found):
            tests = found
        case _:
            return
    for each in tests:
        if isinstance(each, ast.Name | ast.Attribute | ast.Call):
            yield each, ast.UnaryOp(ast.Not(), each)


def forgotten(node: ast.AST) -> Iterator[ast.stmt]:
    """Yield the statements that may be left out: calls, leaps, and changes of what lives on, but where an object is made."""
    match node:
        case ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Continue() | ast.Break():
            yield node
        case ast.FunctionDef(name=name) if name != "__init__":
            for each in ast.walk(node):
                if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Attribute | ast.Subscript):
                    yield each


def _constants(node: ast.Constant) -> Iterator[ast.AST]:
    """Yield the next number, and what would be right in another unit."""
    match node.value:
        case bool() as value:
            yield ast.Constant(not value)
        case int() as value:
            yield ast.Constant(value + 1)
            if value >= _UNIT:
                yield ast.Constant(value // _UNIT)
        case float() as value if value:
            yield ast.Constant(value * _UNIT)


def _operators(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(ops=[operator]):
            for other in _COMPARED[type(operator)]:
                yield _with(node, ops=[other()])
        case ast.BinOp(op=operator) if type(operator) in _COMPUTED and not _is_text_or_list(node):
            yield _with(node, op=_COMPUTED[type(operator)]())
        case ast.BoolOp(op=operator, values=values):
            yield _with(node, op=ast.Or() if isinstance(operator, ast.And) else ast.And())
            for number in range(len(values)):
                rest = values[:number] + values[number + 1 :]
                yield rest[0] if len(rest) == 1 else _with(node, values=rest)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand


def _is_text_or_list(node: ast.BinOp) -> bool:
    """Return whether what is computed is no number, so that another operator would be an error at once."""
    sides = (node.left, node.right)
    return any(
        isinstance(each, ast.JoinedStr | ast.List | ast.Tuple)
        or (isinstance(each, ast.Constant) and isinstance(each.value, str | bytes))
        or (isinstance(each, ast.BinOp) and _is_text_or_list(each))
        for each in sides
    )


def _calls(node: ast.Call) -> Iterator[ast.AST]:
    """Yield the call of what does the opposite, with another unit, or without one of its conditions or values."""
    match node.func:
        case ast.Name(id=name) if name in _CALLED:
            yield _with(node, func=ast.Name(_CALLED[name], ast.Load()))
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    for number, keyword in enumerate(node.keywords):
        rest = [*node.keywords[:number], *node.keywords[number + 1 :]]
        if name == "timedelta" and keyword.arg in _CALLED:
            yield _with(node, keywords=[*rest, ast.keyword(_CALLED[keyword.arg], keyword.value)])
        elif name in _FILTERS or (name in _QUERIES and len(node.keywords) + len(node.args) > 1):
            yield _with(node, keywords=rest)


def _with(node: ast.AST, **changed: object) -> ast.AST:
    """Return a copy of a node with other fields."""
    made = copy.copy(node)
    for name, value in changed.items():
        setattr(made, name, value)
    return made
