"""A line fits the terminal without a broken word or number."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.console.terminal.fitting import fitted, json_lines, sentence_lines

words = st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12), min_size=1).map(" ".join)


@given(words, st.integers(20, 120))
def test_a_line_is_cut_between_words(line: str, width: int) -> None:
    """And says that it was."""
    shown = fitted(line, width)
    assert len(shown) <= width
    assert shown == line or (shown.endswith("…") and line.startswith(shown[:-1]))
    assert set(shown.removesuffix("…").split()) <= set(line.split())


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("  1.0 ms  run  [failed]  (123.9 ms in the lane)", "  1.0 ms  run  [failed]…"),
        ("  1.0 ms  run  [failed]  (1 s)", "  1.0 ms  run  [failed]  (1 s)"),
    ],
)
def test_half_a_remark_is_left_out(line: str, shown: str) -> None:
    """A number without its unit would mislead."""
    assert fitted(line, 40) == shown


@given(st.dictionaries(st.text("abc_", min_size=1), st.integers() | st.text("xyz ", max_size=30)), st.integers(20, 120))
def test_a_json_line_is_broken_between_its_fields(line: dict[str, int | str], width: int) -> None:
    """Put together again it is what it was."""
    lines = list(json_lines(line, width)) if line else []
    if line:
        assert json.loads("".join(one.removeprefix(" ") if at else one for at, one in enumerate(lines))) == line
        assert all(len(one) <= width or one.count('":') == 1 for one in lines)


@given(words, st.integers(20, 120))
def test_a_sentence_is_wrapped_between_words(text: str, width: int) -> None:
    """Nothing is lost."""
    assert " ".join(sentence_lines(text, width)) == text
