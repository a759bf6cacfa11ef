"""The journal of one process: what is in it at each moment, what is read from it, and that it never breaks its host."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags

import telemetry
from telemetry import _journals
from telemetry._export.journal import Journal, this_process
from telemetry._export.obituaries import Undertaker
from telemetry.reading import draw, read_spans
from tests.telemetry.test_processes import SHOP, black_hole, environment, run


class Keeping(SpanExporter):
    """Keeps what it takes; takes nothing while it refuses."""

    def __init__(self) -> None:
        self.taken: list[ReadableSpan] = []
        self.refuses = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self.refuses:
            return SpanExportResult.FAILURE
        self.taken += spans
        return SpanExportResult.SUCCESS

    @property
    def names(self) -> list[str]:
        return [span.name for span in self.taken]


@contextmanager
def tracing(journal: Journal, *exporters: SpanExporter) -> Iterator[trace.Tracer]:
    """A tracer whose spans go through a journal and then to exporters."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(journal)
    for exporter in exporters:
        provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield provider.get_tracer("theirs")
    provider.shutdown()


def content(folder: Path) -> bytes:
    """What is in the only journal of a folder."""
    (path,) = _journals.files_in(folder)
    return path.read_bytes()


def told(folder: Path) -> dict[str, _journals.Entry]:
    """The spans in the only journal of a folder, by name."""
    return {entry.name: entry for entry in entries_in(folder)}


def entries_in(folder: Path) -> list[_journals.Entry]:
    """The spans in the only journal of a folder."""
    journal = _journals.read(content(folder))
    assert journal is not None
    return list(journal.entries.values())


def test_a_span_is_there_until_every_exporter_is_done_with_it(tmp_path: Path) -> None:
    """Open, ended, and taken by one of two."""
    journal = Journal(tmp_path, most_waiting=9)
    journal.expect("file")
    journal.expect("otlp")
    with tracing(journal) as tracer:
        span = tracer.start_span("s", attributes={"a": 1})
        assert told(tmp_path)["s"].end_ns is None
        span.set_attribute("a", 2)
        span.end()
        entry = told(tmp_path)["s"]
        assert (entry.end_ns, entry.attributes) == (span.end_time, {"a": 2})  # type: ignore[attr-defined]
        with journal.left("file", [span]):  # type: ignore[list-item]
            pass
        assert told(tmp_path)["s"].left == {"file"}
        with journal.left("otlp", [span]):  # type: ignore[list-item]
            pass
        assert told(tmp_path) == {}
    assert _journals.files_in(tmp_path) == []


def test_what_is_not_sampled_is_not_in_it(tmp_path: Path) -> None:
    """Nobody will export it."""
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

    provider = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)
    provider.add_span_processor(Journal(tmp_path, most_waiting=9))
    provider.get_tracer("x").start_span("s")
    assert _journals.files_in(tmp_path) == []


def test_what_an_exporters_queue_has_dropped_is_dropped(tmp_path: Path) -> None:
    """The oldest, as the queue does."""
    journal = Journal(tmp_path, most_waiting=2)
    journal.expect("file")
    with tracing(journal) as tracer:
        for name in "abc":
            tracer.start_span(name).end()
        assert sorted(told(tmp_path)) == ["b", "c"]


def test_a_journal_that_goes_while_all_are_listed_hides_no_other(tmp_path: Path) -> None:
    """Its process has just ended; here its name leads nowhere."""
    journal = Journal(tmp_path, most_waiting=9)
    with tracing(journal) as tracer:
        span = tracer.start_span("s")
        (tmp_path / "gone.jsonl").symlink_to(tmp_path / "nowhere")
        assert [path.suffix for path in _journals.files_in(tmp_path)] == [".jsonl"]
        assert [found.name for found in _journals.spans_in(tmp_path)] == ["s"]
        span.end()


