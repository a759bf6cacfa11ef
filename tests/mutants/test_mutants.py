"""The mistakes that are planted are such as people make, and what became of them is kept and said truly."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.mutants.__main__ import main
from tests.mutants.changes import Change, changes_in, name_at
from tests.mutants.results import Results, equivalents
from tests.mutants.rooms import CHECKOUT, core_modules, room_of
from tests.mutants.trying import Seen

MODULE = "apps/integrations/lane/limits.py"


def _made(text: str) -> set[str]:
    """What may stand in place of a text, as a whole."""
    return {change.made_in(text) for change in changes_in(text)}


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        ("x = a < b", {"x = (a <= b)", "x = (a >= b)"}),
        ("x = a is None", {"x = (a is not None)"}),
        ("x = a + b", {"x = (a - b)"}),
        ("x = a and b", {"x = (a or b)", "x = (a)", "x = (b)"}),
        ("x = not a", {"x = (a)"}),
        ("x = True", {"x = (False)"}),
        ("x = 5", {"x = (6)"}),
        ("x = 2_000", {"x = (2001)", "x = (2)"}),
        ("x = 1.5", {"x = (1500.0)"}),
        ("x = max(a)", {"x = (min(a))"}),
        ("x = timedelta(seconds=a)", {"x = (timedelta(milliseconds=a))"}),
        ("x.clear()", {"pass"}),
        ("x = y.filter(a=a, b=b)", {"x = (y.filter(a=a))", "x = (y.filter(b=b))"}),
        ("x = a if b else c", {"x = (a if not b else c)"}),
        ("def f():\n    return x", {"def f():\n    return None"}),
        (
            "with a(), b() as c:\n    d = c",
            {'with __import__("contextlib").nullcontext(), b() as c:\n    d = c'},
        ),
        (
            's = "SELECT FROM t WHERE a = 1 AND b = 2"',
            {'s = "SELECT FROM t WHERE true AND b = 2"', 's = "SELECT FROM t WHERE a = 1"'},
        ),
        ("żółw = 'ż' if a else 1  # ż", {"żółw = ('ż' if not a else 1)  # ż", "żółw = 'ż' if a else (2)  # ż"}),
    ],
)
def test_a_mistake_is_one_that_somebody_could_make(text: str, mistakes: set[str]) -> None:
    """A boundary, a condition, a unit, a filter, a call that is not made, a condition of SQL."""
    assert _made(text) == mistakes


@pytest.mark.parametrize(
    "text",
    [
        '"""Say 5 < 6."""',
        "from a import b",
        "x: Literal[5]",
        "def f(a: Literal[5]) -> Literal[6]:\n    pass",
        "raise ValueError(5)",
        "if TYPE_CHECKING:\n    x = 5",
    ],
)
def test_nothing_is_planted_where_nothing_runs(text: str) -> None:
    """In documentation, types, imports and the words of an error."""
    assert _made(text) == set()


def test_every_mistake_in_a_core_module_can_be_read_by_python() -> None:
    """Each differs from what was there, and each room has its tests."""
    assert len(core_modules()) > 60
    for module in core_modules():
        assert all((CHECKOUT / name).exists() for name in room_of(module))
    text = (CHECKOUT / MODULE).read_text()
    found = changes_in(text)
    assert len(found) > 50
    assert len({change.made_in(text) for change in found} | {text}) == len(found) + 1
    for change in found:
        ast.parse(change.made_in(text))


def test_tests_are_those_that_come_by_the_quickest_first() -> None:
    """Of a constant those that come by its name; where nobody is seen, all that come by the module, or the room."""
    text = "LIMIT = 5\n\ndef f():\n    return 1\n    return LIMIT\n"
    seen = Seen({4: ["slow", "quick"], 5: ["other"]}, {"slow": 2.0, "quick": 0.1, "other": 1.0})
    assert seen.chosen_for(Change(4, 0, 1, "a", "b"), text, room=["room"]) == ["quick", "slow"]
    assert seen.chosen_for(Change(4, 0, 1, "a\na", "b"), text, room=["room"]) == ["quick", "other", "slow"]
    assert seen.chosen_for(Change(1, 0, 1, "a", "b"), text, room=["room"]) == ["other"]
    assert seen.chosen_for(Change(3, 0, 1, "a", "b"), text, room=["room"]) == ["quick", "other", "slow"]
    cached = "@cache\ndef once():\n    return 1\n\ndef f():\n    return once()\n"
    seen = Seen({3: ["first"], 6: ["first", "second"]}, {})
    assert seen.chosen_for(Change(3, 0, 1, "a", "b"), cached, room=["room"]) == ["first", "second"]
    assert Seen({}, {}).chosen_for(Change(4, 0, 1, "a", "b"), text, room=["room"]) == ["room"]


def test_a_run_that_was_stopped_goes_on(tmp_path: Path) -> None:
    """What is known is not tried again."""
    caught, survived, unknown = changes_in((CHECKOUT / MODULE).read_text())[:3]
    path = tmp_path / "var" / "results.jsonl"
    kept = Results(path)
    kept.keep(MODULE, caught, caught=True)
    kept.keep(MODULE, survived, caught=False)
    for results in (kept, Results(path)):
        assert [results.known(MODULE, change) for change in (caught, survived, unknown)] == [True, False, None]


def test_what_is_named_equivalent_is_there_and_has_a_reason() -> None:
    """A module that has changed may have lost what was named of it."""
    for each in equivalents():
        assert each.reason
        found = changes_in((CHECKOUT / each.module).read_text())
        assert [change for change in found if each.is_of(each.module, change)], each


def test_a_mistake_is_told_by_the_name_of_where_it_is() -> None:
    """So that what is named equivalent stays so when lines move."""
    text = "A = 1\nclass B:\n    c: int = 2\n    def d(self):\n        return 3\nif A:\n    pass\n"
    assert [name_at(line, text) for line in (1, 3, 5, 7)] == ["A", "B.c", "B.d", ""]


def test_a_sample_is_the_same_for_a_seed(capsys: pytest.CaptureFixture[str]) -> None:
    """And another one for another seed."""
    said = []
    for seed in ("1", "1", "2"):
        assert main(["--list", "--sample", "5", "--seed", seed, MODULE]) == 0
        said.append(capsys.readouterr().out.splitlines())
    assert said[0] == said[1] != said[2]
    assert [len(lines) for lines in said] == [5, 5, 5]
    with pytest.raises(SystemExit, match="no core module at apps/nothing"):
        main(["--list", "apps/nothing"])
