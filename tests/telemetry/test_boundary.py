"""Whatever leaves is mended, bounded, redacted and made visible, value by value: one value spoils only itself."""

from __future__ import annotations

import io
import json
import logging
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import orjson
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace

import telemetry
from telemetry import bind, emit, observe, span, visible
from telemetry._boundary import LIMIT, attribute, line_value, plain, text
from telemetry._lines import writing
from telemetry.model import Event, Field, Level, Line, Operation, Result
from telemetry.reading import read_lines
from telemetry.settings import TelemetrySettings
from telemetry.testing import Capture
from tests.telemetry.canary import CANARY, SECRETS

SECRET = SECRETS[0]


class Shipped(Result):
    """A result that may be given anything."""

    parcels: Annotated[int, Field("Parcels.")]


class Ship(
    Operation[Shipped],
    name="shop.ship",
    started=Line(Level.INFO, "order", when="it begins"),
    completed=Line(Level.INFO, "order", "parcels", when="it is sent"),
    failed=Line(Level.ERROR, "order", "error_type", "error_msg", when="it is not"),
):
    """An operation that may be given anything."""

    order: Annotated[str, Field("Which.")]


class Weighed(Event, name="shop.weighed", level=Level.INFO, when="it is on the scales"):
    """An event that may be given anything."""

    order: Annotated[str, Field("Which.")]
    at: Annotated[datetime, Field("When.")]


class Mute:
    """Something without a text."""

    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


class MuteError(Exception):
    """An error without a text."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


@dataclass
class Login:
    """A record with a secret in it."""

    user: str
    password: str
    note: object = None


class Colour(Enum):
    """Somebody's enum."""

    RED = SECRET


def nested(depth: int) -> list[Any]:
    """Return a list in a list in a list."""
    found: list[Any] = []
    for _ in range(depth):
        found = [found]
    return found


def circle() -> dict[str, Any]:
    """Return a mapping that holds itself."""
    found: dict[str, Any] = {"n": 1}
    found["self"] = found
    return found


ODD: dict[str, Any] = {
    "cycle": circle(),
    "without a text": Mute(),
    "nested deeply": nested(3_000),
    "too large a number": 2**70,
    "a number of a million digits": 10**1_000_000,
    "a lone surrogate": "caf\udce9",
    "bytes": b"\xff\x00",
    "a set": {1, 2},
    "not a number": float("nan"),
    "infinity": float("-inf"),
    "a uuid": UUID(int=7),
    "a decimal": Decimal("1.5"),
    "a naive moment": datetime(2026, 1, 1),  # noqa: DTZ001  # that is the point
    "a day": date(2026, 1, 1),
    "a path": Path("/x"),
    "an error": MuteError(),
    "a class": Login,
    "keys that are no texts": {1: "a", None: "b", (1, 2): "c", Mute(): "d"},
    "three megabytes": "x" * 3_000_000,
    "a wide list": list(range(100_000)),
    "a wide mapping": {str(n): n for n in range(100_000)},
}


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """Write lines to a file, as in production: nothing raises."""
    path = tmp_path / "logs.jsonl"
    writing.configure(TelemetrySettings(log_file=path))
    yield path
    writing.configure(TelemetrySettings())


