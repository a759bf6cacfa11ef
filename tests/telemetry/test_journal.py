"""The journal of one process: what is in it at each moment."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags

import telemetry
from telemetry import _journals
from telemetry._export.journal import Journal, this_process


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
