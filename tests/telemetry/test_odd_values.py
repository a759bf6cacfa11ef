"""One odd value spoils only itself, whichever way it comes: lines, records, operations, events, spans, context."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import pytest
import structlog
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import SpanProcessor

import telemetry
from telemetry import _health, bind, emit, observe, span
from telemetry._boundary import LIMIT
from telemetry._lines import writing
from telemetry._spans import emitter
from telemetry.model import Event, Field, Level, Line, Operation, Result
from telemetry.reading import read_lines
from telemetry.redaction import REDACTED
from telemetry.settings import TelemetrySettings
from telemetry.testing import Capture
from tests.telemetry.canary import CANARY
from tests.telemetry.odd import ERRORS, HIDDEN, ODD, SECRET, Classless, Doubtful, Mute, MuteError


class Shipped(Result):
    """A result that may be given anything."""

    parcels: Annotated[int, Field("Parcels.")]


class Counted(Result):
    """A result of something else."""

    parts: Annotated[int, Field("Parts.")]


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


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Write lines to a file, as in production: nothing raises, and no other test has said more than a minute bears."""
    monkeypatch.setattr(_health._health, "said_at", {})
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
def test_on_a_line(odd: str, file: Path, shop: logging.Logger) -> None:
    """By structlog, the standard library's `extra`, and an argument of its message."""
    structlog.get_logger().error("theirs", data=ODD[odd], n=3, ok=True, none=None, ratio=0.5)
    shop.error("standard", extra={"data": ODD[odd], "n": 3})
    shop.error("argument %s of %d", ODD[odd], 2)
    first, second, third = read_lines(file)
    assert (first["n"], first["ok"], first["none"], first["ratio"]) == (3, True, None, 0.5)
    assert (second["event"], second["n"]) == ("standard", 3)
    assert "data" in first
    assert "data" in second
    assert third["event"].endswith(" of 2")
    assert third["logger"] == "shop"
    assert max(len(line) for line in file.read_bytes().splitlines()) < 6 * LIMIT


@pytest.mark.parametrize("odd", ODD)
def test_on_an_operation(odd: str, file: Path) -> None:
    """Fields of the operation, of its result and of an event, and what is learnt midway."""
    with observe(Ship(order=ODD[odd])) as shipping:
        emit(Weighed(order=ODD[odd], at=datetime(2026, 1, 1, tzinfo=UTC)))
        shipping.set(order=ODD[odd])
        shipping.completed(Shipped(parcels=ODD[odd]))
    events = [line["event"] for line in read_lines(file)]
    assert [event for event in events if event != "telemetry.problem"] == [
        "shop.ship.started",
        "shop.weighed",
        "shop.ship.completed",
    ]


@pytest.mark.parametrize("odd", ODD)
def test_on_a_span(odd: str, captrace: Capture) -> None:
    """Whether it is a field or comes by OpenTelemetry's own API."""
    with span("shop.ship", order="A-7", given=ODD[odd]) as block:
        current = trace.get_current_span()
        block.set(midway=ODD[odd])
        current.set_attribute("odd", ODD[odd])
        current.add_event("moment", {"odd": ODD[odd]})
        current.set_attribute("n", 3)
    (one,) = captrace.spans
    assert (one.attributes["order"], one.attributes["n"], one.outcome) == ("A-7", 3, "completed")
    for name in ("given", "midway", "odd"):
        assert len(json.dumps(one.attributes[name], default=str)) < 6 * LIMIT


@pytest.mark.parametrize("odd", ODD)
def test_in_the_context(odd: str, file: Path, captrace: Capture) -> None:
    """It is on every line and span inside, and spoils none."""
    with bind(odd=ODD[odd], team_id=7), span("shop.ship"):
        structlog.get_logger().info("said")
    assert len(read_lines(file)) == 1
    (one,), (line,) = captrace.spans, captrace.lines
    assert (one.attributes["team_id"], line["team_id"], line["event"]) == (7, 7, "said")
    assert {"odd"} <= line.keys() & one.attributes.keys()