def test_a_journal_that_has_grown_is_written_anew(tmp_path: Path) -> None:
    """With what is open, what waits, and which exporter is done with it; ten times over."""
    journal = Journal(tmp_path, most_waiting=9)
    journal.expect("file")
    journal.expect("otlp")
    with tracing(journal) as tracer:
        open_one, waiting = tracer.start_span("open", attributes={"a": 1}), tracer.start_span("waiting")
        open_one.set_attribute("b", "é\ud800")
        waiting.end()
        with journal.left("file", [waiting]):  # type: ignore[list-item]
            pass
        for number in range(2000):
            span = tracer.start_span("short", attributes={"text": "x" * 2000, "number": number})
            span.end()
            for each in ("file", "otlp"):
                with journal.left(each, [span]):  # type: ignore[list-item]
                    pass
        assert len(content(tmp_path)) < 2 * 1024 * 1024
        entries = told(tmp_path)
        assert sorted(entries) == ["open", "waiting"]
        assert entries["open"].attributes == {"a": 1, "b": "é\ud800"} or entries["open"].attributes["b"].startswith("é")
        assert entries["waiting"].left == {"file"}


class Collecting(ReadableSpan):
    """A span that has kept an attribute to itself until it ends, as ours do."""

    unsaid: ClassVar[dict[str, int]] = {"late": 3}


def test_what_a_span_says_only_as_it_ends_is_there_too(tmp_path: Path) -> None:
    """Attributes it had kept to itself, and its status: also of one that was not started here."""
    journal, broken = Journal(tmp_path, most_waiting=9), Status(StatusCode.ERROR, "it broke")
    journal.expect("file")
    with tracing(journal) as tracer:
        context = tracer.start_span("ours", attributes={"early": 1}).get_span_context()
        journal.on_end(Collecting("ours", context=context, end_time=7, status=broken))
        elsewhere = trace.SpanContext(1, 2, is_remote=False, trace_flags=trace.TraceFlags(1))
        journal.on_end(ReadableSpan("root", context=elsewhere, start_time=5, end_time=9, status=broken))
        ours, root = told(tmp_path)["ours"], told(tmp_path)["root"]
        assert (ours.attributes, ours.end_ns, ours.status) == ({"early": 1, "late": 3}, 7, (2, "it broke"))
        assert (root.start_ns, root.end_ns, root.status) == (5, 9, (2, "it broke"))


def test_a_span_that_has_ended_or_is_unknown_learns_nothing(tmp_path: Path) -> None:
    """Neither is a problem."""
    journal = Journal(tmp_path, most_waiting=9)
    journal.expect("file")
    with tracing(journal) as tracer:
        span = tracer.start_span("s")
        span.end()
        swallowed = telemetry.swallowed()
        journal.learned(span.get_span_context().span_id, {"a": {"late": 1}})
        journal.learned(77, {"a": {"late": 1}})
        assert (told(tmp_path)["s"].attributes, telemetry.swallowed()) == ({}, swallowed)


def test_a_sign_of_life_is_a_line_and_only_a_journal_that_is_gone_is_written_anew(tmp_path: Path) -> None:
    """The file before is left to whoever took it away, and to nobody's lock."""
    journal = Journal(tmp_path, most_waiting=9)
    with tracing(journal) as tracer:
        span = tracer.start_span("s")
        (path,) = _journals.files_in(tmp_path)
        before, inode, descriptors = content(tmp_path), path.stat().st_ino, len(list(Path("/proc/self/fd").iterdir()))
        journal.beat()
        assert path.stat().st_ino == inode
        assert content(tmp_path).startswith(before)
        assert content(tmp_path)[len(before) :].count(b"\n") == 1
        path.rename(tmp_path / "taken-away")
        journal.beat()
        assert [entry.name for entry in entries_in(tmp_path)] == ["s"]
        assert len(list(Path("/proc/self/fd").iterdir())) <= descriptors
        span.end()


