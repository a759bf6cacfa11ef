"""The mistakes that are planted are such as people make, and what became of them is kept and said truly."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.mutants.__main__ import main
from tests.mutants.changes import Change, changes_in, name_at
from tests.mutants.document import DOCUMENT, Tried, as_line, as_text, how_chosen, place, rows_of, write
from tests.mutants.results import Equivalent, Results, equivalents, what_runs
from tests.mutants.rooms import CHECKOUT, core_modules, files_with_tests, room_of
from tests.mutants.seen import Seen, SeenFiles
from tests.mutants.trying import Copy, StoppedError
from tests.mutants.wording import without_words

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
        ("x += y", {"pass"}),
        ("def f():\n    x.y = z", {"def f():\n    pass"}),
        ("def __init__(self):\n    self.y = z", set()),
        ("for x in y:\n    break", {"for x in y:\n    pass"}),
        ("if x.y:\n    z", {"if (not x.y):\n    z"}),
        ("x = [y for y in z if f(y)]", {"x = [y for y in z if (not f(y))]"}),
        ("x = [a(), b]", {"x = ([b, a()])"}),
        ("x = a + 'b'", set()),
        ("x = A.ONE, A.TWO", {"x = (A.TWO), A.TWO", "x = A.ONE, (A.ONE)"}),
        ("x = A.ONE", set()),
        ("x = y.filter(a=a)", {"x = (y.filter())"}),
        ("x = y.get(a=a)", set()),
        ("x = f'{y:032x}'", {"x = f'{y:x}'"}),
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
        ('s = "SELECT a WHERE a = %s"', {'s = "SELECT a WHERE (a = %s OR true)"'}),
        (
            's = "SELECT least(a, b) ORDER BY c DESC"',
            {'s = "SELECT greatest(a, b) ORDER BY c DESC"', 's = "SELECT least(a, b) ORDER BY c"'},
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
        "x = zip(a, b, strict=True)",
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


def test_tests_that_come_by_are_chosen_the_quickest_first_and_others_beside() -> None:
    """Slow ones are left out unless there are no others; a file, which is set up as a whole, only counts if it comes by."""
    seconds = {"b::other": 1.0, "b::slowest": 3.0, "b": 0.05, "a::slow": 2.0, "a::quick": 0.1}
    seen = Seen({2: ["a::slow", "a::quick"], 3: ["b", "b::other"], 4: ["b::slowest"]}, seconds)

    def chosen(line: int, before: str = "a", slowest: float = 5.0) -> tuple[list[str], list[str]]:
        coming_by, others = seen.chosen_for(Change(line, 0, 1, before, "b"), room=["room"], slowest=slowest)
        return list(coming_by), list(others)

    assert chosen(2) == (["a::quick", "a::slow"], ["b::other", "b::slowest"])
    assert chosen(3) == (["b", "b::other"], ["b::slowest", "a::slow", "a::quick"])
    assert chosen(2, "a\na") == (["b", "a::quick", "b::other", "a::slow"], ["b::slowest"])
    assert chosen(2, slowest=1.0) == (["a::quick"], ["b::other"])
    assert chosen(4, slowest=1.0) == (["b::slowest"], ["b::other", "a::quick"])
    assert chosen(2, slowest=0.01) == (["a::quick", "a::slow"], [])
    assert chosen(1, slowest=0.01) == ([], ["b::other", "b::slowest", "a::slow", "a::quick"])
    assert Seen({}, {}).chosen_for(Change(4, 0, 1, "a", "b"), room=["room"]) == ([], ["room"])


@pytest.mark.parametrize(
    ("coming_by", "others", "notices"),
    [
        ([1], [], True),
        ([0], [0], False),
        ([0], [1, 0], True),
        ([0], [1, 1], False),
        ([4, 0], [], True),
        ([4, 1], [], False),
        ([0], [4, 0], True),
    ],
)
def test_a_test_that_is_not_sure_to_tell_of_the_mistake_notices_only_what_it_does_not_say_anyway(
    coming_by: list[int], others: list[int], notices: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the mistake it fails, or its module cannot be imported, and without it passes.

    It may not have been seen to come by: what runs once, only the first test is seen at.
    """
    copy, answers = Copy(tmp_path), {"a::first": iter(coming_by), "b::knows": iter(others)}
    path = copy.checkout / MODULE
    path.parent.mkdir(parents=True)
    path.write_text((CHECKOUT / MODULE).read_text())
    monkeypatch.setattr(copy, "_pytest", lambda arguments, **_: next(answers[arguments[-1]]))
    change = changes_in(path.read_text())[0]
    seen = Seen({change.line: ["a::first"]}, {"a::first": 0.1, "b::knows": 0.1})
    assert copy.notices(MODULE, change, seen, slowest=5.0) is notices
    assert path.read_text() == (CHECKOUT / MODULE).read_text()