@pytest.mark.parametrize("hidden", HIDDEN)
def test_no_secret_leaves_in_any_type(hidden: str, file: Path, shop: logging.Logger, captrace: Capture) -> None:
    """On lines, on spans, in what is captured and what is written."""
    with bind(thing=HIDDEN[hidden]), span("shop.ship", thing=HIDDEN[hidden]):
        trace.get_current_span().set_attribute("thing", HIDDEN[hidden])
        trace.get_current_span().add_event("thing", {"thing": HIDDEN[hidden]})
        structlog.get_logger().error("theirs", data=HIDDEN[hidden])
        shop.error("standard", extra={"data": HIDDEN[hidden]})
    seen = file.read_text() + str(captrace.lines) + str(captrace.spans)
    assert CANARY not in seen
    assert "hunter2" not in seen
    assert "[redacted]" in seen


def test_an_argument_without_a_text_leaves_the_rest_of_the_message(file: Path, shop: logging.Logger) -> None:
    """A wrong placeholder leaves the arguments behind the text."""
    shop.error("%s sent %d parcels", Mute(), 3)
    shop.error("%(who)s sent them", {"who": Mute()})
    shop.error("%d parcels", "three")
    assert [line["event"] for line in read_lines(file)] == [
        "[unprintable Mute] sent 3 parcels",
        "[unprintable Mute] sent them",
        "%d parcels ('three',)",
    ]


@pytest.mark.parametrize(
    ("template", "arguments", "said"),
    [
        ("%d parcels", ("three",), "%d parcels ('three',)"),
        ("%s of %s", ("one",), "%s of %s ('one',)"),
        ("sent", ("A-7",), "sent ('A-7',)"),
        ("%(who)s sent", ({"whom": "ann"},), "%(who)s sent {'whom': 'ann'}"),
        ("%(who)s sent", ({"who": "ann"},), "ann sent"),
        ("%d parcels", (3,), "3 parcels"),
        ("100 %", (), "100 %"),
        ("%s sent", (Mute(),), "[unprintable Mute] sent"),
        ("%s sent", (10**5_000,), "[unprintable int] sent"),
        ("%s sent", (Classless(),), "[unprintable Classless] sent"),
        ("%s", (f"of {SECRET}",), "of [redacted]"),
    ],
)
def test_arguments_of_structlogs_loggers(template: str, arguments: tuple[Any, ...], said: str, file: Path) -> None:
    """A placeholder that does not fit leaves them behind the text, as with the standard library's; nothing raises."""
    log = structlog.get_logger()
    log.info(template, *arguments)
    log.log(20, template, *arguments)
    asyncio.run(log.ainfo(template, *arguments))
    assert [(line["level"], line["event"]) for line in read_lines(file)] == [("info", said)] * 3


@pytest.mark.parametrize("method", ["debug", "info", "warning", "error", "critical", "exception", "msg", "warn", "fatal"])
def test_fields_named_as_structlogs_own_parameters(method: str, file: Path) -> None:
    """They stand beside what is said, on a line of the method's level; an event that is missing is empty."""
    log, taken = structlog.get_logger(), {"self": 1, "event": 2, "method_name": 3, "level": 4}
    getattr(log, method)("said", n=3, **taken)
    asyncio.run(getattr(log, f"a{method}")("said", n=3, **taken))
    getattr(log, method)(n=3)
    first, second, third = read_lines(file)
    for line in (first, second):
        assert (line["event"], line["n"], line["level"]) == ("said", 3, third["level"])
        assert {name: line[f"field_{name}"] for name in taken} == taken
    assert (third["event"], third["n"]) == ("", 3)
    alias = {"msg": "info", "warn": "warning", "fatal": "critical", "exception": "error"}
    assert third["level"] == alias.get(method, method)


