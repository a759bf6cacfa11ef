"""A traceback is written once for each sink and each raise, and whatever is said of an error, the error stays as it was."""

from __future__ import annotations

import copy
import io
import json
import logging
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

import telemetry
from telemetry import _health
from telemetry._boundary import LIMIT, traceback_of
from telemetry._lines import writing
from telemetry.reading import read_lines
from telemetry.settings import TelemetrySettings
from tests.telemetry.odd import Doubtful


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """Write lines to a file."""
    path = tmp_path / "logs.jsonl"
    writing.configure(TelemetrySettings(log_file=path))
    yield path
    writing.configure(TelemetrySettings())


@pytest.mark.parametrize("exc_info", [False, None, 0, "", (), (None, None, None), (1,), ("a", "b", "c")])
def test_exc_info_that_means_nothing(exc_info: Any, file: Path) -> None:
    """As the standard library has it."""
    structlog.get_logger().error("plain", exc_info=exc_info)
    logging.getLogger("shop").error("plain", exc_info=exc_info if exc_info in (False, None, (None, None, None)) else None)
    assert [("exception" in line, "exc_info" in line) for line in read_lines(file)] == [(False, False)] * 2


@pytest.mark.parametrize("exc_info", [True, 1, "yes", ValueError("given"), (ValueError, ValueError("given"), None)])
def test_exc_info_that_means_an_error(exc_info: Any, file: Path) -> None:
    """The one that is handled, the one given, or a triple's."""
    try:
        raise KeyError("handled")
    except KeyError:
        structlog.get_logger().error("failed", exc_info=exc_info)
        logging.getLogger("shop").warning("failed", exc_info=exc_info)
    first, second = read_lines(file)
    word = "handled" if isinstance(exc_info, bool | int | str) else "given"
    assert word in first["exception"]
    assert word in second.get("exception", first["exception"])


def test_exc_info_that_is_a_pair_means_its_error(file: Path) -> None:
    """As some pass on what they have of a triple."""
    structlog.get_logger().error("failed", exc_info=(ValueError, ValueError("given")))
    assert [line["exception"] for line in read_lines(file)] == ["ValueError: given\n"]


def test_exc_info_that_is_neither_true_nor_false_means_the_error_that_is_handled(file: Path) -> None:
    """It is not nothing, and the line is there."""
    try:
        raise KeyError("handled")
    except KeyError:
        structlog.get_logger().error("failed", exc_info=Doubtful())
    structlog.get_logger().error("none", exc_info=Doubtful())
    first, second = read_lines(file)
    assert first["exception"].endswith("KeyError: 'handled'\n")
    assert (second["event"], "exception" in second) == ("none", False)


@pytest.mark.parametrize("way", ["structlog", "standard"])
def test_a_stack_that_was_asked_for_is_there(way: str, file: Path) -> None:
    """As `stack`, on the line of whoever asked."""
    log = structlog.get_logger() if way == "structlog" else logging.getLogger("shop")
    log.warning("here", stack_info=True)
    (line,) = read_lines(file)
    assert "test_a_stack_that_was_asked_for_is_there" in line["stack"]
    assert "stack_info" not in line


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


def test_an_error_whose_traceback_was_taken_away_has_a_new_one_on_its_line(file: Path) -> None:
    """Whoever keeps an error to raise it later takes the old one off; what was told of it says nothing of this raise."""
    shop, error = logging.getLogger("shop"), ValueError("spilt")
    for _ in range(2):
        try:
            raise error.with_traceback(None)
        except ValueError:
            shop.error("failed", exc_info=True)
            shop.error("repeated", exc_info=True)
    assert [(line["event"], "exception" in line) for line in read_lines(file)] == [
        ("failed", True),
        ("repeated", False),
    ] * 2


def test_an_error_that_was_told_before_it_was_raised_has_its_traceback_then(file: Path) -> None:
    """The line before could not say where it came from."""
    error = ValueError("spilt")
    telemetry.write_line(40, "told", error=error)
    try:
        raise error
    except ValueError:
        logging.getLogger("shop").error("failed", exc_info=True)
    told, failed = read_lines(file)
    assert (told["event"], told["exception"]) == ("told", "ValueError: spilt\n")
    assert (failed["event"], failed["exception"].endswith("ValueError: spilt\n")) == ("failed", True)
    assert "in test_an_error_that_was_told_before_it_was_raised" in failed["exception"]


