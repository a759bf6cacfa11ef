"""Both type checkers refuse exactly the lines of `cases/` that are marked wrong."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.telemetry.examples import blocks_in
from tests.telemetry.public_names import public_names
from tests.telemetry.test_docs import PAGE

HERE = Path(__file__).parent
CASES = sorted((HERE / "cases").glob("*.py"))
_MYPY_ERROR = re.compile(r"^(?P<file>[^:\n]+):(?P<line>\d+): error:", re.MULTILINE)


def marked() -> set[str]:
    """Return the lines that say that they are wrong."""
    return {
        f"{file.name}:{number}: {line}"
        for file in CASES
        for number, line in enumerate(file.read_text().splitlines(), start=1)
        if "# wrong: " in line
    }


def mypy() -> set[str]:
    """Return the lines that mypy refuses."""
    said = run("mypy", "--config-file", str(HERE / "mypy.ini"), "--cache-dir", ".mypy_cache/cases", *map(str, CASES))
    return {shown(error["file"], int(error["line"])) for error in _MYPY_ERROR.finditer(said)}


def pyright() -> set[str]:
    """Return the lines that pyright refuses."""
    said = run("pyright", "--project", str(HERE), "--pythonpath", sys.executable, "--outputjson")
    errors = [item for item in json.loads(said)["generalDiagnostics"] if item["severity"] == "error"]
    return {shown(error["file"], error["range"]["start"]["line"] + 1) for error in errors}


def run(checker: str, *arguments: str) -> str:
    """Return what the checker says; it must find mistakes, and not fail itself."""
    command = [sys.executable, "-m", checker, *arguments]
    done = subprocess.run(command, cwd=HERE.parents[1], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


def shown(path: str, number: int) -> str:
    """Return a line as `marked` shows it."""
    file = Path(path)
    source = HERE / "cases" / file.name
    return f"{file.name}:{number}: {source.read_text().splitlines()[number - 1] if source.exists() else path}"


@pytest.mark.parametrize("checker", [mypy, pyright])
@pytest.mark.slow
def test_exactly_the_wrong_lines_are_refused(checker: Callable[[], set[str]]) -> None:
    """No mistake passes, and nothing that is right is refused."""
    refused = checker()
    assert sorted(marked() - refused) == []
    assert sorted(refused - marked()) == []


@pytest.mark.slow
def test_every_example_of_the_page_is_typed(tmp_path: Path) -> None:
    """Whoever copies one into a project of their own, where mypy is strict, has nothing to mend."""
    examples: dict[tuple[str, ...], str] = {}
    for block in blocks_in(PAGE.read_text()):
        if block.kind == "python":
            before = examples.get(
                (*block.section, *block.entry), "from telemetry.testing import Capture\ncaptrace: Capture\n"
            )
            examples[(*block.section, *block.entry)] = before + block.text
    files = [tmp_path / f"example_{number}.py" for number, _ in enumerate(examples)]
    for file, text in zip(files, examples.values(), strict=True):
        file.write_text(text)
    command = [sys.executable, "-m", "mypy", "--config-file", str(HERE / "mypy.ini"), "--cache-dir", ".mypy_cache/cases"]
    done = subprocess.run([*command, *map(str, files)], cwd=HERE.parents[1], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(files) > 40


def test_every_public_name_has_a_case() -> None:
    """What nobody uses in a case may have any type."""
    used = "".join(file.read_text() for file in CASES)
    offered = {name for names in public_names().values() for name in names}
    assert sorted(name for name in offered if not re.search(rf"\b{name}\b", used)) == []


def test_there_are_cases() -> None:
    """The test above cannot pass for want of them: every file but the good one has some."""
    assert {line.partition(":")[0] for line in marked()} == {file.name for file in CASES} - {"good.py"}
    assert len(marked()) > 50