@pytest.mark.parametrize(
    ("level", "name"),
    [
        (15, "debug"),
        (20, "info"),
        (25, "info"),
        (99, "critical"),
        (-1, "debug"),
        ("warn", "warning"),
        ("loud", "info"),
        (None, "info"),
    ],
)
def test_a_level_that_structlog_does_not_know(level: Any, name: str, file: Path) -> None:
    """It is the next lower one, and INFO if it is none at all."""
    structlog.get_logger().log(level, "said", event="mine")
    asyncio.run(structlog.get_logger().alog(level, "said", event="mine"))
    assert [(line["level"], line["event"], line["field_event"]) for line in read_lines(file)] == [(name, "said", "mine")] * 2


def test_an_event_that_is_no_text_is_a_line(file: Path, shop: logging.Logger) -> None:
    """Some log a mapping, an error or nothing at all."""
    for event in ({"a": 1}, None, 5, Mute(), ValueError("spilt")):
        shop.error(event)
        structlog.get_logger().info(event)
    assert len(read_lines(file)) == 10


def test_a_line_of_very_many_fields_says_how_many_it_leaves_out(file: Path) -> None:
    """As a span has its limit of attributes."""
    structlog.get_logger().info("wide", **{f"n{number}": number for number in range(1_000)})
    (line,) = read_lines(file)
    assert (line["n0"], line["n127"], line["fields_left_out"]) == (0, 127, 872)


@pytest.mark.parametrize("keys", [(SECRET, f"{SECRET}2"), ("k" * 300, "k" * 301), ("timestamp", "field_timestamp")])
def test_keys_that_become_the_same_lose_no_value(keys: tuple[str, str], file: Path, captrace: Capture) -> None:
    """On a line, a span and in its context."""
    given = dict(zip(keys, ("first", "second"), strict=True))
    structlog.get_logger().info("said", **given)
    with span("shop.ship", **given):
        trace.get_current_span().add_event("moment", given)
    with bind(**given), span("shop.pack"):
        pass
    (line,) = read_lines(file)
    ship, pack = captrace.spans
    for found in (line, ship.attributes, ship.events[0].attributes, pack.attributes):
        assert {"first", "second"} <= {str(value) for value in found.values()}
        assert CANARY not in str(found)


@pytest.mark.parametrize("flag", [Doubtful(), True, [1]], ids=["neither true nor false", "true", "a list"])
def test_a_stack_is_added_where_it_is_asked_for(flag: object, file: Path) -> None:
    """Whatever says so; nothing raises."""
    structlog.get_logger().info("said", stack_info=flag)
    structlog.get_logger().info("said", stack_info=None)
    first, second = read_lines(file)
    assert "test_a_stack_is_added" in first["stack"]
    assert (first["event"], "stack" in second, "stack_info" in second) == ("said", False, False)


def test_one_event_of_many_with_a_naive_moment_spoils_no_line(file: Path) -> None:
    """Lines that are written together do not fall together."""
    naive = datetime(2026, 1, 1)  # noqa: DTZ001  # that is the point
    emit(*(Weighed(order=str(n), at=naive if n == 20 else naive.replace(tzinfo=UTC)) for n in range(49)))
    lines = [line for line in read_lines(file) if line["event"] == "shop.weighed"]
    assert [line["order"] for line in lines] == [str(n) for n in range(49)]
    assert lines[20]["at"] == "2026-01-01T00:00:00"
    assert lines[21]["at"] == "2026-01-01T00:00:00Z"


def test_what_is_no_event_spoils_only_itself(file: Path) -> None:
    """Its neighbours are written; an unready caller may pass anything."""
    first, last = (Weighed(order=order, at=datetime(2026, 1, 1, tzinfo=UTC)) for order in ("first", "last"))
    strangers: list[Any] = [None, Weighed, Ship(order="no event"), object()]
    emit(first, *strangers, last)
    assert [line["order"] for line in read_lines(file) if line["event"] == "shop.weighed"] == ["first", "last"]


