"""What others say through the standard library's loggers is a line with all that they said, and is not said too often."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from io import StringIO
from types import SimpleNamespace

import pytest

import telemetry
from telemetry import _health
from telemetry._lines import standard, writing
from telemetry.settings import TelemetrySettings
from telemetry.testing import Capture
from tests.telemetry.odd import Doubtful, MuteError


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(autouse=True)
def _nothing_afterwards() -> Iterator[None]:
    """The next test writes to no stream of this one."""
    yield
    writing.configure(TelemetrySettings())


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the loggers."""
    clock = Clock()
    monkeypatch.setattr(standard, "time", SimpleNamespace(monotonic=clock))
    return clock


@pytest.fixture
def exporter(captrace: Capture) -> logging.Logger:
    """The logger of an exporter that has said nothing yet."""
    writing.configure(TelemetrySettings())
    return logging.getLogger("opentelemetry.exporter.otlp.proto.http")


def said(captrace: Capture) -> list[tuple[str, str]]:
    """Return the events so far, each with its level, and forget them."""
    found = [(line["event"], line["level"]) for line in captrace.lines]
    captrace.clear()
    return found


def test_what_an_exporter_repeats_is_told_again_after_a_minute(
    exporter: logging.Logger, captrace: Capture, clock: Clock
) -> None:
    """The minute begins with what was told, not with what was repeated in it; another word has a minute of its own."""
    for seconds in (0, 30, 59.5, 60, 119.5, 120):
        clock.seconds = 1000 + seconds
        exporter.warning("no answer, retrying in %ss", seconds)
    exporter.warning("refused")
    levels = ["warning", "debug", "debug", "warning", "debug", "warning", "warning"]
    assert [level for _, level in said(captrace)] == levels


def test_as_many_as_256_words_of_exporters_are_remembered(exporter: logging.Logger, captrace: Capture, clock: Clock) -> None:
    """With one more all are forgotten, and told again: whoever makes up words endlessly takes no more memory."""
    words = [f"no answer from {number}" for number in range(256)]
    for word in words * 2:
        exporter.warning(word)
    assert said(captrace) == [*((word, "warning") for word in words), *((word, "debug") for word in words)]
    for word in ("one more", words[0], words[0]):
        exporter.warning(word)
    assert said(captrace) == [("one more", "warning"), (words[0], "warning"), (words[0], "debug")]


