"""What the waterfall is drawn from: each span once, as a tree, with its part, its errors and the critical path."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.test import Client
from pytest_django import Settings

from apps.console.run_times import time_of_run
from apps.console.web.run_time import shares_of
from apps.console.web.waterfall import Answer, messages_of
from apps.explain.parts import Part
from apps.integrations.models import PipelineRun
from telemetry.reading import Files, Span
from tests.console.spans_file import ended_run, write_spans
from tests.explain.told import BEGAN, BEGAN_NS, ROOT_ID, attempt, call, root
from tests.integrations.histories import repo_sync, repository

pytestmark = pytest.mark.django_db
_TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def run(settings: Settings, tmp_path: Path) -> PipelineRun:
    """A run of 95.6 s that backed off for most of it, with its spans in this home's file."""
    settings.SYNCTRACE_TRACES_FILE = tmp_path / "traces.jsonl"
    first = attempt(0.0, 5.0, call(0.0, 5.0), outcome="retrying", has={"retry.countdown": 90.0})
    second = attempt(95.0, 95.6, number=2)
    write_spans(tmp_path / "traces.jsonl", [root(95.6), *first, *second], trace_id=_TRACE)
    return ended_run(trace_id=_TRACE, seconds=95.6)


@dataclass(frozen=True, slots=True)
class _Picture:
    """What a picture knows once it has taken all messages."""

    head: dict[str, Any]
    time: dict[str, Any]
    spans: dict[str, tuple[str, str, str, float, float, int]]
    """By id: name, detail, the id of what it is in, start, length, and flags."""

    @property
    def named(self) -> dict[str, tuple[float, float]]:
        return {span[0]: span[3:5] for span in self.spans.values()}


def _picture(content: bytes) -> _Picture:
    taken: dict[str, Any] = {"time": {}}
    spans: dict[str, tuple[str, str, str, float, float, int]] = {}
    for line in content.splitlines():
        message = orjson.loads(line)
        taken.update(message)
        columns = message.get("spans", {"id": []})
        for at, span_id in enumerate(columns["id"]):
            name, detail, parent = (
                columns[of][columns[each][at]] if columns[each][at] >= 0 else ""
                for of, each in (("names", "name"), ("details", "detail"), ("parents", "parent"))
            )
            spans[span_id] = (name, detail, parent, *(columns[each][at] for each in ("start", "length", "flags")))
    return _Picture(taken["head"], taken["time"], spans)


def _content(client: Client, run: PipelineRun, **headers: str) -> bytes:
    return b"".join(client.get(f"/runs/{run.pk}/spans.jsonl", headers=headers))


def test_spans_are_columns_that_say_what_each_is_in(run: PipelineRun, admin_client: Client) -> None:
    """With milliseconds since the run began; the critical path has no hole."""
    picture = _picture(_content(admin_client, run))
    assert (picture.head["root"], picture.head["attempt"], picture.head["is_running"]) == (ROOT_ID, "sync.repo", False)
    assert picture.spans[ROOT_ID][:5] == ("sync.pipeline", "", "", 0.0, 95_600.0)
    assert len(picture.spans) == 1 + 3 + 2
    assert picture.named["sync.api.graphql"] == (0.0, 5_000.0)
    assert {span[2] for span in picture.spans.values()} <= {"", *picture.spans}
    at, critical = 0.0, picture.time["critical"]
    for start, length in zip(critical["start"], critical["length"], strict=True):
        assert start == pytest.approx(at, abs=0.01)
        at = start + length
    assert at == pytest.approx(95_600.0, abs=0.01)
    parts = {picture.head["parts"][part]["key"] for part in critical["part"]}
    assert parts == {"github_answering", "back_off", "our_own_work"}


def test_a_stretch_of_the_critical_path_leads_to_its_span_and_idle_time_is_told(
    run: PipelineRun, admin_client: Client
) -> None:
    """Nothing was at work while the run backed off."""
    picture = _picture(_content(admin_client, run))
    critical = picture.time["critical"]
    assert "sync.api.graphql" in {picture.spans[span_id][0] for span_id in critical["id"] if span_id}
    assert picture.time["idle"] == [[5_000.0, pytest.approx(90_600.0)]]
    assert next(part["key"] for part in picture.head["parts"] if part["waits"]) == "primary_wait"


def test_spans_are_sent_again_only_when_a_process_has_said_more(
    run: PipelineRun, admin_client: Client, settings: Settings, tmp_path: Path
) -> None:
    """A span that begins or ends is in a journal at once; what other runs' processes say changes nothing."""
    settings.SYNCTRACE_JOURNAL = tmp_path / "journal"
    settings.SYNCTRACE_JOURNAL.mkdir()
    journal = settings.SYNCTRACE_JOURNAL / "worker.jsonl"

    def ask(version: str = "") -> tuple[int, str]:
        answer = admin_client.get(f"/runs/{run.pk}/spans.jsonl", headers={"If-None-Match": version})
        return answer.status_code, answer.headers["ETag"]

    status, first = ask()
    assert (status, ask(first)) == (200, (304, first))
    other = {"id": "b" * 16, "trace": "c" * 32, "name": "sync.repo", "start": BEGAN_NS}
    journal.write_bytes(orjson.dumps({"journal": 1, "exporters": ["file"]}) + b"\n" + orjson.dumps(other) + b"\n")
    assert ask(first) == (304, first)
    own = {"id": "a" * 16, "trace": _TRACE, "name": "sync.repo", "start": BEGAN_NS, "parent": ROOT_ID}
    with journal.open("ab") as lines:
        lines.write(orjson.dumps(own) + b"\n")
    status, second = ask(first)
    assert (status, second == first) == (200, False)
    assert _picture(_content(admin_client, run)).spans["a" * 16][:3] == ("sync.repo", "died", ROOT_ID)


