"""From the declarations follow the table, its JSON, and the check of lines that somebody wrote."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest

from telemetry.catalog import as_json, as_markdown, check_line, spans_as_markdown
from telemetry.model import Event, Field, Level, Line, Operation, Result


class Fired(Result):
    """What came of a firing."""

    pots: Annotated[int | None, Field("Pots that did not break.")]


class Fire(
    Operation[Fired],
    name="kiln.fire",
    ended=Line(Level.DEBUG, "glaze", "pots", "duration_ms", "mood", when="each firing"),
):
    """One firing."""

    glaze: Annotated[str, Field("Which glaze.")]
    mood: Annotated[Literal["calm", "hasty"], Field("The potter's.")]


class Sealed(Event, name="kiln.sealed", level=Level.INFO, when="the door shuts"):
    """The door shut."""

    hot: Annotated[bool, Field("Whether it burns.")]


CONTEXT = ("run_id", "task_id")
"""What the pottery binds around its work."""

GOOD = {
    "timestamp": "2026-01-01T00:00:00.000000Z",
    "level": "debug",
    "event": "kiln.fire",
    "glaze": "ash",
    "pots": None,
    "duration_ms": 3,
    "mood": "calm",
    "run_id": 4,
    "trace_id": "1" * 32,
    "span_id": "2" * 16,
    "trace_flags": 1,
}


def test_the_table_has_a_row_for_each_event_asked_for() -> None:
    """In the order asked for, with its level, its fields in the line's order, and when it is written."""
    assert as_markdown(["kiln.sealed", "kiln.fire"]).splitlines() == [
        "| event | level | fields | when |",
        "|---|---|---|---|",
        "| `kiln.sealed` | INFO | hot | the door shuts |",
        "| `kiln.fire` | DEBUG | glaze, pots, duration_ms, mood | each firing |",
    ]


def test_json_has_the_same_as_the_table() -> None:
    """In the order asked for."""
    assert as_json(["kiln.sealed", "kiln.fire"]) == [
        {"event": "kiln.sealed", "level": "INFO", "fields": ["hot"], "when": "the door shuts"},
        {
            "event": "kiln.fire",
            "level": "DEBUG",
            "fields": ["glaze", "pots", "duration_ms", "mood"],
            "when": "each firing",
        },
    ]


def test_the_table_of_spans_has_the_keys_of_each_and_what_it_is() -> None:
    """In the order asked for: in one row, however much is said of it, and if nothing is."""

    class Glaze(Operation[None], name="kiln.glaze"):
        pot: Annotated[str, Field("Which pot.", key="pottery.pot")]

    class Stack(Operation[None], name="kiln.stack"):
        """Pots are put into the kiln.

        The large ones first.
        """

        pots: Annotated[int, Field("How many.")]
        shelf: Annotated[int, Field("Where.")]

    assert spans_as_markdown(["kiln.stack", "kiln.glaze"]).splitlines() == [
        "| span | attributes | what it is |",
        "|---|---|---|",
        "| `kiln.stack` | `pots`, `shelf` | Pots are put into the kiln. |",
        "| `kiln.glaze` | `pottery.pot` |  |",
    ]


@pytest.mark.parametrize(
    "line",
    [
        GOOD,
        GOOD | {"exception": "Traceback"},
        {"event": "kiln.sealed", "level": "info", "hot": False, "task_id": "t"},
        {"event": "Task kiln.fire[1] succeeded", "level": "info"},
        {"event": "kiln.py was loaded", "level": "info"},
        {"event": "kiln", "level": "info"},
        {"event": "pottery.wheel.turned", "level": "info"},
        {"level": "info"},
    ],
)
def test_right_lines_and_lines_of_others_have_no_problem(line: dict[str, Any]) -> None:
    """A library's text may say what it likes."""
    assert check_line(line, context=CONTEXT) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"event": "kiln.fir"}, "kiln.fir: no such event is declared (did you mean 'kiln.fire'?)"),
        ({"level": "info"}, "kiln.fire: its level is debug, not info"),
        ({"level": ["debug"]}, "kiln.fire: its level is debug, not ['debug']"),
        ({"glaze": None}, "kiln.fire: glaze must not be null"),
        ({"pots": "1"}, "kiln.fire: pots must be int, not '1'"),
        ({"pots": True}, "kiln.fire: pots must be int, not True"),
        ({"duration_ms": "3"}, "kiln.fire: duration_ms must be float, not '3'"),
        ({"mood": "fine"}, "kiln.fire: mood must be one of calm, hasty, not 'fine'"),
        ({"colour": 3}, "kiln.fire: colour is not one of its fields"),
    ],
)
def test_a_wrong_line_has_its_problem(change: dict[str, Any], problem: str) -> None:
    """One change, one problem."""
    assert check_line(GOOD | change, context=CONTEXT) == [problem]


@pytest.mark.parametrize("name", ["glaze", "pots", "duration_ms", "mood"])
def test_no_field_may_be_missing(name: str) -> None:
    """What is not known is null, not absent."""
    line = {key: value for key, value in GOOD.items() if key != name}
    assert check_line(line, context=CONTEXT) == [f"kiln.fire: {name} is missing"]