@pytest.mark.parametrize("library", ["django.db.backends", "kombu.transport", "urllib3.connectionpool"])
def test_what_is_for_whoever_works_on_a_library_is_no_line(
    library: str, captrace: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its INFO is, and everyone else's DEBUG."""
    for name in standard._QUIET:
        monkeypatch.setattr(logging.getLogger(name), "level", logging.NOTSET)
    logging.getLogger("kombu.transport")._cache.clear()  # type: ignore[attr-defined]  # of what is enabled
    writing.configure(TelemetrySettings())
    for name in (library, "shop"):
        logging.getLogger(name).debug("for developers")
        logging.getLogger(name).info("for operators")
    assert [(line["logger"], line["level"]) for line in captrace.lines] == [
        (library, "info"),
        ("shop", "debug"),
        ("shop", "info"),
    ]


def test_celery_s_word_on_a_task_that_went_well_keeps_its_level(captrace: Capture) -> None:
    """There is no error that a line could have told."""
    writing.configure(TelemetrySettings())
    logging.getLogger("celery.app.trace").info("Task %s succeeded", "shop.bake")
    assert said(captrace) == [("Task shop.bake succeeded", "info")]


@pytest.mark.parametrize(
    ("template", "arguments", "event"),
    [
        ("%d of %.1f: %s", (1500, 0.25, MuteError()), "1500 of 0.2: [unprintable MuteError]"),
        ("%(n)d: %(why)s", ({"n": 1500, "why": MuteError()},), "1500: [unprintable MuteError]"),
        ("%s and %s", (1,), "%s and %s (1,)"),
        ("%d loaves", ("no",), "%d loaves ('no',)"),
        ("%s", (1 << 20_000,), "[unprintable int]"),
        (MuteError(), (), "[unprintable MuteError]"),
        (MuteError(), None, "[unprintable MuteError]"),
    ],
    ids=["numbers", "by names", "too few", "another type", "huge", "no text", "no arguments"],
)
def test_a_record_says_as_much_as_can_be_said_of_it(
    template: object, arguments: tuple[object, ...] | None, event: str, captrace: Capture
) -> None:
    """What fits is where it belongs; what does not stands behind its template."""
    writing.configure(TelemetrySettings())
    ours().handle(logging.LogRecord("shop", logging.WARNING, __file__, 1, template, arguments, None))
    assert said(captrace) == [(event, "warning")]


def ours() -> logging.Handler:
    """Return the handler of every logger: pytest's own cannot take what a test may give to this one."""
    (found,) = (handler for handler in logging.getLogger().handlers if isinstance(handler, standard._Handler))
    return found


def test_a_record_that_is_no_line_is_counted_and_raises_nothing() -> None:
    """It is a mistake of ours, or of whoever made the record."""
    writing.configure(TelemetrySettings())
    before = telemetry.swallowed()
    ours().handle(logging.makeLogRecord({"msg": "failed", "exc_info": Doubtful()}))
    assert telemetry.swallowed() == before + 1


def test_a_record_without_a_name_is_a_line(captrace: Capture) -> None:
    """As one is that came over a socket with nothing but its message."""
    writing.configure(TelemetrySettings())
    ours().handle(logging.makeLogRecord({"msg": "from afar", "levelno": logging.ERROR}))
    assert said(captrace) == [("from afar", "error")]


class LimitError(Exception):
    """The host's own."""


class Struck:
    """Something whose text takes so long that the host's limit strikes, which it does once."""

    is_struck = False

    def __str__(self) -> str:
        if self.is_struck:
            return "late"
        self.is_struck = True
        raise LimitError


class StruckTemplate(str):
    """A template that takes too long to be filled."""

    __slots__ = ()

    def __mod__(self, _: object) -> str:
        raise LimitError


@pytest.mark.parametrize("is_filled_again", [False, True])
def test_what_is_the_host_s_and_only_strikes_in_a_record_is_raised(
    is_filled_again: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A time limit ends the task, whatever that was just saying, also while a wrong record is made a line."""
    monkeypatch.setattr(_health._health, "passing", (LimitError,))
    if is_filled_again:
        monkeypatch.setattr(standard, "text_of", StruckTemplate)
    writing.configure(TelemetrySettings())
    record = {"msg": "%d loaves", "args": ("no",)} if is_filled_again else {"msg": "%s", "args": (Struck(),)}
    with pytest.raises(LimitError):
        ours().handle(logging.makeLogRecord(record))


@pytest.mark.parametrize(
    ("level", "enabled"),
    [(5, [False, True, True]), (10, [False, True, True]), (20, [False, False, True]), (30, [False, False, False])],
)
def test_a_record_that_nobody_would_have_is_not_even_made(level: int, enabled: list[bool]) -> None:
    """Below the stream's level where there is no file; and never what is below DEBUG."""
    writing.configure(TelemetrySettings(log_format="json", log_level=level), stream=StringIO())
    assert [logging.getLogger("shop").isEnabledFor(each) for each in (5, 10, 20)] == enabled


def test_whatever_else_a_record_has_is_on_its_line(captrace: Capture) -> None:
    """One that is called like the name of the logger stands beside that."""
    writing.configure(TelemetrySettings())
    logging.getLogger("shop").warning("sold out", extra={"bread": "rye", "logger": "mine", "left": 0})
    (line,) = captrace.lines
    del line["timestamp"]
    assert line == {
        "level": "warning",
        "event": "sold out",
        "logger": "shop",
        "bread": "rye",
        "field_logger": "mine",
        "left": 0,
    }


def test_what_celery_adds_to_its_records_is_left_out(captrace: Capture) -> None:
    """It is what the message says, once more; another's `data` is a field like any."""
    writing.configure(TelemetrySettings())
    for name in ("celery.app.trace", "shop"):
        logging.getLogger(name).info("received", extra={"data": "all of it"})
    assert [line.get("data") for line in captrace.lines] == [None, "all of it"]
