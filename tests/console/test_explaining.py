"""`explain` finds the run that a person means, by rows, files or Jaeger, and says clearly what it cannot find."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django import Settings

from apps.integrations.models import PipelineRun, RepoSync
from tests.console.spans_file import write_spans
from tests.explain.stories import asked, refused
from tests.explain.told import BEGAN, BEGAN_NS, ROOT_ID, attempt, root
from tests.integrations.histories import repo_sync, repository

_TRACE = "0af7651916cd43dd8448eb211c80319c"
_OTHER = "1af7651916cd43dd8448eb211c80319c"


def explained(*arguments: str) -> str:
    """Return what the command prints."""
    out = StringIO()
    call_command("explain", *arguments, stdout=out)
    return out.getvalue()


def as_json(*arguments: str) -> dict[str, Any]:
    """Return the object that it prints for programs."""
    found: dict[str, Any] = json.loads(explained(*arguments, "--format", "json"))
    return found


def _spans() -> list[Any]:
    bad = attempt(
        0.0,
        9.0,
        asked(3.0, 4.0),
        refused(8.0, 8.5, "unauthorized", status=401),
        outcome="failed",
        has={"error.type": "unauthorized"},
    )
    whole = root(9.0)
    failed: dict[str, str | int] = {"sync.outcome": "failed", "error.type": "every_repository_failed", "run_id": 1}
    return [replace(whole, attributes=failed, status="ERROR"), *bad]


@pytest.fixture
def failed(db: None, settings: Settings, tmp_path: Path) -> PipelineRun:
    """A run of the team `cooks` that failed for its token, with its spans in this home's file; a later one is fine."""
    settings.SYNCTRACE_TRACES_FILE = tmp_path / "traces.jsonl"
    settings.SYNCTRACE_LOG_FILE = settings.SYNCTRACE_JOURNAL = None
    settings.SYNCTRACE_HAS_DATABASE = True
    cake = repository("o/1", team="cooks")
    ended = {"phase": "syncing", "kind": "recent", "started_ns": BEGAN_NS, "started_at": BEGAN}
    run = PipelineRun.objects.create(
        team=cake.team,
        state="failed",
        traceparent=f"00-{_TRACE}-{ROOT_ID}-01",
        task_id="7d0c9c30-4e5b-4c3f-9a55-0d1f0a6a3c1e",
        ended_at=BEGAN + timedelta(seconds=9),
        error_type="every_repository_failed",
        **ended,
    )
    repo_sync(run, cake, state=RepoSync.State.FAILED, error_type="unauthorized", attempt=1, ended_at=run.ended_at)
    bread = repository("o/2", team="bakers")
    fine = PipelineRun.objects.create(
        team=bread.team,
        state="completed",
        traceparent=f"00-{_OTHER}-{'e' * 16}-01",
        ended_at=BEGAN + timedelta(seconds=2),
        **ended,
    )
    repo_sync(fine, bread, state=RepoSync.State.COMPLETED, attempt=1, prs_done=3, ended_at=fine.ended_at)
    spans = [_of(span, cake.pk, run.pk) for span in _spans()]
    write_spans(tmp_path / "traces.jsonl", spans, trace_id=_TRACE)
    return run


def _of(span: Any, repo_id: int, run_id: int) -> Any:
    names = {key: value for key, value in {"repo_id": repo_id, "run_id": run_id}.items() if key in span.attributes}
    return replace(span, attributes={**span.attributes, **names})


def test_without_a_name_it_is_the_newest_run_that_is_not_simply_fine(failed: PipelineRun) -> None:
    """And it says so."""
    assert explained().splitlines()[:3] == [
        f"recent run {failed.pk} of cooks, failed: the newest that is not simply fine",
        "",
        "o/1 stopped before the first pull request: GitHub refused the token (401) at 00:00:08Z.",
    ]


def test_a_run_is_found_by_whatever_names_it(failed: PipelineRun) -> None:
    """Its number, its repository in any case, its team, its task, its trace."""
    names = (str(failed.pk), f"run_id={failed.pk}", "O/1", "team=cooks", str(failed.task_id), _TRACE)
    assert {as_json(name)["run"] for name in names} == {failed.pk}
    assert [cause["code"] for cause in as_json("o/1")["causes"]] == ["token_refused"]
    assert as_json("o/2")["outcome"] == as_json("team=bakers")["outcome"] == "completed"