def test_all_who_ask_at_the_same_time_share_one_answer(
    run: PipelineRun, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The spans of a run are read and zipped once for fifty pages."""
    read: list[str] = []
    parts_of = Files.parts_of

    def counted(files: Files, trace_id: str) -> Iterator[list[Span]]:
        read.append(trace_id)
        return parts_of(files, trace_id)

    monkeypatch.setattr(Files, "parts_of", counted)
    contents = {_content(admin_client, run, **{"Accept-Encoding": "gzip"}) for _ in range(50)}
    assert read == [_TRACE]
    assert zlib.decompress(contents.pop(), wbits=31) == _content(admin_client, run)
    assert not contents


def test_an_answer_that_cannot_be_made_to_its_end_is_not_taken_for_whole(run: PipelineRun) -> None:
    """Whoever reads on gets the error, too."""

    def messages() -> Iterator[bytes]:
        yield b"one\n"
        raise OSError("the disk is gone")

    answer = Answer(messages())
    assert zlib.decompressobj(31).decompress(answer.piece(0) or b"") == b"one\n"
    for _ in range(2):
        with pytest.raises(OSError, match="the disk is gone"):
            answer.piece(1)
    assert answer.has_failed


def test_the_first_screen_comes_first(run: PipelineRun, tmp_path: Path) -> None:
    """Of a file of many exports what others are in is sent first, and then all in the order of the file."""
    spans = [call(at / 100, at / 100 + 0.01) for at in range(900)]
    lines = []
    for begin in (*range(0, 900, 100), 900):
        part = [root(95.6)] if begin == 900 else spans[begin : begin + 100]
        write_spans(tmp_path / "traces.jsonl", part, trace_id=_TRACE)
        lines.append((tmp_path / "traces.jsonl").read_bytes())
    (tmp_path / "traces.jsonl").write_bytes(b"".join(lines))
    messages = [_picture(b"".join([first, line])) for first, *rest in [list(messages_of(run, now=BEGAN))] for line in rest]
    assert list(messages[0].spans) == [ROOT_ID]
    assert list(messages[1].spans) == [span.span_id for span in spans[:100]]
    assert [len(message.spans) for message in messages] == [1, *[100] * 9, 1, 0, 0]
    assert messages[-1].time["critical"]["id"]


def test_a_run_whose_spans_cannot_be_read_has_none(run: PipelineRun, settings: Settings) -> None:
    """And the page shows no waterfall."""
    settings.SYNCTRACE_TRACES_FILE = None
    picture = _picture(b"".join(messages_of(run, now=BEGAN)))
    assert (picture.spans, picture.time["critical"]["id"]) == ({}, [])


def test_the_bar_of_time_has_a_place_for_each_part(run: PipelineRun) -> None:
    """Beside one another, as wide as their shares; all of them are the whole bar."""
    time = time_of_run(run)
    assert time is not None
    shares = shares_of(time)
    assert [share.words for share in shares] == [Part.GITHUB_ANSWERING, Part.BACK_OFF, Part.OUR_OWN_WORK]
    assert [share.begins for share in shares[1:]] == [pytest.approx(share.begins + share.width) for share in shares[:-1]]
    assert sum(share.width for share in shares) == pytest.approx(1_000)
    assert sum(share.wall_ns for share in shares) == 95_600_000_000


def test_a_saved_run_has_everything_in_itself(run: PipelineRun, admin_client: Client) -> None:
    """No address but those of links back; what a name holds is text there too."""
    tracked = repository(full_name="o/</script><b>n", team="another")
    repo_sync(run, tracked, state="failed", error_msg="</script><script>alert(1)</script>")
    answer = admin_client.get(f"/runs/{run.pk}/saved.html")
    page = answer.content.decode()
    assert answer.headers["Content-Disposition"] == f'attachment; filename="run-{run.pk}.html"'
    assert page.count("<script") == page.count("</script>") == 3
    assert "alert(1)&lt;/script&gt;" in page
    assert not re.search(r'(?:src|href)="(?!http://127\.0\.0\.1:8000/|#)', page)
    assert '"sync.pipeline"' in page
    assert "default-src 'none'" in page


def test_the_page_says_why_and_where_the_time_went(run: PipelineRun, admin_client: Client) -> None:
    """With its code, and the steps that prove it, by the spans that say so."""
    assert f"Run {run.pk} completed, and 90.0 s of 95.6 s were lost" in admin_client.get(f"/runs/{run.pk}/").content.decode()
    page = admin_client.get(f"/runs/{run.pk}/time/").content.decode()
    assert 'href="/help/#unknown"' in page
    assert re.search(r'href="#span-[0-9a-f]{16}"', page)
    assert "90.00 s" in page
    assert "95.60 s" in page
