"""What is exported of a process that is gone, as its journal says, by whoever reads that."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Collection, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

import telemetry
from telemetry import _journals
from telemetry._export.journal import Journal
from telemetry._export.obituaries import Undertaker
from tests.telemetry.test_journal import Keeping, content, tracing


def _journal_of_a_dead_process(folder: Path) -> bytes:
    journal = Journal(folder, most_waiting=9)
    journal.expect("file")
    with tracing(journal) as tracer:
        outer = tracer.start_span("outer", attributes={"text": "zwölf\n", "many": [1, 2.5, True, "x"]})
        with trace.use_span(outer):
            tracer.start_span("ended", links=[trace.Link(outer.get_span_context())]).end()
            inner = tracer.start_span("inner")
            inner.set_attribute("late", float("nan"))
        whole = content(folder)
    for path in _journals.files_in(folder):
        path.unlink()
    return whole


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A journal with two open spans, one of which has a child that has ended."""
    return _journal_of_a_dead_process(tmp_path_factory.mktemp("dead"))


@given(data=st.data())
def test_a_journal_that_is_torn_anywhere_has_what_was_whole(
    whole: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Cut at any byte, as a machine that stops leaves it, with anything behind; no span twice, none half."""
    cut = data.draw(st.integers(0, len(whole)))
    rest = data.draw(st.binary(max_size=30))
    folder = tmp_path_factory.mktemp("torn")
    (folder / "host-1-1.jsonl").write_bytes(whole[:cut] + rest)
    kept = Keeping()
    undertaker = Undertaker(folder, exporters=lambda: {"file": kept}, tell=lambda _: None, file=None)
    undertaker.look()
    undertaker.look()
    assert _journals.files_in(folder) == []
    assert sorted(set(kept.names)) == sorted(kept.names)
    lines = whole[:cut].split(b"\n")[1:]
    started = {
        name for name in ("outer", "ended", "inner") if any(f'"{name}","start"'.encode() in line for line in lines[:-1])
    }
    assert started <= set(kept.names) <= {"outer", "ended", "inner"}
    for span in kept.taken:
        assert span.end_time is not None
        assert span.start_time is not None
        assert span.end_time >= span.start_time


def test_a_line_of_somebody_else_spoils_only_itself(whole: bytes, tmp_path: Path) -> None:
    """Numbers, lists and words that no journal has."""
    header, *lines = whole.splitlines(keepends=True)
    odd = [b"1\n", b"[]\n", b'{"id": 3, "a": []}\n', b'{"trace": 1}\n', b'{"left": "file", "ids": 3}\n', b'{"at": "x"}\n']
    odd += [b'{"death": {"x": 1}}\n', b'{"gone": null}\n']
    (tmp_path / "h-1-1.jsonl").write_bytes(b"".join([header, *odd, *lines, *odd]))
    kept = Keeping()
    Undertaker(tmp_path, exporters=lambda: {"file": kept}, tell=lambda _: None, file=None).look()
    assert sorted(kept.names) == ["ended", "inner", "outer"]


def test_an_exporter_that_refuses_is_asked_again_and_no_other_twice(whole: bytes, tmp_path: Path) -> None:
    """What one has taken is written down before the next is asked; the journal stays until both have."""
    (tmp_path / "h-1-1.jsonl").write_bytes(whole.replace(b'"exporters":["file"]', b'"exporters":["file","otlp"]'))
    file, otlp = Keeping(), Keeping()
    otlp.refuses = True
    for refuses in (True, False, False):
        otlp.refuses = refuses
        Undertaker(tmp_path, exporters=lambda: {"file": file, "otlp": otlp}, tell=lambda _: None, file=None).look()
    assert sorted(file.names) == sorted(otlp.names) == ["ended", "inner", "outer"]
    assert _journals.files_in(tmp_path) == []


def test_a_journal_is_kept_for_an_exporter_that_is_not_here(whole: bytes, tmp_path: Path) -> None:
    """For a day."""
    path = tmp_path / "h-1-1.jsonl"
    path.write_bytes(whole.replace(b'"exporters":["file"]', b'"exporters":["file","otlp"]'))
    kept = Keeping()
    for _ in range(2):
        Undertaker(tmp_path, exporters=lambda: {"file": kept}, tell=lambda _: None, file=None).look()
    assert len(kept.names) == 3
    assert path.exists()
    os.utime(path, (time.time() - 86401, time.time() - 86401))
    Undertaker(tmp_path, exporters=lambda: {"file": kept}, tell=lambda _: None, file=None).look()
    assert len(kept.names) == 3
    assert not path.exists()


def test_a_journal_is_kept_for_whoever_is_here_and_refuses(whole: bytes, tmp_path: Path) -> None:
    """However long ago, whoever else it was for."""
    path = tmp_path / "h-1-1.jsonl"
    path.write_bytes(whole.replace(b'"exporters":["file"]', b'"exporters":["file","gone"]'))
    os.utime(path, (time.time() - 86401, time.time() - 86401))
    file = Keeping()
    file.refuses = True
    _undertaker(tmp_path, file=file).look()
    assert path.exists()
    file.refuses = False
    _undertaker(tmp_path, file=file).look()
    assert len(file.names) == 3


SPAN = {"trace": f"{1:032x}", "start": 1, "end": 2}


def _left_behind(folder: Path, *spans: dict[str, object], **process: object) -> None:
    """Write the journal of a process that is dead."""
    steps = ({"journal": 1, "at": 9, **process}, *spans)
    (folder / "h-1-1.jsonl").write_text("".join(json.dumps(step) + "\n" for step in steps))


def test_what_our_file_has_others_still_get(tmp_path: Path) -> None:
    """It has what is in it under the same trace: another's span may have the same id, and zeros are digits."""
    journals = tmp_path / "journal"
    journals.mkdir()
    ids = {"there": "a" * 16, "another's": "b" * 16}
    _left_behind(journals, *({**SPAN, "id": one, "name": name} for name, one in ids.items()), exporters=["file", "otlp"])
    path = tmp_path / "traces.jsonl"
    traces = (SPAN["trace"], f"{'2' * 31}1")
    path.write_text(
        "".join(f'{{"traceId":"{trace}","spanId":"{one}"}}\n' for trace, one in zip(traces, ids.values(), strict=True))
    )
    file, otlp = Keeping(), Keeping()
    Undertaker(journals, exporters=lambda: {"file": file, "otlp": otlp}, tell=lambda _: None, file=path).look()
    assert (file.names, otlp.names) == (["another's"], ["there", "another's"])


def test_each_span_of_a_journal_has_its_providers_resource(tmp_path: Path) -> None:
    """The first one's is in the journal's first line, another's with its spans."""
    resources = {name: [{"service.name": name}, f"https://{name}.test/1"] for name in ("shop", "bakery")}
    of_bakery = {**SPAN, "id": "b" * 16, "name": "of bakery", "resource": resources["bakery"]}
    of_shop = {**SPAN, "id": "a" * 16, "name": "of shop"}
    _left_behind(tmp_path, of_shop, of_bakery, exporters=["file"], resource=resources["shop"])
    kept = Keeping()
    _undertaker(tmp_path, file=kept).look()
    assert {span.name: [dict(span.resource.attributes), span.resource.schema_url] for span in kept.taken} == {
        f"of {name}": resource for name, resource in resources.items()
    }


def _undertaker(folder: Path | None, **exporters: SpanExporter) -> Undertaker:
    return Undertaker(folder, exporters=lambda: exporters, tell=lambda _: None, file=None)


def test_nobody_traces_how_spans_of_the_dead_are_exported(whole: bytes, tmp_path: Path) -> None:
    """Or each would be followed by those of its own request; afterwards all is traced again."""

    class Asking(Keeping):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            suppressed.append(otel_context.get_value(otel_context._SUPPRESS_INSTRUMENTATION_KEY))
            return super().export(spans)

    suppressed: list[object] = []
    (tmp_path / "h-1-1.jsonl").write_bytes(whole)
    _undertaker(tmp_path, file=Asking()).look()
    dead = _journals.read(whole)
    assert dead is not None
    _undertaker(None, file=Asking()).end(dead, exported_to=())
    assert suppressed == [True, True]
    assert otel_context.get_value(otel_context._SUPPRESS_INSTRUMENTATION_KEY) is None


def test_a_journal_that_somebody_removes_meanwhile_keeps_no_other_from_being_read(whole: bytes, tmp_path: Path) -> None:
    """Whoever cleans up does not ask us."""

    class Removing(Keeping):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            for path in tmp_path.iterdir():
                if path.read_bytes() == whole:
                    path.unlink()
            return super().export(spans)

    paths = [tmp_path / f"h-{number}-1.jsonl" for number in (1, 2)]
    for path, left in zip(paths, (whole, whole.replace(b'"inner"', b'"other"')), strict=True):
        path.write_bytes(left)
    kept, before = Removing(), telemetry.swallowed()
    _undertaker(tmp_path, file=kept).look()
    assert sorted(kept.names) == ["ended", "ended", "inner", "other", "outer", "outer"]
    assert (_journals.files_in(tmp_path), telemetry.swallowed()) == ([], before)


def test_a_child_looks_by_itself_whatever_its_parents_thread_was_at(whole: bytes, tmp_path: Path) -> None:
    """That was looking, too, as the process forked."""
    (tmp_path / "h-1-1.jsonl").write_bytes(whole)
    kept = Keeping()
    undertaker = _undertaker(tmp_path, file=kept)
    with undertaker._lock:
        child = os.fork()
        if not child:
            undertaker.look()
            os._exit(len(kept.taken))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3


@pytest.mark.parametrize("is_counted", [True, False])
def test_whom_a_mark_names_has_the_spans_if_its_account_has_counted_them(whole: bytes, is_counted: bool) -> None:
    """One that was noted without a mark has them in any case; so has one that takes them now, which is noted before."""
    dead = _journals.read(whole)
    assert dead is not None
    asked: list[tuple[str, str, int]] = []
    noted: list[list[str]] = []

    def counted(name: str, by: str, number: int) -> bool:
        asked.append((name, by, number))
        return is_counted

    kept = {name: Keeping() for name in ("file", "otlp", "third")}
    undertaker = Undertaker(None, exporters=lambda: kept, tell=lambda _: None, file=None, is_counted=counted)
    done = undertaker.end(dead, exported_to=["file host.1.2 7", "otlp"], note=lambda names: noted.append(list(names)))
    assert asked == [("file", "host.1.2", 7)]
    assert {name: len(each.taken) for name, each in kept.items()} == {"file": 0 if is_counted else 3, "otlp": 0, "third": 3}
    assert done == {"file", "otlp", "third", "told"}
    assert noted == [*([] if is_counted else [["file", "otlp"]]), ["file", "otlp", "third"]]


def test_a_machine_that_has_started_since_was_gone(whole: bytes, tmp_path: Path) -> None:
    """Its journal names another start of this host."""
    (tmp_path / "h-1-1.jsonl").write_bytes(whole.replace(_journals.boot_id().encode(), b"an earlier one"))
    kept = Keeping()
    Undertaker(tmp_path, exporters=lambda: {"file": kept}, tell=lambda _: None, file=None).look()
    assert {str((span.attributes or {}).get("died.cause")) for span in kept.taken} == {"machine_gone", "None"}


def test_what_a_dead_process_left_is_read_as_it_will_be_exported(tmp_path: Path) -> None:
    """An operation's outcome is its own namespace's, a library's span has ours; each says what killed it, in words."""
    process = {"journal": 1, "exporters": ["file"], "at": 9}
    spans = [
        {"id": "a" * 16, "trace": "1" * 32, "name": "shop.day.open", "start": 1, "scope": ["telemetry", "1.0"]},
        {"id": "b" * 16, "trace": "1" * 32, "name": "GET /user", "start": 2, "scope": ["theirs", "2.0"]},
        {"id": "c" * 16, "trace": "1" * 32, "name": "ended", "start": 3, "end": 4, "status": [2, "it broke"]},
        {"id": "d" * 16, "trace": "1" * 32, "name": "silent", "start": 3, "end": 4, "status": [2]},
        {"id": "e" * 16, "trace": "1" * 32, "name": "nobody's", "start": 3, "scope": []},
    ]
    (tmp_path / "h-1-1.jsonl").write_text("".join(json.dumps(step) + "\n" for step in (process, *spans)))
    read = {span.name: span for span in _journals.spans_in(tmp_path)}
    because = {"died.cause": "unknown", "error.type": "died"}
    sentence = "the process ended before the span did"
    assert {name: (dict(span.attributes), span.status_message) for name, span in read.items()} == {
        "shop.day.open": ({"shop.outcome": "died", **because}, sentence),
        "GET /user": ({"span.outcome": "died", **because}, sentence),
        "ended": ({}, "it broke"),
        "silent": ({}, ""),
        "nobody's": ({"span.outcome": "died", **because}, sentence),
    }
    assert {span.outcome for span in read.values()} == {"died", None}


def test_a_span_is_in_a_home_if_one_of_its_journals_has_it(tmp_path: Path) -> None:
    """Of several that are asked for, and of several journals, one will do; nobody's is nowhere."""
    for number in (1, 2):
        span = {"id": f"{number:016x}", "trace": "1" * 32, "name": "s", "start": 1}
        process = {"journal": 1, "exporters": ["file"]}
        (tmp_path / f"h-{number}-1.jsonl").write_text("".join(json.dumps(step) + "\n" for step in (process, span)))
    found = [_journals.has_any(tmp_path, [f"{number:016x}" for number in asked]) for asked in ([1], [2, 7], [7], [])]
    assert found == [True, True, False, False]


def childs(whole: bytes, *, pid: int, parent: int) -> bytes:
    """Return the journal of a child of a worker."""
    process, *lines = whole.splitlines(keepends=True)
    header = {**json.loads(process), "pid": pid, "ppid": parent, "is_child": True}
    return b"".join([json.dumps(header).encode() + b"\n", *lines])


@pytest.mark.parametrize("lives", [True, False])
def test_a_childs_journal_waits_for_the_word_of_a_parent_that_lives(whole: bytes, tmp_path: Path, lives: bool) -> None:
    """For six seconds after it was found, however long ago it was written; nobody waits for one that is dead, too."""
    with subprocess.Popen([sys.executable, "-c", "pass"]) as gone:
        gone.wait()
    path = tmp_path / "h-1-1.jsonl"
    path.write_bytes(childs(whole, pid=1, parent=os.getpid() if lives else gone.pid))
    os.utime(path, (time.time() - 60, time.time() - 60))
    kept, now = Keeping(), [0.0]
    undertaker = Undertaker(tmp_path, exporters=lambda: {"file": kept}, tell=lambda _: None, file=None, clock=lambda: now[0])
    for seconds, exported in ((0.0, 0), (5.9, 0), (6.0, 3)):
        now[0] = seconds
        undertaker.look()
        assert len(kept.names) == (exported if lives else 3)


@pytest.mark.parametrize(
    ("end", "because"), [("os.kill(os.getpid(), 9)", ("signal", "SIGKILL", None)), ("os._exit(3)", ("exit", None, 3))]
)
def test_a_parent_that_says_nothing_is_not_needed_where_the_system_knows(
    whole: bytes, tmp_path: Path, end: str, because: tuple[str, str | None, int | None]
) -> None:
    """Its child is a zombie until it asks how that ended, and others of the same user may see it there before."""
    with subprocess.Popen([sys.executable, "-c", f"import os; {end}"]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        (tmp_path / "h-1-1.jsonl").write_bytes(childs(whole, pid=child.pid, parent=os.getpid()))
        kept, now = Keeping(), [0.0]
        undertaker = Undertaker(
            tmp_path, exporters=lambda: {"file": kept}, tell=lambda _: None, file=None, clock=lambda: now[0]
        )
        undertaker.look()
        now[0] = 6.0
        undertaker.look()
    (outer,) = [span.attributes or {} for span in kept.taken if span.name == "outer"]
    assert (outer["died.cause"], outer.get("died.signal"), outer.get("died.exit_code")) == because


def test_what_is_in_a_will_is_exported_when_nobody_else_has_ended_it(tmp_path: Path) -> None:
    """Whoever reads the journal asks, again while nobody answers, about these alone; what is not theirs is as always."""
    journal = Journal(tmp_path, most_waiting=9)
    journal.expect("file")
    with tracing(journal) as tracer:
        outer = tracer.start_span("outer")
        with trace.use_span(outer):
            journal.contest({outer.get_span_context().span_id})
            tracer.start_span("ended").end()
        content_then = content(tmp_path)
    for path in _journals.files_in(tmp_path):
        path.unlink()
    outer_id = f"{outer.get_span_context().span_id:016x}"
    for theirs, expected in (([outer_id], ["ended"]), ([], ["ended", "outer"])):
        (tmp_path / "h-1-1.jsonl").write_bytes(content_then)
        kept, registry = Keeping(), Registry(theirs)
        exporters: dict[str, SpanExporter] = {"file": kept}
        undertaker = Undertaker(tmp_path, exporters=exporters.copy, tell=lambda _: None, file=None, ended_elsewhere=registry)
        undertaker.look()
        assert kept.names == []
        registry.answers = True
        undertaker.look()
        assert sorted(kept.names) == expected
        assert registry.asked == [[outer_id]] * 2
        assert _journals.files_in(tmp_path) == []


class Registry:
    """Knows which spans somebody else has ended, once it answers."""

    def __init__(self, theirs: Collection[str]) -> None:
        self.theirs, self.answers = theirs, False
        self.asked: list[list[str]] = []

    def __call__(self, span_ids: Collection[str]) -> Collection[str]:
        self.asked.append(list(span_ids))
        if not self.answers:
            raise OSError("no database")
        return self.theirs