HANDLED: dict[str, Callable[[Any], object]] = {
    "a countdown": lambda block: block.retrying(ValueError("late"), countdown=object()),
    "a sentence for a moment": lambda block: block.waiting(until="noon"),
    "a moment without a zone": lambda block: block.waiting(until=datetime(2026, 1, 1)),  # noqa: DTZ001  # the mistake
    "an error that is none": lambda block: block.failed("late"),
    "a class of errors": lambda block: block.failed(ValueError),
    "a number for a result": lambda block: block.completed(5),
    "a class for a result": lambda block: block.completed(Shipped),
    "another operation's result": lambda block: block.completed(Counted(parts=3)),
    "no class for a result": lambda block: block.completed(Classless()),
    "a result of a failure that is none": lambda block: block.failed(ValueError("late"), 5),
    "a result of a wait that is none": lambda block: block.waiting(result="none"),
    "a number for a shortfall": lambda block: block.completed(Shipped(parcels=1), shortfall=5),
    "an object for a shortfall": lambda block: block.completed(Shipped(parcels=1), shortfall=object()),
    "a link that is none": lambda block: block.link(None),
}


@pytest.mark.parametrize("handled", HANDLED)
def test_a_handle_that_is_given_anything(handled: str, file: Path, production: Capture) -> None:
    """Its span has an outcome and can be exported, its line is there, and nothing raises."""
    with observe(Ship(order="A-7")) as shipping:
        HANDLED[handled](shipping)
        if shipping._outcome is None:
            shipping.completed(Shipped(parcels=1))
    assert production.span("shop.ship").outcome in ("completed", "failed", "retrying", "waiting")
    assert encode_spans(production.exporter.get_finished_spans()).resource_spans
    ending = {"completed": "shop.ship.completed", "failed": "shop.ship.failed"}.get(production.spans[0].outcome or "")
    assert ending is None or [line["order"] for line in read_lines(file) if line["event"] == ending] == ["A-7"]


@pytest.mark.parametrize(
    "waited", ["long", None, float("nan"), float("inf"), 1e300, -5, pytest.param(object(), id="an object")], ids=str
)
def test_a_wait_that_is_none(waited: Any, file: Path, production: Capture) -> None:
    """The span begins now at the latest, and at the epoch at the earliest."""
    before = time.time_ns()
    with observe(Ship(order="A-7"), waited_ms=waited) as shipping:
        shipping.completed(Shipped(parcels=1))
    one = production.span("shop.ship")
    assert one.start_ns == 0 or before <= one.start_ns <= one.end_ns
    assert encode_spans(production.exporter.get_finished_spans()).resource_spans
    assert "shop.ship.completed" in file.read_text()


MISTAKEN: dict[str, Callable[[Any], object]] = {
    "attributes": lambda one: one.set_attributes(5),
    "an attribute's name": lambda one: one.set_attribute(None, 1),
    "an event's name": lambda one: one.add_event(5),
    "an event's attributes": lambda one: one.add_event("said", 5),
    "an event's moment": lambda one: one.add_event("said", {}, "noon"),
    "an event's fraction of a moment": lambda one: one.add_event("said", {}, 1.5e18),
    "a link": lambda one: one.add_link(None),
    "a name": lambda one: one.update_name(None),
    "a status": lambda one: one.set_status(5),
    "a status's sentence": lambda one: one.set_status(trace.StatusCode.ERROR, 5),
    "an error": lambda one: one.record_exception(None),
    "an error's attributes": lambda one: one.record_exception(ValueError("late"), 5),
    "an end": lambda one: one.end("noon"),
}


@pytest.mark.parametrize("mistaken", MISTAKEN)
def test_whatever_opentelemetrys_api_is_given_raises_nothing(mistaken: str, production: Capture) -> None:
    """And keeps no exporter from the span, nor from those beside it."""
    with span("shop.ship", order="A-7"):
        MISTAKEN[mistaken](trace.get_current_span())
    (one,) = production.spans
    assert one.attributes["order"] == "A-7"
    assert encode_spans(production.exporter.get_finished_spans()).resource_spans


