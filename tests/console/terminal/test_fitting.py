"""A line fits the terminal without a broken word or number."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from apps.console.terminal.fitting import json_lines, wrapped
from telemetry import visible
from tests.console.terminal.hostile import acting, texts

words = st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12), min_size=1)
gaps = st.sampled_from([" ", "  "])
lines = st.tuples(words, gaps).map(lambda both: both[1].join(both[0]))


@given(lines, st.integers(30, 120), st.integers(0, 15))
def test_a_line_is_broken_between_words(line: str, width: int, hang: int) -> None:
    """Nothing is lost, whatever is wide."""
    shown = wrapped(line, width, hang=hang)
    assert all(cell_len(one) <= width for one in shown)
    assert " ".join(shown).split() == visible(line).split()
    assert all(one.startswith(" " * hang) or cell_len(one) == width for one in shown[1:])


@given(lines)
def test_without_a_terminal_a_line_stays_one(line: str) -> None:
    """A program reads it."""
    assert wrapped(line, None) == [line]


@given(texts, st.none() | st.integers(20, 100))
def test_what_is_laid_out_acts_nowhere(text: str, width: int | None) -> None:
    """Nor does it end its line."""
    assert not [one for one in wrapped(text, width) if acting(one) or "\n" in one]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("  1.0 ms  run  [failed]  (123.9 ms in the lane)", ["  1.0 ms  run  [failed]", "    (123.9 ms in the lane)"]),
        ("  1.0 ms  run  [failed]  (1 s)", ["  1.0 ms  run  [failed]  (1 s)"]),
        (
            "GitHub does not list everything of this repository",
            ["GitHub does not list everything of this", "    repository"],
        ),
        ("a" * 50 + " b", ["a" * 50, "    b"]),
    ],
)
def test_what_belongs_together_is_kept_together(line: str, shown: list[str]) -> None:
    """A number with its unit, where the terminal is wide enough for it."""
    assert wrapped(line, 40, hang=4) == shown


json_texts = st.text("xyz ", max_size=30)
json_objects = st.dictionaries(st.text("abc_", min_size=1), st.integers() | json_texts, min_size=1)


@given(json_objects, st.integers(20, 120))
def test_a_json_line_is_broken_between_its_fields(line: dict[str, int | str], width: int) -> None:
    """Put together again it is what it was, on lines where each field has room."""
    width = max(width, *(len(json.dumps(field)) for field in line.items()))
    shown = list(json_lines(line, width, most=len(line) + 1))
    assert json.loads("".join(one.removeprefix(" ") if at else one for at, one in enumerate(shown))) == line
    assert all(len(one) <= width for one in shown)


short_fields = st.dictionaries(st.text("abc_", min_size=1, max_size=8), st.integers(0, 10**9) | st.text("xyz ", max_size=20))


@given(short_fields.filter(bool), st.integers(50, 120), st.integers(1, 3))
def test_a_long_json_line_is_cut_between_its_fields(line: dict[str, int | str], width: int, most: int) -> None:
    """And what is left out is marked."""
    shown = list(json_lines(line, width, most=most))
    assert len(shown) <= most
    assert all(len(one) <= width for one in shown)
    whole = "".join(one.removeprefix(" ") if at else one for at, one in enumerate(shown))
    kept = json.loads(re.sub(r",? +…}$", "}", whole))
    assert list(kept.items()) == list(line.items())[: len(kept)]
    assert (len(kept) < len(line)) == whole.endswith(" …}")
