"""Levels are the standard library's, by whichever of their names somebody calls them; values of a Literal are texts."""

from __future__ import annotations

import logging
from typing import Annotated, Literal

import pytest

from telemetry.model import Event, Field, Level, Line


def test_levels_have_the_standard_librarys_numbers() -> None:
    """So that a line's level may be compared with a logger's."""
    assert {level.name: int(level) for level in Level}.items() <= logging.getLevelNamesMapping().items()


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("DEBUG", Level.DEBUG),
        ("info", Level.INFO),
        ("Warning", Level.WARNING),
        ("warn", Level.WARNING),
        ("FATAL", Level.CRITICAL),
        ("exception", Level.ERROR),
        ("msg", Level.INFO),
        ("verbose", None),
        ("", None),
    ],
)
def test_a_level_is_known_by_each_of_its_names(name: str, level: Level | None) -> None:
    """Those of loggers' methods, too, in any case; what names none is none."""
    assert Level.named(name) is level


def test_a_level_is_one_when_it_is_declared() -> None:
    """Also as the standard library has it; a text would fail at each line that is written."""
    assert Line(20, when="never").level is Level.INFO  # type: ignore[arg-type]  # what `logging` calls it
    with pytest.raises(ValueError, match="'INFO' is not a valid Level"):
        Line("INFO", when="never")  # type: ignore[arg-type]  # the mistake
    with pytest.raises(ValueError, match="'INFO' is not a valid Level"):

        class Wrong(Event, name="model.wrong_level", level="INFO", when="never"):  # type: ignore[arg-type]  # the mistake
            """Never."""


def test_a_literal_s_values_are_texts() -> None:
    """Another's would be refused on every line."""
    with pytest.raises(TypeError, match="size: the values of a Literal are texts, not 1, 2"):

        class Wrong(Event, name="model.wrong_literal", level=Level.INFO, when="never"):
            size: Annotated[Literal[1, 2], Field("How large.")]