@pytest.fixture
def shop(file: Path) -> logging.Logger:
    """Return a logger without pytest's own handlers, which cannot take such records."""
    assert file, "its handler is there"
    logger = logging.Logger("shop")  # noqa: LOG001  # one that no other test knows
    logger.handlers = [each for each in logging.getLogger().handlers if type(each).__module__ == "telemetry._lines.standard"]
    return logger


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_value_spoils_only_itself_on_a_line(odd: str, file: Path, shop: logging.Logger) -> None:
    """By structlog, the standard library's `extra`, and an argument of its message."""
    structlog.get_logger().error("theirs", data=ODD[odd], n=3, ok=True, none=None, ratio=0.5)
    shop.error("standard", extra={"data": ODD[odd], "n": 3})
    shop.error("argument %s", ODD[odd])
    first, second, third = read_lines(file)
    assert (first["n"], first["ok"], first["none"], first["ratio"]) == (3, True, None, 0.5)
    assert (second["event"], second["n"]) == ("standard", 3)
    assert "data" in first
    assert "data" in second
    assert third["logger"] == "shop"
    assert max(len(line) for line in file.read_bytes().splitlines()) < 6 * LIMIT


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_value_spoils_only_itself_on_an_operation(odd: str, file: Path) -> None:
    """Fields of the operation, of its result and of an event, with spans in any state."""
    before = telemetry.swallowed()
    with observe(Ship(order=ODD[odd])) as shipping:
        emit(Weighed(order=ODD[odd], at=datetime(2026, 1, 1, tzinfo=UTC)))
        shipping.completed(Shipped(parcels=ODD[odd]))
    events = [line["event"] for line in read_lines(file)]
    assert [event for event in events if event != "telemetry.problem"] == [
        "shop.ship.started",
        "shop.weighed",
        "shop.ship.completed",
    ]
    assert telemetry.swallowed() >= before


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_value_spoils_only_itself_on_a_span(odd: str, captrace: Capture) -> None:
    """Whether it is a field or comes by OpenTelemetry's own API."""
    with span("shop.ship", order="A-7") as block:
        assert block is not None
        current = trace.get_current_span()
        current.set_attribute("odd", ODD[odd])
        current.add_event("moment", {"odd": ODD[odd]})
        current.set_attribute("n", 3)
    (one,) = captrace.spans
    assert (one.attributes["order"], one.attributes["n"], one.outcome) == ("A-7", 3, "completed")
    assert len(json.dumps(one.attributes["odd"], default=str)) < 6 * LIMIT


def test_one_event_of_many_with_a_naive_moment_spoils_no_line(file: Path) -> None:
    """Lines that are written together do not fall together."""
    naive = datetime(2026, 1, 1)  # noqa: DTZ001  # that is the point
    emit(*(Weighed(order=str(n), at=naive if n == 20 else naive.replace(tzinfo=UTC)) for n in range(49)))
    lines = [line for line in read_lines(file) if line["event"] == "shop.weighed"]
    assert [line["order"] for line in lines] == [str(n) for n in range(49)]
    assert lines[20]["at"] == "2026-01-01T00:00:00"
    assert lines[21]["at"] == "2026-01-01T00:00:00Z"


def test_a_wrong_type_is_named_once(file: Path) -> None:
    """One warning for each field, which says what it should be."""

    class Send(Operation[None], name="shop.send"):
        """Sending."""

        to: Annotated[str, Field("Whom to.")]

    for _ in range(3):
        with observe(Send(to=UUID(int=7))):  # type: ignore[arg-type]  # the mistake
            pass
    (line,) = read_lines(file)
    assert (line["level"], line["event"]) == ("warning", "telemetry.problem")
    assert line["error_msg"] == "Send.to must be string, not '00000000-0000-0000-0000-000000000007'"


def test_an_error_without_a_text_fails_its_operation(captrace: Capture) -> None:
    """Its class says what it was."""
    with pytest.raises(MuteError), observe(Ship(order="A-7")):
        raise MuteError
    assert captrace.tree() == "shop.ship failed MuteError"
    assert captrace.spans[0].status == "ERROR"
    assert captrace.lines[-1]["error_type"] == "MuteError"
    assert captrace.lines[-1]["error_msg"] == "[unprintable MuteError]"


@pytest.mark.parametrize("exc_info", [False, None, 0, "", (), (None, None, None)])
def test_exc_info_that_means_nothing(exc_info: Any, file: Path) -> None:
    """As the standard library has it."""
    structlog.get_logger().error("plain", exc_info=exc_info)
    logging.getLogger("shop").error("plain", exc_info=exc_info or None)
    assert [("exception" in line, "exc_info" in line) for line in read_lines(file)] == [(False, False)] * 2