def test_a_journal_that_was_removed_because_it_was_empty_is_there_with_the_next_span(tmp_path: Path) -> None:
    """At once, and without a problem."""
    journal, swallowed = Journal(tmp_path, most_waiting=9), telemetry.swallowed()
    with tracing(journal) as tracer:
        for name in ("first", "second"):
            span = tracer.start_span(name)
            assert list(told(tmp_path)) == [name]
            span.end()
            journal.close()
            assert _journals.files_in(tmp_path) == []
    assert telemetry.swallowed() == swallowed


def test_who_waits_for_a_journal_hears_of_it_once(tmp_path: Path) -> None:
    """With the first span; not when one that was taken away is written anew."""
    journal, heard = Journal(tmp_path, most_waiting=9), list[str]()
    journal.on_opened(lambda: heard.append("opened"))
    with tracing(journal) as tracer:
        assert heard == []
        tracer.start_span("first")
        assert heard == ["opened"]
        (path,) = _journals.files_in(tmp_path)
        path.unlink()
        journal.beat()
        assert path.exists()
    assert heard == ["opened"]


def test_a_process_is_known_by_its_resource() -> None:
    """One that has had no span yet has none."""
    assert this_process(None)["resource"] == [{}, ""]
    assert this_process(Resource({"service.name": "shop"}, "https://a.test/1"))["resource"] == [
        {"service.name": "shop"},
        "https://a.test/1",
    ]


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
    for path, content in zip(paths, (whole, whole.replace(b'"inner"', b'"other"')), strict=True):
        path.write_bytes(content)
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
        "GET /user": ({"telemetry.outcome": "died", **because}, sentence),
        "ended": ({}, "it broke"),
        "silent": ({}, ""),
        "nobody's": ({"telemetry.outcome": "died", **because}, sentence),
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


def test_what_is_taken_out_of_a_will_is_in_none(tmp_path: Path) -> None:
    """A span that is yet to start, such as a root's that another process ends."""
    journal = Journal(tmp_path, most_waiting=9)
    journal.expect("file")
    journal.contest({8, 9})
    journal.uncontest({9})
    for span_id in (8, 9):
        context = SpanContext(7, span_id, is_remote=False, trace_flags=TraceFlags(1))
        journal.on_end(ReadableSpan(f"root {span_id}", context=context, start_time=1, end_time=2))
    assert [b'"will"' in line for line in content(tmp_path).splitlines() if b'"root ' in line] == [True, False]


def test_what_was_left_of_another_file_is_not_in_a_journal(tmp_path: Path) -> None:
    """Each line of it is a step of ours."""
    journal = Journal(tmp_path, most_waiting=9)
    journal._path.with_suffix(".new").write_bytes(b"x" * 100_000)
    with tracing(journal) as tracer:
        tracer.start_span("open")
    assert all(json.loads(line) for line in content(tmp_path).splitlines())


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


DIES = """
import os, signal
from opentelemetry import trace
with telemetry.span("shop.day", team_id=1):
    sell()
    {between}
    with trace.get_tracer("theirs").start_as_current_span("theirs"):
        os.kill(os.getpid(), signal.SIGKILL)
"""
LATER = "sell()"
DIED = """
shop.day died died
  shop.sale completed
  theirs died died
shop.sale completed"""


