"""The page about telemetry has an entry for every public name, and each of its examples runs as it is printed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.telemetry.examples import blocks_in, entries_in
from tests.telemetry.public_names import is_known_by_its_package, public_names

PAGE = Path("docs/telemetry.md")
SECTIONS = [section[0] for section in dict.fromkeys(block.section for block in blocks_in(PAGE.read_text())) if section]


def run(page: Path, section: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a section's examples in a process and a folder of their own."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.telemetry.examples", str(page.absolute()), section],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("section", SECTIONS)
def test_the_examples_of_a_section_run(section: str, tmp_path: Path) -> None:
    """One after the other, in a fresh interpreter, with the answers that the page shows."""
    ran = run(PAGE, section, tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("kind", "text"), [("pycon", ">>> 1 + 1\n3\n"), ("python", "assert False\n"), ("pycon", ">>> captrace.line('x')\n")]
)
def test_an_example_that_is_wrong_fails(kind: str, text: str, tmp_path: Path) -> None:
    """The test above can fail."""
    (tmp_path / "page.md").write_text(f"## `shop`\n\n### `sell`\n\n```{kind}\n{text}```\n")
    assert run(tmp_path / "page.md", "shop", tmp_path).returncode == 1


def test_every_public_name_has_an_entry_with_an_example() -> None:
    """In its module's section, or in the package's, where that offers the same thing."""
    shown: dict[str, str] = {}
    for block in blocks_in(PAGE.read_text()):
        for module in block.section:
            for name in block.entry:
                shown[f"{module}.{name}"] = shown.get(f"{module}.{name}", "") + block.text
    missing = [
        f"{module}.{name}"
        for module, names in public_names().items()
        for name in names
        if not re.search(rf"\b{name}\b", shown.get(f"{module}.{name}", ""))
        and not (module != "telemetry" and is_known_by_its_package(module, name))
    ]
    assert missing == []


def test_every_entry_is_about_something_public() -> None:
    """What was renamed or taken away leaves no entry behind."""
    known = public_names()
    stale = [
        f"{module}.{name}"
        for section, names in entries_in(PAGE.read_text())
        for module in section
        for name in names
        if name not in known.get(module, ())
    ]
    assert stale == []


def test_links_lead_to_headings() -> None:
    """As GitHub makes their anchors."""
    page = PAGE.read_text()
    anchors: list[str] = []
    for title in re.findall(r"^#{1,3} (.*)$", page, re.MULTILINE):
        anchor = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        anchors.append(f"{anchor}-{anchors.count(anchor)}" if anchor in anchors else anchor)
    assert [link for link in re.findall(r"\]\(#([^)]*)\)", page) if link not in anchors] == []