@pytest.mark.parametrize("exc_info", [True, 1, "yes", ValueError("given"), (ValueError, ValueError("given"), None)])
def test_exc_info_that_means_an_error(exc_info: Any, file: Path) -> None:
    """The one that is handled, the one given, or a triple's."""
    try:
        raise KeyError("handled")
    except KeyError:
        structlog.get_logger().error("failed", exc_info=exc_info)
    (line,) = read_lines(file)
    assert ("handled" if isinstance(exc_info, bool | int | str) else "given") in line["exception"]


def test_a_lines_own_keys_are_its_own(file: Path) -> None:
    """A field of that name stands beside them."""
    structlog.get_logger().info("x", timestamp=1, level=5, trace_id="mine", exception="none")
    logging.getLogger("shop").info("y", extra={"timestamp": 1, "level": 5})
    with bind(level="bound"):
        structlog.get_logger().info("z")
    for line in read_lines(file):
        assert line["timestamp"].startswith("20")
        assert line["level"] == "info"
    first, _, third = read_lines(file)
    assert third["field_level"] == "bound"
    assert (first["field_timestamp"], first["field_level"], first["field_trace_id"]) == (1, 5, "mine")


HIDDEN: dict[str, Any] = {
    "nested": {"a": [{"b": (SECRET, {"c": SECRET})}]},
    "a set": {SECRET},
    "bytes": SECRET.encode(),
    "a bytearray": bytearray(SECRET.encode()),
    "an error": ValueError(f"no {SECRET}"),
    "an error's arguments": OSError(2, SECRET),
    "a record": Login("ann", "hunter2", [SECRET]),
    "an enum": Colour.RED,
    "a path": Path(f"/home/{SECRET}/x"),
    "a key": {SECRET: 1},
    "a secret's name": {"password": "hunter2", "X-Api-Key": "hunter2", "Cookie": "hunter2"},
    "a secret's name, deep": [{"headers": [{"Authorization": "hunter2"}]}],
    "a list": [[[[SECRET]]]],
    "an object": type("Thing", (), {"__str__": lambda _self: f"Thing({SECRET})"})(),
}


@pytest.mark.parametrize("hidden", HIDDEN)
def test_a_secret_is_found_at_any_depth_in_any_type(
    hidden: str, file: Path, shop: logging.Logger, captrace: Capture
) -> None:
    """On lines, on spans, in what is captured and what is written."""
    with span("shop.ship", thing=HIDDEN[hidden]):
        trace.get_current_span().set_attribute("thing", HIDDEN[hidden])
        trace.get_current_span().add_event("thing", {"thing": HIDDEN[hidden]})
        structlog.get_logger().error("theirs", data=HIDDEN[hidden])
        shop.error("standard %s", HIDDEN[hidden], extra={"data": HIDDEN[hidden]})
    seen = file.read_text() + str(captrace.lines) + str(captrace.spans)
    assert CANARY not in seen
    if hidden in ("a record", "a secret's name", "a secret's name, deep"):
        assert "'password': 'hunter2'" not in seen
        assert '"password":"hunter2"' not in seen
    assert "[redacted]" in seen


def test_large_texts_keep_head_and_tail() -> None:
    """A traceback begins with where and ends with what; what is left out is counted."""
    long = "head " + "x" * 3_000_000 + " tail"
    short = text(long)
    assert len(short) < LIMIT + 100
    assert short.startswith("head x")
    assert short.endswith("x tail")
    assert "characters left out" in short


@pytest.mark.parametrize("at", [12_285, 12_288, 16_384, 1_500_000, 2_995_903, 2_995_905])
def test_no_secret_is_cut_in_two(at: int) -> None:
    """Wherever the text is cut."""
    assert CANARY not in text("x" * (at - 10) + f" {SECRET} " + "y" * (3_000_000 - at))


@given(st.text())
def test_every_text_can_leave(value: str) -> None:
    """As UTF-8, whatever it holds."""
    text(value).encode()


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.dates()
    | st.datetimes()
    | st.uuids()
    | st.decimals()
    | st.builds(Mute),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.one_of(st.text(), st.integers(), st.none()), inner)
        | st.tuples(inner)
        | st.builds(Login, st.text(), st.text(), inner)
    ),
)