def dies(home: Path, *, before: str = "", between: str = "pass", **names: str) -> None:
    """A shop is killed in the middle of two spans."""
    program = [sys.executable, "-c", before + SHOP + DIES.format(between=between)]
    ran = subprocess.run(program, env=environment(home, **names), capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == -9, ran.stderr


@pytest.mark.slow
def test_the_next_process_ends_what_was_open(tmp_path: Path) -> None:
    """Each span once; the journal is gone."""
    dies(tmp_path)
    run(LATER, tmp_path)
    assert "\n" + draw(read_spans(tmp_path / "traces.jsonl")) == DIED
    assert list((tmp_path / "journal").iterdir()) == []


@pytest.mark.slow
def test_a_span_that_the_file_has_is_not_written_again(tmp_path: Path) -> None:
    """The process died between writing it there and saying so in its journal, which is as it was before."""
    journal = tmp_path / "journal"
    keep = "telemetry._spans.provider._process.journal.left = lambda *_: None; telemetry.flush()"
    dies(tmp_path, between=keep)
    assert [span.name for span in read_spans(tmp_path / "traces.jsonl")] == ["shop.sale"]
    copies = [(path, path.read_bytes()) for path in journal.iterdir()]
    for _ in range(2):  # the second finds the journal of one that died with everything in the file
        run(LATER, tmp_path)
        spans = read_spans(tmp_path / "traces.jsonl")
        assert len({span.span_id for span in spans}) == len(spans)
        assert sum(span.outcome == "died" for span in spans) == 2
        for path, content_before in copies:
            path.write_bytes(content_before)


@pytest.mark.parametrize(
    "names",
    [
        {"OTEL_SDK_DISABLED": "true"},
        {"TELEMETRY_HOME": ""},
        {"OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_TRACES_SAMPLER": "always_off"},
    ],
)
def test_where_no_spans_are_kept_there_is_no_journal(tmp_path: Path, names: dict[str, str]) -> None:
    """Disabled, no home, no exporter, not sampled."""
    dies(tmp_path, **names)
    assert not (tmp_path / "journal").exists()


def test_an_adopted_providers_spans_outlive_their_process_too(tmp_path: Path) -> None:
    """In our file, and by its own exporters."""
    adopt = (
        "import os; from opentelemetry import trace; from opentelemetry.sdk.trace import TracerProvider\n"
        "from opentelemetry.sdk.trace.export import SimpleSpanProcessor, ConsoleSpanExporter\n"
        "provider = TracerProvider(); trace.set_tracer_provider(provider)\n"
        f"out = open({str(tmp_path / 'theirs')!r}, 'a')\n"
        "provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(out=out, formatter=lambda s: s.name + ' ')))\n"
    )
    dies(tmp_path, before=adopt)
    run("telemetry.flush(); sell(); telemetry.flush()", tmp_path, before=adopt)
    assert "\n" + draw(read_spans(tmp_path / "traces.jsonl")) == DIED
    assert sorted((tmp_path / "theirs").read_text().split()) == ["shop.day", "shop.sale", "shop.sale", "theirs"]


WAIT = """
for count in (2, 4):  # a batch that is being sent, and a full queue
    for _ in range(count):
        sell()
    time.sleep(0.5)
os.kill(os.getpid(), 9)
"""


@pytest.mark.slow
def test_whatever_may_wait_for_an_exporter_is_in_the_journal(tmp_path: Path) -> None:
    """The batch that a silent receiver was sent, and as many as the queue holds: each outlives its process."""
    with black_hole() as port:
        names = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
            "OTEL_BSP_MAX_QUEUE_SIZE": "4",
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "2",
            "OTEL_BSP_SCHEDULE_DELAY": "60000",
        }
        subprocess.run([sys.executable, "-c", SHOP + WAIT], env=environment(tmp_path, **names), check=False, timeout=60)
    assert [entry.name for entry in entries_in(tmp_path / "journal")] == ["shop.sale"] * 6
    assert {name for entry in entries_in(tmp_path / "journal") for name in entry.left} <= {"file"}


FORKS = """
import os, time
with telemetry.span("shop.day"):
    child = os.fork()
    if child == 0:
        with telemetry.span("shop.child"):
            os.kill(os.getpid(), 9)
    os.waitpid(child, 0)
    telemetry.flush()
    found = [span.name for span in telemetry.reading.read_spans(os.environ["TELEMETRY_HOME"] + "/traces.jsonl")]
    assert found == ["shop.child"], found
os._exit(0 if telemetry.flush() else 1)
"""