def test_what_is_not_there_is_said_in_a_sentence(failed: PipelineRun) -> None:
    """With what there is."""
    for name, said in {
        "999": "There is no run 999. The latest:",
        "no/such": "There is no run of no/such. The latest:",
        "team=none": "There is no run of team=none. The latest:",
        "nonsense": "'nonsense' is not a run number",
        "9" * 32: f"There is no run {'9' * 32}. The latest:",
    }.items():
        with pytest.raises(CommandError) as error:
            explained(name)
        assert str(error.value).startswith(said)


def test_without_a_database_the_files_of_this_machine_tell(failed: PipelineRun, settings: Settings) -> None:
    """Of what they have: a team's name is in no file."""
    settings.SYNCTRACE_HAS_DATABASE = False
    found = as_json(str(failed.pk))
    assert [cause["code"] for cause in found["causes"]] == ["token_refused"]
    assert any(each.startswith("the run's rows: without the database") for each in found["missing"])
    assert explained("o/1").startswith(f"run {failed.pk}, by the files of this machine; the database does not answer")
    with pytest.raises(CommandError, match="What teams are called is in the database"):
        explained("team=cooks")


def test_files_that_somebody_sent_need_no_database(tmp_path: Path, settings: Settings) -> None:
    """Whatever they are called; of several runs the newest that is not fine."""
    settings.SYNCTRACE_HAS_DATABASE = False
    write_spans(tmp_path / "spans.json", _spans(), trace_id=_TRACE)
    found = as_json("--from", str(tmp_path))
    assert (found["run"], found["outcome"]) == (1, "failed")
    assert [cause["code"] for cause in found["causes"]] == ["token_refused"]
    assert [step.get("span_id") for step in found["causes"][0]["chain"]].count(None) == 0


def test_a_collector_s_files_are_read_like_ours(tmp_path: Path) -> None:
    """Its lines are records in OTLP JSON."""
    write_spans(tmp_path / "traces.jsonl", _spans(), trace_id=_TRACE)
    value = [{"key": "run_id", "value": {"intValue": "1"}}, {"key": "by", "value": {"stringValue": "ada"}}]
    record = {
        "timeUnixNano": str(BEGAN_NS),
        "severityText": "info",
        "body": {"stringValue": "sync.pipeline.started"},
        "traceId": _TRACE,
        "attributes": value,
    }
    logs = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}
    (tmp_path / "logs.json").write_text(json.dumps(logs) + "\n")
    found = as_json("1", "--from", str(tmp_path))
    assert [cause["code"] for cause in found["causes"]] == ["token_refused"]
    assert not any("lines" in each for each in found["missing"])


def test_what_cannot_be_read_is_said_in_a_sentence(tmp_path: Path) -> None:
    """No folder, an empty one, a damaged file, a run that is not in it."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "traces.jsonl").write_bytes(b'{"resourceSpans":[{"scopeSpans":\xff\n')
    write_spans(tmp_path / "traces.jsonl", _spans(), trace_id=_TRACE)
    for arguments, said in {
        ("--from", str(tmp_path / "none")): "is not a folder",
        ("--from", str(tmp_path / "empty")): "There is no file of spans or lines in",
        ("--from", str(tmp_path / "damaged")): "Nothing in the files of",
        ("7", "--from", str(tmp_path)): "There is no run 7 in",
        ("--jaeger", "http://127.0.0.1:1"): "cannot be reached",
        ("--jaeger", "nonsense"): "is not an address of Jaeger",
    }.items():
        with pytest.raises(CommandError, match=said):
            explained(*arguments)


@pytest.fixture
def jaeger(tmp_path: Path) -> Iterator[str]:
    """A Jaeger that has the one trace."""
    write_spans(tmp_path / "sent.jsonl", _spans(), trace_id=_TRACE)
    trace = (tmp_path / "sent.jsonl").read_bytes()

    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/api/v3/traces/"):
                answer = b'{"result":' + trace.strip() + b"}"
            else:
                answer = json.dumps({"data": [{"traceID": _TRACE}]}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # as the standard library calls it
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Api) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_jaeger_s_spans_need_no_files(jaeger: str) -> None:
    """It has no lines, and so no more than the spans tell."""
    for name in ((), ("1",), ("o/1",), (_TRACE,)):
        found = as_json(*name, "--jaeger", jaeger)
        assert [cause["code"] for cause in found["causes"]] == ["token_refused"]
    assert "the run's lines: none can be read here" in found["missing"]