@pytest.mark.parametrize("code", [4, 5])
def test_tests_that_are_not_there_say_nothing(code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake is not caught because pytest does not find a test."""
    copy = Copy(tmp_path)
    monkeypatch.setattr(copy, "_pytest", lambda *_, **__: code)
    monkeypatch.setattr(copy, "said", lambda: "not found")
    (copy.checkout / MODULE).parent.mkdir(parents=True)
    (copy.checkout / MODULE).write_text((CHECKOUT / MODULE).read_text())
    change = changes_in((CHECKOUT / MODULE).read_text())[0]
    with pytest.raises(StoppedError, match="not found"):
        copy.notices(MODULE, change, Seen({}, {"a::gone": 0.1}), slowest=5.0)


def test_what_is_seen_of_a_test_file_is_kept_until_it_has_changed(tmp_path: Path) -> None:
    """Of a module's tests those are chosen that come by it and do not fail as they are."""
    looked: list[Sequence[str]] = []

    def look(files: Sequence[str], where: Path) -> None:
        looked.append(files)
        lines = {
            f"{file}::{test}": {of: [3]}
            for file in files
            for test, of in (("good", MODULE), ("bad", MODULE), ("other", "apps/pulls/store.py"))
        }
        failed = [test for test in lines if test.endswith("bad")]
        where.write_text(json.dumps({"lines": lines, "seconds": dict.fromkeys(lines, 0.5), "failed": failed}))

    files = files_with_tests(MODULE)
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    for module in core_modules():
        (tmp_path / module).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / module).write_text("")
    seen = [SeenFiles(tmp_path / "seen", tmp_path, look).of(MODULE) for _ in range(2)]
    assert seen[0].tests == seen[1].tests == {3: [f"{file}::good" for file in files]}
    (tmp_path / files[0]).write_text("changed")
    SeenFiles(tmp_path / "seen", tmp_path, look).of(MODULE)
    (tmp_path / "apps" / "analysis" / "metrics.py").write_text("changed, but nobody comes by")
    SeenFiles(tmp_path / "seen", tmp_path, look).of(MODULE)
    (tmp_path / MODULE).write_text("changed")
    SeenFiles(tmp_path / "seen", tmp_path, look).of(MODULE)
    (tmp_path / files[0]).with_name("conftest.py").write_text("changed")
    SeenFiles(tmp_path / "seen", tmp_path, look).of(MODULE)
    assert looked == [files, files[:1], files, files]


def test_a_run_that_was_stopped_goes_on(tmp_path: Path) -> None:
    """What is known is not tried again."""
    caught, survived, unknown = changes_in((CHECKOUT / MODULE).read_text())[:3]
    path = tmp_path / "var" / "results.jsonl"
    kept = Results(path)
    kept.keep(MODULE, caught, caught=True)
    kept.keep(MODULE, survived, caught=False)
    for results in (kept, Results(path)):
        assert [results.known(MODULE, change) for change in (caught, survived, unknown)] == [True, False, None]


@pytest.mark.slow
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
    told = [module for module, row in rows_of(chosen=how_chosen(12, 1)).items() if row.is_as_it_is]
    assert told
    assert main(["--list", "--changed", "--sample", "12", "--seed", "1", "apps/pulls", "apps/analysis"]) == 0
    assert not {line.partition(":")[0] for line in capsys.readouterr().out.splitlines()} & set(told)
    with pytest.raises(SystemExit, match="no core module at apps/nothing"):
        main(["--list", "apps/nothing"])


def test_only_the_results_of_the_page_are_written(tmp_path: Path) -> None:
    """A row for each module; what is named equivalent is not to be caught."""
    first, second, third = changes_in((CHECKOUT / MODULE).read_text())[:3]
    named = [Equivalent(MODULE, name_at(first.line, (CHECKOUT / MODULE).read_text()), str(first), "no difference")]
    tried = Tried(module=MODULE, possible=50, planted=11, survivors=[first, second], named=named)
    assert (tried.caught, tried.equivalent, tried.unnamed) == (9, 1, [second])
    assert third not in tried.survivors
    assert as_line(tried) == f"{MODULE}: 9 of 10 caught (90.0 %), 1 more are named equivalent"
    assert as_text([tried]).splitlines() == [
        "9 of 10 caught (90.0 %; the goal is over 90%)",
        "1 more are named equivalent",
        f"  survived  {place(MODULE, second)}: {second}",
    ]
    page = tmp_path / "page.md"
    page.write_text(DOCUMENT.read_text())
    write([tried], sample=11, seed=3, document=page)
    before, _, rest = DOCUMENT.read_text().partition("<!-- results")
    text = page.read_text()
    assert text.startswith(before)
    assert (
        "Up to 11 mistakes of each module, chosen by seed 3: 9 of 10 caught, 90.0 %, "
        f"in 1 of {len(core_modules())} core modules." in text
    )
    assert f"| `{MODULE}` | `{what_runs(MODULE)[:8]}` | 50 | 11 | 1 | 1 | 90.0 % |" in text.splitlines()
    assert rest.endswith(text.partition("<!-- end of results")[2])