def test_a_sink_that_failed_has_no_traceback_yet(tmp_path: Path) -> None:
    """The next line of the same error has it."""

    class Once(io.StringIO):
        """A stream whose first write fails."""

        failed = False

        def write(self, text: str) -> int:
            if not self.failed:
                self.failed = True
                raise OSError(28, "No space left on device")
            return super().write(text)

    stream = Once()
    writing.configure(TelemetrySettings(log_format="json", log_level=10), stream=stream)
    try:
        raise ValueError("spilt")
    except ValueError:
        logging.getLogger("shop").error("lost", exc_info=True)
        logging.getLogger("shop").error("written", exc_info=True)
    finally:
        writing.configure(TelemetrySettings())
    written = [line for line in map(json.loads, stream.getvalue().splitlines()) if line["event"] == "written"]
    assert "ValueError: spilt" in written[0]["exception"]


def test_an_error_that_was_written_is_still_an_error(file: Path) -> None:
    """It can be pickled, as on its way from one of Celery's processes to another, and copied."""
    try:
        raise ValueError("spilt")
    except ValueError as caught:
        telemetry.write_line(40, "failed", error=caught)
        error = caught
    for another in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):  # noqa: S301
        assert (type(another), another.args) == (ValueError, ("spilt",))
        telemetry.write_line(40, "again", error=another)
        pickle.dumps(another)
    assert [line["exception"].endswith("ValueError: spilt\n") for line in read_lines(file)] == [True] * 4


def test_a_traceback_is_that_of_the_moment(file: Path) -> None:
    """A note, a cause or another frame that came since are in it."""
    error = ValueError("spilt")
    telemetry.write_line(40, "first", error=error)
    error.add_note("on the floor")
    telemetry.write_line(40, "second", error=error)
    error.__cause__ = KeyError("milk")
    telemetry.write_line(40, "third", error=error)
    first, second, third = (line["exception"] for line in read_lines(file))
    assert "on the floor" not in first
    assert "on the floor" in second
    assert "KeyError: 'milk'" in third


def test_a_large_traceback_keeps_where_and_what(file: Path) -> None:
    """The message of three megabytes is cut in its middle."""
    try:
        raise ValueError("x" * 3_000_000 + " the end")
    except ValueError as error:
        telemetry.write_line(40, "failed", error=error)
    (line,) = read_lines(file)
    assert len(line["exception"]) < LIMIT + 100
    assert line["exception"].startswith("Traceback (most recent call last):\n")
    assert line["exception"].endswith(" the end\n")


def test_a_traceback_is_made_once_until_its_error_has_changed() -> None:
    """The same text for its span and its lines; another one once it was raised elsewhere, has a cause, or a note."""
    error, cause = ValueError("no"), KeyError("why")
    told = traceback_of(error)
    assert traceback_of(error) is told
    changes: list[tuple[Callable[[], None], str]] = [
        (lambda: error.add_note("by the way"), "by the way"),
        (lambda: setattr(error, "__context__", cause), "During handling of the above exception"),
        (lambda: setattr(error, "__cause__", cause), "direct cause"),
        (lambda: _raise(error), "_raise"),
    ]
    for change, said in changes:
        assert said not in told
        change()
        told = traceback_of(error)
        assert said in told
        assert traceback_of(error) is told


def _raise(error: Exception) -> None:
    try:
        raise error
    except ValueError:
        pass


def test_an_error_that_cannot_be_told_whole_is_told_in_part() -> None:
    """Its type and its text; but what is the host's and only struck here is raised."""

    class LimitError(Exception):
        pass

    class OddError(Exception):
        strikes: Exception = TypeError("no notes")

        @property
        def __notes__(self) -> list[str]:  # type: ignore[override]  # it has what no error should
            raise self.strikes

    assert traceback_of(OddError("why")) == "OddError: why\n"
    _health.let_pass(LimitError)
    OddError.strikes = LimitError()
    with pytest.raises(LimitError):
        traceback_of(OddError("why"))
