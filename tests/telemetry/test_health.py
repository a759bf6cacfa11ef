"""Telemetry's own errors are swallowed, counted, and said once a minute, as a line or where lines cannot be written."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
import structlog

import telemetry
from telemetry import _health
from telemetry._lines import writing
from telemetry.reading import read_lines
from telemetry.settings import TelemetrySettings
from tests.telemetry.canary import CANARY, SECRETS
from tests.telemetry.odd import ERRORS, MuteError


class Full(io.StringIO):
    """A stream on a full disk."""

    def write(self, _text: str) -> int:
        raise OSError(28, "No space left on device")


@pytest.fixture(autouse=True)
def _nothing_said_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever other tests made telemetry say is forgotten."""
    monkeypatch.setattr(_health._health, "said_at", {})
    yield
    writing.configure(TelemetrySettings())


def test_what_is_swallowed_is_a_line(tmp_path: Path) -> None:
    """Once for each kind, with its traceback, without secrets, and with the count of all so far."""
    path = tmp_path / "lines"
    writing.configure(TelemetrySettings(log_file=path))
    before = telemetry.swallowed()
    for _ in range(3):
        telemetry.problem(ValueError(f"cannot take {SECRETS[0]}"))
    telemetry.problem(KeyError("another"))
    telemetry.problem(MuteError())
    lines = read_lines(path)
    assert [(line["level"], line["event"], line["error_type"], line["error_msg"]) for line in lines] == [
        ("warning", "telemetry.problem", "ValueError", "cannot take [redacted]"),
        ("warning", "telemetry.problem", "KeyError", "'another'"),
        ("warning", "telemetry.problem", "MuteError", "[unprintable MuteError]"),
    ]
    assert [line["swallowed"] - before for line in lines] == [1, 4, 5]


def test_a_sink_that_fails_costs_no_other_its_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The host goes on, and it is said where it still can be."""
    path = tmp_path / "lines"
    writing.configure(TelemetrySettings(log_file=path, log_format="json", log_level=10), stream=Full())
    structlog.get_logger().info("kept")
    events = [line["event"] for line in read_lines(path)]
    assert events == ["kept", "telemetry.problem"]
    assert "No space left" in capsys.readouterr().err


def test_lines_that_are_lost_are_said_whatever_was_said_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A full disk has kept something else from its file, which could still be written down; lines, later, cannot."""
    path = tmp_path / "lines"
    writing.configure(TelemetrySettings(log_file=path))
    telemetry.problem(OSError(28, "No space left on device"))
    assert (len(read_lines(path)), capsys.readouterr().err) == (1, "")
    path.unlink()
    path.symlink_to("/dev/full")
    writing.configure(TelemetrySettings(log_file=path))
    for _ in range(3):
        structlog.get_logger().info("lost")
    assert capsys.readouterr().err.count("No space left on device") == 1


def test_without_a_sink_it_is_said_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """On one line, bounded, without secrets and with nothing that acts on a terminal."""
    writing.configure(TelemetrySettings())
    telemetry.problem(ValueError(f"cannot\x1b[2J\ntake {SECRETS[0]} {'x' * 3_000_000}"))
    shown = capsys.readouterr().err
    assert shown.startswith(r"telemetry: ValueError: 'cannot\x1b[2J\ntake [redacted] xxx")
    assert len(shown) < 2_000
    assert shown.count("\n") == 1
    assert CANARY not in shown


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_of_any_class_is_swallowed(
    error: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it answers, and whatever its class is called, also where some errors are the host's."""
    monkeypatch.setattr(_health._health, "passing", (TimeoutError,))
    writing.configure(TelemetrySettings())
    telemetry.problem(ERRORS[error])
    telemetry.problem(type("\x1b[2J\n", (ValueError,), {})())
    shown = capsys.readouterr().err
    assert "\x1b" not in shown
    assert CANARY not in shown
    assert all(line.startswith("telemetry: ") for line in shown.splitlines())


def test_an_error_whose_text_writes_a_line_locks_nothing(tmp_path: Path) -> None:
    """Whatever its `__str__` does, it does it outside our lock."""

    class LoggingError(Exception):
        def __str__(self) -> str:
            telemetry.problem(ValueError("inner"))
            return "outer"

    writing.configure(TelemetrySettings(log_file=tmp_path / "lines"))
    thread = threading.Thread(target=telemetry.problem, args=(LoggingError(),), daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()


def test_a_child_is_not_held_up_by_a_lock_of_its_parent(tmp_path: Path) -> None:
    """Another thread may have held it as the process forked."""
    writing.configure(TelemetrySettings(log_file=tmp_path / "lines"))
    with _health._health.lock:
        child = os.fork()
        if not child:
            telemetry.problem(ValueError("in the child"))
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert [line["error_msg"] for line in read_lines(tmp_path / "lines")] == ["in the child"]


def test_somebodys_chain_that_raises_breaks_nothing() -> None:
    """A processor of theirs is theirs, the line was ours."""
    writing.configure(TelemetrySettings())
    config, before = structlog.get_config(), telemetry.swallowed()

    def refuse(*_: object) -> str:
        raise RuntimeError("no")

    structlog.configure(processors=[refuse])
    try:
        telemetry.write_line(40, "said", {"self": 1})
    finally:
        structlog.configure(**config)
    assert telemetry.swallowed() == before + 1


@pytest.mark.parametrize("is_strict", [False, True])
def test_an_error_on_a_thread_of_ours_is_never_raised(is_strict: bool, tmp_path: Path) -> None:
    """It is counted and said; where errors are strict, whoever would see it raised is not there."""
    writing.configure(TelemetrySettings(log_file=tmp_path / "lines"))
    before = telemetry.swallowed()
    with _health.strict() if is_strict else nullcontext():
        _health.aside(ValueError("on a thread"))
    said = [line["error_msg"] for line in read_lines(tmp_path / "lines")] if (tmp_path / "lines").exists() else []
    assert (telemetry.swallowed() - before, said) == ((0, []) if is_strict else (1, ["on a thread"]))


def test_a_limit_that_strikes_while_an_error_is_said_is_its_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a task's soft time limit is, in the middle of somebody's `__str__`; any other error there only has no text."""

    class LimitError(Exception):
        pass

    class SlowError(Exception):
        def __str__(self) -> str:
            raise LimitError

    writing.configure(TelemetrySettings())
    telemetry.problem(SlowError())
    monkeypatch.setattr(_health._health, "passing", ())
    _health.let_pass(LimitError)
    with pytest.raises(LimitError):
        telemetry.problem(SlowError())


def test_of_a_long_error_its_beginning_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """At most 1,024 characters, of 4,096 that are looked at: a secret among these is redacted before anything is cut."""
    writing.configure(TelemetrySettings())
    telemetry.problem(ValueError("x" * 5_000))
    assert capsys.readouterr().err == f"telemetry: ValueError: '{'x' * 1_024}'\n"
    secret = f"password={CANARY}{'s' * 3_900} "
    telemetry.problem(KeyError(secret + "x" * 5_000))
    shown = capsys.readouterr().err
    assert (shown.count("[redacted]"), shown.count("x")) == (1, 4_096 - len(f"'{secret}"))