def test_a_forked_childs_spans_are_its_own_and_its_parents_its_parents(tmp_path: Path) -> None:
    """A child that dies takes nothing of its parent with it, and does not keep its parent's journal locked."""
    run("import telemetry.reading\n" + FORKS, tmp_path)
    assert draw(read_spans(tmp_path / "traces.jsonl")) == "shop.day completed\n  shop.child died died"


@pytest.mark.slow
def test_a_child_that_lives_on_does_not_hide_its_parents_death(tmp_path: Path) -> None:
    """The parent's lock is not the child's."""
    dies(tmp_path, between="os.fork() or (time.sleep(20), os._exit(0))")
    run(LATER, tmp_path)
    assert "\n" + draw(read_spans(tmp_path / "traces.jsonl")) == DIED


@pytest.mark.parametrize("how", ["a file in its place", "no room", "taken away"])
def test_a_journal_that_cannot_be_written_breaks_nothing(tmp_path: Path, how: str) -> None:
    """The work goes on, its spans are exported, and the problem is said."""
    between = "pass"
    if how == "a file in its place":
        (tmp_path / "journal").write_text("")
    elif how == "no room":
        between = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (900, 900))"
    else:
        between = "import shutil; sell(); shutil.rmtree(os.environ['TELEMETRY_HOME'] + '/journal')"
    printed = run(f"{between}\nfor _ in range(9): sell()\nprint('done')", tmp_path, TELEMETRY_LOG_FILE="/dev/null")
    assert "done" in printed.splitlines()
    said = [line for line in printed.splitlines() if "telemetry.problem" in line]
    assert len(said) == (0 if how == "taken away" else 1) or how == "no room"
    if how != "no room":
        assert sum(span.name == "shop.sale" for span in read_spans(tmp_path / "traces.jsonl")) >= 9


@pytest.mark.slow
def test_a_journal_that_was_taken_away_comes_back(tmp_path: Path) -> None:
    """With the next sign of life: a second later."""
    home = "os.environ['TELEMETRY_HOME'] + '/journal'"
    dies(tmp_path, between=f"import shutil; shutil.rmtree({home}); time.sleep(2.5)")
    run(LATER, tmp_path)
    assert "\n" + draw(read_spans(tmp_path / "traces.jsonl")) == DIED


@pytest.mark.slow
def test_the_end_is_the_last_sign_of_life(tmp_path: Path) -> None:
    """Which an idle process gives each second."""
    began = time.time_ns()
    dies(tmp_path, between="time.sleep(3)")
    died = time.time_ns()
    time.sleep(0.5)
    run(LATER, tmp_path)
    (day,) = [span for span in read_spans(tmp_path / "traces.jsonl") if span.name == "shop.day"]
    assert began < day.start_ns
    assert day.start_ns + 3e9 <= day.end_ns <= died


def test_nothing_secret_is_in_a_journal(tmp_path: Path) -> None:
    """Ours and the SDK's spans, from the start and midway; what is written is what leaves."""
    secret = "ghp_" + "a1B2" * 9
    code = (
        f"secret = {secret!r}\n"
        "tracer = __import__('opentelemetry').trace.get_tracer('t')\n"
        "with telemetry.span('shop.' + secret, note=secret) as one, tracer.start_as_current_span(secret, "
        "attributes={secret: 1, 'password': 'rye'}) as two:\n"
        "    one.set(late=[secret]); two.set_attribute('b', secret); two.add_event(secret, {'e': secret})\n"
        "    two.update_name(secret); two.set_status(__import__('opentelemetry').trace.StatusCode.ERROR, secret)\n"
        "    import pathlib\n"
        "    print(''.join(p.read_text() for p in pathlib.Path(os.environ['TELEMETRY_HOME'], 'journal').iterdir()))\n"
    )
    printed = run(code, tmp_path)
    assert printed.count('"trace"') == 2
    assert secret not in printed
    assert "rye" not in printed