@given(values)
def test_every_value_can_stand_on_a_line_and_a_span(value: Any) -> None:
    """JSON holds the one, OpenTelemetry the other, and a field is always plain."""
    orjson.dumps(line_value("data", value))
    attribute("data", value)
    assert isinstance(plain("data", value), str | int | float | bool | None)


def test_equal_texts_of_a_line_and_a_span_are_equal() -> None:
    """Whoever correlates the two finds the same value."""
    for value in ("review", "caf\udce9", SECRET, 2**70, 7, True, None):
        assert line_value("x", value) == attribute("x", value) == plain("x", value)


@given(st.text(alphabet=st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "L", "N"])))
def test_what_a_terminal_gets_is_visible(value: str) -> None:
    """No escape sequence, no line end, no invisible or turning character; letters and digits stay."""
    shown = visible(value)
    assert not {one for one in shown if unicodedata.category(one) in ("Cc", "Zl", "Zp", "Cs") and one != "\t"}
    assert not set(shown) & set("\xad\u061c\u200b\u200e\u200f\u202a\u202e\u2066\u2069\ufeff")
    plain_text = "".join(one for one in value if unicodedata.category(one)[0] in "LN")
    assert visible(plain_text) == plain_text


def test_the_console_shows_what_would_act(file: Path) -> None:
    """A title cannot move the cursor, turn the text around or forge a line."""
    stream = io.StringIO()
    writing.configure(TelemetrySettings(log_format="console", log_level=10), stream=stream)
    structlog.get_logger().info("title\x1b[2J", title="a\n2026-01-01 forged", deep=["\u202eevil"], word="\x00")
    logging.getLogger("shop").warning("argument %s", "\r\x1b]0;pwned\x07")
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    assert not set(stream.getvalue()) & set("\x1b\x00\r\u202e\x07")
    assert r"\x1b[2J" in lines[0]


def test_a_traceback_is_once_in_each_sink(file: Path) -> None:
    """A DEBUG line with it goes to the file alone; the ERROR of the same error has it on the stream."""
    stream = io.StringIO()
    writing.configure(TelemetrySettings(log_file=file, log_level=20, log_format="json"), stream=stream)
    shop = logging.getLogger("shop")
    try:
        raise ValueError("spilt")
    except ValueError:
        shop.debug("first", exc_info=True)
        shop.error("second", exc_info=True)
    assert ["exception" in line for line in read_lines(file)] == [True, False]
    (shown,) = stream.getvalue().splitlines()
    assert "spilt" in json.loads(shown)["exception"]


def test_an_error_that_is_raised_again_has_its_traceback_again(file: Path) -> None:
    """One that only passes from called to caller has it once."""
    shop, error = logging.getLogger("shop"), ValueError("spilt")

    def spill() -> None:
        try:
            raise error
        except ValueError:
            shop.error("here", exc_info=True)
            raise

    def kitchen() -> None:
        try:
            spill()
        except ValueError:
            shop.error("passing", exc_info=True)
            raise

    for _ in range(2):
        with pytest.raises(ValueError, match="spilt"):
            kitchen()
    assert [(line["event"], "exception" in line) for line in read_lines(file)] == [
        ("here", True),
        ("passing", False),
        ("here", True),
        ("passing", False),
    ]


def test_a_sink_that_fails_costs_no_other_its_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The host goes on, and it is said where it still can be."""

    class Broken(io.StringIO):
        def write(self, _text: str) -> int:
            raise OSError(28, "No space left on device")

    path = tmp_path / "logs.jsonl"
    writing.configure(TelemetrySettings(log_file=path, log_format="json", log_level=10), stream=Broken())
    structlog.get_logger().info("kept")
    writing.configure(TelemetrySettings())
    events = [line["event"] for line in read_lines(path)]
    assert events[0] == "kept"
    assert "telemetry.problem" in events
    assert "No space left" in capsys.readouterr().err