def test_rows_of_other_modules_stay(tmp_path: Path) -> None:
    """Chosen in the same way, in the order of the rooms; one of older code is named, and tried again if that is asked."""
    other = "apps/analysis/rules.py"
    page = tmp_path / "page.md"
    page.write_text(DOCUMENT.read_text())
    write([Tried(module=MODULE, possible=50, planted=11, survivors=[])], sample=11, seed=3, document=page)
    page.write_text(page.read_text().replace(what_runs(MODULE)[:8], "01234567"))
    write([Tried(module=other, possible=3, planted=3, survivors=[])], sample=11, seed=3, document=page)
    lines = page.read_text().splitlines()
    assert [line for line in lines if line.startswith("| `")] == [
        f"| `{other}` | `{what_runs(other)[:8]}` | 3 | 3 | 0 | 0 | 100.0 % |",
        f"| `{MODULE}` | `01234567` | 50 | 11 | 0 | 0 | 100.0 % |",
    ]
    assert f"Changed since mistakes were planted in them: `{MODULE}`." in lines
    rows = rows_of(page, chosen=how_chosen(11, 3))
    assert {module: row.is_as_it_is for module, row in rows.items()} == {other: True, MODULE: False}
    write([Tried(module=other, possible=3, planted=2, survivors=[])], sample=2, seed=3, document=page)
    assert list(rows_of(page, chosen=how_chosen(2, 3))) == [other]


PROGRAM = """
import os
from datetime import UTC, datetime
from telemetry.timestamps import unix_nanoseconds
if os.fork() == 0:
    unix_nanoseconds(datetime.now(UTC))
    os.kill(os.getpid(), 9)
os.wait()
"""
TESTS = f"""
import pytest, subprocess, sys
def start():
    subprocess.run([sys.executable, "-c", {PROGRAM!r}], env={{"PYTHONPATH": {str(CHECKOUT)!r}}}, check=True)
@pytest.fixture(scope="module")
def server():
    start()
def test_program():
    start()
def test_fork():
    exec({PROGRAM!r}, {{}})
def test_server(server):
    pass
"""


def test_what_a_test_s_programs_come_by_is_seen(tmp_path: Path) -> None:
    """Up to the moment at which they are killed; one that is started for a whole file is as slow as all its tests."""
    (tmp_path / "test_it.py").write_text(TESTS)
    where = tmp_path / "seen.json"
    Path(f"{where}.programs").write_text("test_it.py::test_gone\ttelemetry/timestamps.py\t1\n")  # of an earlier run
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.mutants.seen_lines", "-p", "no:django", "--rootdir", "."]
    environment = {**os.environ, "SEEN_IN": str(where), "PYTHONPATH": str(CHECKOUT)}
    subprocess.run([*command, "test_it.py"], cwd=tmp_path, env=environment, check=True)
    found = json.loads(where.read_text())
    text = (CHECKOUT / "telemetry/timestamps.py").read_text()
    inside = {number for number in range(1, text.count("\n") + 1) if name_at(number, text) == "unix_nanoseconds"}
    assert sorted(found["lines"]) == ["test_it.py", "test_it.py::test_fork", "test_it.py::test_program"]
    for seen in found["lines"].values():
        assert len(inside & set(seen["telemetry/timestamps.py"])) > 1  # more than its `def`
    seconds = found["seconds"]
    assert seconds["test_it.py"] == sum(seconds[f"test_it.py::test_{name}"] for name in ("program", "fork", "server"))


def test_words_alone_change_no_row() -> None:
    """Docstrings, comments and empty lines say nothing to what runs; a string that something reads does."""
    text = '"""Say it."""\n\nLIMIT = 3  # "all"\n"""Most."""\n\ndef of(x):\n    """Ü #.\n    And."""\n    return "# x", x\n'
    other = 'LIMIT = 3\n"""At most so many."""\n# so that it ends\ndef of(x):\n    return "# x", x'
    assert without_words(text) == without_words(other) == 'LIMIT = 3\ndef of(x):\n    return "# x", x'
    assert without_words(other.replace("# x", "# y")) != without_words(other)
    assert without_words(other.replace("3", "4")) != without_words(other)
