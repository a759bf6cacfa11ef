"""Whatever a text of others holds, it shows, and does nothing to the terminal: the way of every command's output."""

from __future__ import annotations

import re
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.console.results import Result
from apps.console.terminal.colours import BAD, painted, plain
from apps.console.terminal.escaping import as_json, visible_lines
from apps.console.terminal.line_texts import LineTexts
from apps.console.terminal.printing import PrintingCommand
from apps.console.terminal.result_texts import result_lines
from telemetry import visible
from tests.console.terminal.hostile import acting, encodable_texts, texts

TRACE = "0af7651916cd43dd8448eb211c80319c"
with_files = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | encodable_texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(encodable_texts, inner, max_size=4),
    max_leaves=8,
)
lines = st.dictionaries(
    st.sampled_from(["timestamp", "level", "event", "exception", "team_id", "error"]) | encodable_texts, json_values
)


class Screen(StringIO):
    """A terminal's end of a command's output."""

    def isatty(self) -> bool:
        """Say that somebody looks."""
        return True


@pytest.fixture(params=[None, 60], ids=["elsewhere", "terminal"])
def out(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> type[StringIO]:
    """Return where a command prints: to a program, or at a terminal."""
    monkeypatch.setenv("COLUMNS", str(request.param))
    return StringIO if request.param is None else Screen


class Echo(PrintingCommand):
    """Prints what it is given, or fails with it."""

    stealth_options = ("text", "fails")
    requires_system_checks = ()

    def handle(self, *_: Any, **options: Any) -> None:
        """Print or fail."""
        if options["fails"]:
            raise CommandError(options["text"])
        self.say(options["text"])
        self.say_wrapped(options["text"])


@given(text=texts)
@with_files
def test_a_command_prints_one_line_for_one_text(text: str, out: type[StringIO]) -> None:
    """Nothing in it can end the line or act, nor in the error that it fails with."""
    printed = out()
    call_command(Echo(stdout=printed), text=text, fails=False, no_color=True)
    first, *wrapped = printed.getvalue().split("\n")
    assert first == visible(text)
    assert out is Screen or wrapped == [visible(text).expandtabs(4), ""]
    assert not acting(printed.getvalue())
    with pytest.raises(CommandError) as failed:
        call_command(Echo(), text=text, fails=True)
    assert "\n" not in str(failed.value)
    assert not acting(str(failed.value))


@pytest.mark.parametrize(
    "secret",
    [
        "ghp_" + "a" * 36,
        "https://ada:hunter2@github.com/a/b",
        "ada:hunter2@github.com/a/b",
        "https://h/x?private_token=hunter2",
    ],
)
def test_an_error_repeats_no_secret(secret: str) -> None:
    """Whoever pastes one in the wrong place is told what is wrong with it, in argparse's words, too."""
    said = []
    with pytest.raises(CommandError) as failed:
        call_command(Echo(), text=f"{secret!r} is no name.", fails=True)
    said.append(str(failed.value))
    with pytest.raises(CommandError) as refused:
        call_command("telemetry", secret)
    said.append(str(refused.value))
    for each in said:
        assert "hunter2" not in each
        assert "a" * 36 not in each


@pytest.mark.parametrize("value", ["a\x00b", "\udcff", "a\ud800"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["runs", "--team"],
        ["freshness", "--team"],
        ["resume", "1", "--repository"],
        ["sync", "--org"],
        ["sync", "a/b", "--team"],
        ["sync", "a/b", "--installation"],
        ["sync", "a/b", "--api-url"],
    ],
)
def test_a_value_that_is_no_text_is_refused(arguments: list[str], value: str) -> None:
    """Bytes that are no UTF-8 come as halves of characters, which no database takes."""
    with pytest.raises(CommandError, match="write it as text"):
        call_command(*arguments, value)


@given(json_values)
def test_json_stays_json(value: Any) -> None:
    """What is invisible stands as JSON's own escapes, and reads back as it was."""
    text = as_json(value)
    assert orjson.loads(text) == value
    assert "\n" not in text
    assert not acting(text)


@given(texts)
def test_a_traceback_keeps_its_lines_alone(text: str) -> None:
    """Its other line ends show."""
    assert visible_lines(text).count("\n") == text.count("\n")
    assert not acting(visible_lines(text))


RESULT = Result(
    repository="o/n",
    outcome="gone",
    pull_requests=0,
    pull_requests_read=0,
    pull_requests_in_all=0,
    reviews=0,
    commits=0,
    files=0,
    requests=1,
    points=0,
    duration_sec=0.1,
    trace_id=TRACE,
    error_type="not_found",
    error_msg="GitHub: 404",
)


@given(texts, texts, texts, texts, st.none() | st.integers(20, 120))
def test_a_result_acts_nowhere(repository: str, error: str, kind: str, note: str, width: int | None) -> None:
    """Whatever repository and error are called."""
    result = replace(RESULT, repository=repository, error_msg=error, error_type=kind, note=note)
    for line in result_lines(result, width=width):
        assert "\n" not in line
        assert not acting(line)
    assert not acting(as_json(result.as_json()))


def test_a_result_says_what_is_stored_and_what_is_not() -> None:
    """What cannot be had comes with its reason, and without counts of nothing."""
    assert list(result_lines(RESULT, width=None)) == [
        "o/n  gone  1 request  0 points  0.1 s",
        "  not_found: GitHub: 404. Check the name. If the repository is private, give the token access to it.",
    ]
    renamed = replace(RESULT, outcome="renamed", error_type="", error_msg="", note="It was a/b.")
    whole = replace(renamed, pull_requests=1, pull_requests_in_all=1, commits=2_328)
    assert list(result_lines(whole, width=None)) == [
        (
            "o/n  renamed  read now: 0 pull requests  stored in all: 1 pull request  0 reviews  2,328 commits  0 files  "
            "1 request  0 points  0.1 s"
        ),
        "  It was a/b.",
    ]


def test_a_number_of_pull_requests_says_what_it_counts() -> None:
    """What a run has read, what is stored of its window, and what is stored in all; a resumed run reads what is left."""
    synced = replace(RESULT, outcome="synced", error_type="", error_msg="", has_window=True, takes_up=7)
    counts = replace(synced, pull_requests=30, pull_requests_read=4, pull_requests_in_all=1_949)
    assert list(result_lines(counts, width=None)) == [
        (
            "o/n  synced  read now and by run 7: 4 pull requests  stored of the window: 30 pull requests  0 reviews  "
            "0 commits  0 files  stored in all: 1,949 pull requests  1 request  0 points  0.1 s"
        )
    ]
    assert list(counts.as_json().items())[2:5] == [
        ("pull_requests", 30),
        ("pull_requests_read", 4),
        ("pull_requests_in_all", 1_949),
    ]


@given(lines, st.none() | st.integers(20, 120))
def test_a_line_as_text_acts_nowhere(line: dict[str, Any], width: int | None) -> None:
    """Whatever its fields are, and whatever is in them."""
    for pieces in LineTexts([line], width=width).of(line):
        assert "\n" not in plain(pieces)
        assert not acting(plain(pieces))
        assert not acting(re.sub(r"\x1b\[[0-9;]+m", "", painted(pieces)))  # our colours, and nothing else


def test_a_line_as_text_is_for_people() -> None:
    """The traceback stands below, without what no person reads."""
    line = {
        "timestamp": "2026-01-01T12:00:00.123456Z",
        "level": "error",
        "event": "sync.repo.failed",
        "team_id": 1,
        "error_msg": "GitHub: 500",
        "reset_at": None,
        "trace_id": TRACE,
        "span_id": "b" * 16,
        "trace_flags": 3,
        "exception": f'Traceback:\n  File "{Path.cwd()}/a.py", line 1\n    ask()\n    ~~~^^\nServerError: 500',
    }
    texts = LineTexts([line, line], width=90)
    assert list(map(plain, texts.of(line))) == [
        "── 2026-01-01 UTC",
        '12:00:00.123  error    sync.repo.failed  team_id=1  error_msg="GitHub: 500"  reset_at=null',
        f"                                         trace_id={TRACE}",
        "    Traceback:",
        '      File "a.py", line 1',
        "        ask()",
        "    ServerError: 500",
    ]
    again = list(map(plain, texts.of({**line, "exception": None})))  # date and ids are those of the line before
    assert again == ['12:00:00.123  error    sync.repo.failed  team_id=1  error_msg="GitHub: 500"  reset_at=null']
    assert [piece for piece, colour in next(iter(texts.of(line))) if colour == BAD] == ["error    ", "sync.repo.failed"]


def test_a_sentence_as_event_is_not_broken_inside_a_word() -> None:
    """Its fields stand below."""
    line = {"timestamp": "2026-01-01T12:00:00Z", "level": "info", "event": f"Task tasks.sync[{TRACE}] succeeded", "n": 1}
    _, *shown = map(plain, LineTexts([line], width=70).of(line))
    assert shown == [
        "12:00:00      info     Task",
        f"                       tasks.sync[{TRACE}]",
        "                       succeeded",
        "                         n=1",
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("command", ["trace", "logs"])
@with_files
@given(name=texts.filter(lambda name: name and not name.startswith("-")))
def test_names_that_people_give_act_nowhere(command: str, name: str) -> None:
    """Also as the value of KEY=VALUE, or where no argument is expected."""
    for arguments in ([name], [f"trace_id={name}"], [f"team_id={name}"], ["7", name], ["7", f"--no-such={name}"]):
        with pytest.raises(CommandError) as failed:
            call_command(command, *arguments, stdout=StringIO())
        assert not acting(str(failed.value))
        assert "\n" not in str(failed.value)


@pytest.mark.django_db
@given(written=st.lists(lines, min_size=1, max_size=3))
@with_files
def test_logs_act_nowhere(written: list[dict[str, Any]], tmp_path: Path, out: type[StringIO]) -> None:
    """As text at a terminal, and as JSON lines elsewhere, which stay valid."""
    file = tmp_path / "lines"
    file.write_bytes(b"".join(orjson.dumps({**line, "trace_id": TRACE}) + b"\n" for line in written))
    printed = out()
    with override_settings(SYNCTRACE_LOG_FILE=file):
        call_command("logs", TRACE, stdout=printed, no_color=True)
    assert not acting(printed.getvalue())
    if out is not Screen:
        found = [orjson.loads(one) for one in printed.getvalue().split("\n")[:-1]]
        assert sorted(map(str, found)) == sorted(str({**line, "trace_id": TRACE}) for line in written)


span_values = st.builds(lambda text: {"stringValue": text}, encodable_texts)


@pytest.mark.django_db
@given(
    names=st.lists(encodable_texts | st.sampled_from(["sync.repo", "sync.db.write", "run/a.b"]), min_size=1, max_size=4),
    values=st.lists(span_values, min_size=4, max_size=4),
)
@with_files
def test_traces_act_nowhere(names: list[str], values: list[dict[str, str]], tmp_path: Path, out: type[StringIO]) -> None:
    """Whatever spans are called, and whatever they carry."""
    keys = ("full_name", "sync.outcome", "celery.attempt", "error.type")
    attributes = [{"key": key, "value": value} for key, value in zip(keys, values, strict=True)]
    times = {"startTimeUnixNano": "1", "endTimeUnixNano": "2"}
    spans = [
        {"name": name, "traceId": TRACE, "spanId": f"{number:016x}", **times, "attributes": attributes}
        for number, name in enumerate(names, start=1)
    ]
    (tmp_path / "spans").write_bytes(orjson.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}) + b"\n")
    printed = out()
    with override_settings(SYNCTRACE_TRACES_FILE=tmp_path / "spans"):
        call_command("trace", TRACE, stdout=printed, no_color=True)
    assert not acting(printed.getvalue())


@given(written=st.lists(lines, min_size=1, max_size=3), name=encodable_texts)
@with_files
def test_lines_that_break_the_catalog_act_nowhere(written: list[dict[str, Any]], name: str, tmp_path: Path) -> None:
    """Nor does the file's name."""
    file = tmp_path / f"lines {name.replace('/', '').replace(chr(0), '')[:40]}"
    broken = ({**line, "event": "sync.repo.started"} for line in written)
    file.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in broken) + b"rubbish\n")
    printed = StringIO()
    with pytest.raises(CommandError) as failed:
        call_command("catalog", "--check", str(file), stdout=printed)
    assert not acting(printed.getvalue() + str(failed.value))
    assert str(failed.value).startswith(f"{printed.getvalue().count(chr(10))} problems")