class Broken(SpanProcessor):
    """Somebody's processor of spans that has a mistake."""

    def on_end(self, span: object) -> None:
        raise RuntimeError("no room")


def test_a_processor_that_raises_does_not_reach_the_block(production: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its mistake is swallowed and counted, and what the block raises stays what it is."""

    def spill() -> None:
        monkeypatch.setattr(trace.get_current_span(), "_processor", Broken())
        raise KeyError("mine")

    before = telemetry.swallowed()
    with pytest.raises(KeyError), span("shop.ship"):
        spill()
    assert telemetry.swallowed() == before + 1
    assert production.count.open == 1


def test_a_property_that_an_operation_keeps_is_no_field(file: Path, captrace: Capture) -> None:
    """It is on no line and no span, and costs neither."""

    class Wrap(Operation[None], name="shop.wrap", completed=Line(Level.INFO, "order", when="it is wrapped")):
        """Wrapping."""

        order: Annotated[str, Field("Which.")]

        @cached_property
        def label(self) -> str:
            return f"label of {self.order}"

    wrap = Wrap(order="A-7")
    assert wrap.label == "label of A-7"
    with observe(wrap):
        pass
    assert dict(captrace.span("shop.wrap").attributes) == {"order": "A-7", "shop.outcome": "completed"}
    (line,) = read_lines(file)
    assert (line["event"], line["order"], "label" in line) == ("shop.wrap.completed", "A-7", False)


def test_an_operation_whose_span_cannot_be_started_has_its_lines(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where somebody's sampler raises."""

    def start(*_: object, **__: object) -> None:
        raise RuntimeError("no sampler")

    monkeypatch.setattr(emitter, "start", start)
    with observe(Ship(order="A-7")) as shipping:
        shipping.completed(Shipped(parcels=3))
    lines = {line["event"]: line for line in read_lines(file)}
    assert lines["shop.ship.started"]["order"] == "A-7"
    assert lines["shop.ship.completed"]["parcels"] == 3


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


def test_a_moment_without_its_zone_is_named_once(file: Path) -> None:
    """It is written as it is; one with a zone needs no warning."""

    class Sealed(Event, name="shop.sealed", level=Level.INFO, when="an order is sealed"):
        """An order was sealed."""

        at: Annotated[datetime, Field("When.")]

    for zone in (UTC, None, None):
        emit(Sealed(at=datetime(2026, 1, 1, tzinfo=zone)))
    (line,) = (line for line in read_lines(file) if line["event"] == "telemetry.problem")
    assert line["error_msg"] == "Sealed.at must be a moment with its time zone, not '2026-01-01T00:00:00'"


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_a_declared_number_that_json_has_not_is_null_on_its_line(number: float, file: Path) -> None:
    """Whoever reads numbers there meets no text."""

    class Poured(Event, name="shop.poured", level=Level.INFO, when="a cup is poured"):
        """A cup was poured."""

        litres: Annotated[float, Field("How much.", unit="L")]

    emit(Poured(litres=number))
    assert read_lines(file)[-1]["litres"] is None


def test_an_error_without_a_text_fails_its_operation(captrace: Capture) -> None:
    """Its class says what it was."""
    with pytest.raises(MuteError), observe(Ship(order="A-7")):
        raise MuteError
    assert captrace.tree().startswith("shop.ship failed")
    assert captrace.spans[0].status == "ERROR"
    assert captrace.lines[-1]["error_type"] == "MuteError"
    assert captrace.lines[-1]["error_msg"] == "[unprintable MuteError]"


@pytest.mark.parametrize("odd", ERRORS)
def test_an_error_that_misbehaves_fails_its_operation(odd: str, file: Path, shop: logging.Logger, captrace: Capture) -> None:
    """It is told on the span and on lines, its class in short and clean text, and comes out as it went in."""
    error = ERRORS[odd]
    with pytest.raises(type(error)) as raised, observe(Ship(order="A-7")):
        raise error
    assert raised.value is error
    with observe(Ship(order="A-8")) as shipping:
        shipping.failed(error)
    with span("shop.pack"):
        trace.get_current_span().record_exception(error)
    emit(Weighed(order="A-9", at=datetime(2026, 1, 1, tzinfo=UTC)), error=error)
    structlog.get_logger().error("theirs", exc_info=error)
    shop.error("standard", exc_info=(type(error), error, None))  # of an error alone it reads the traceback
    first, second, third = captrace.spans
    assert [(each.outcome, each.status) for each in (first, second)] == [("failed", "ERROR")] * 2
    assert [event.name for each in captrace.spans for event in each.events] == ["exception"] * 3
    assert len(str(first.attributes["error.type"])) <= 256
    assert third.events[0].attributes["exception.type"]
    assert {"theirs", "standard", "shop.weighed"} <= set(captrace.events())
    assert [line["order"] for line in captrace.lines if line["event"] == "shop.ship.failed"] == ["A-7", "A-8"]
    assert CANARY not in file.read_text() + str(captrace.spans)


def test_a_lines_own_keys_are_its_own(file: Path) -> None:
    """A field of that name stands beside them."""
    structlog.get_logger().info("x", timestamp=1, level=5, trace_id="mine", exception="none")
    logging.getLogger("shop").info("y", extra={"timestamp": 1, "level": 5, "logger": "mine"})
    with bind(level="bound"):
        structlog.get_logger().info("z")
    for line in read_lines(file):
        assert line["timestamp"].startswith("20")
        assert line["level"] == "info"
    first, second, third = read_lines(file)
    assert third["field_level"] == "bound"
    assert (first["field_timestamp"], first["field_level"], first["field_trace_id"]) == (1, 5, "mine")
    assert (second["logger"], second["field_logger"]) == ("shop", "mine")


def test_a_level_of_its_own_is_the_next_lower_one(file: Path) -> None:
    """An application may have levels between ours; what is no level is said, and raises nothing."""
    shop, before = logging.getLogger("shop"), telemetry.swallowed()
    for level in (15, 25, 35, 60):
        shop.log(level, "said")
    assert [line["level"] for line in read_lines(file)] == ["debug", "info", "warning", "critical"]
    telemetry.write_line("info", "said")  # type: ignore[arg-type]  # the mistake
    assert telemetry.swallowed() == before + 1


@pytest.mark.parametrize("code", ["caf\udce9", "x" * 100_000, f"code {SECRET}", property(lambda _: 1 / 0), 5, None])
def test_an_errors_own_code_may_be_anything(code: Any, captrace: Capture) -> None:
    """It stands on the span as short and clean text, or the class does."""
    odd = type("OddError", (Exception,), {"error_type": code})
    with pytest.raises(odd), observe(Ship(order="A-7")):
        raise odd
    (one,) = captrace.spans
    assert one.outcome == "failed"
    assert captrace.lines[-1]["error_type"] == one.attributes["error.type"]
    assert len(str(one.attributes["error.type"]).encode()) <= 256
    assert CANARY not in str(one.attributes["error.type"])


class Unlock(Operation[None], name="shop.unlock", completed=Line(Level.INFO, "password", when="it is open")):
    """An operation with a field whose name says that its value is secret."""

    password: Annotated[str, Field("What opens it.")]


@pytest.mark.parametrize("value", [4711, 47.11, "4711"])
def test_a_secret_field_is_redacted_whatever_its_type(value: Any, file: Path, captrace: Capture) -> None:
    """Usual numbers, too, which otherwise stay as they are without a closer look."""
    with observe(Unlock(password=value)):
        pass
    (line,) = read_lines(file)
    assert (line["password"], captrace.span("shop.unlock").attributes["password"]) == (REDACTED, REDACTED)
