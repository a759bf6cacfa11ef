"""What is known of a span that somebody chose: its attributes, its lines as `logs` finds them, where it leads to."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from apps.integrations.models import PipelineRun
from telemetry.reading import Span
from tests.console.spans_file import write_spans
from tests.console.web.people import People, make_run
from tests.explain.told import BEGAN, BEGAN_NS, ROOT_ID, attempt, call, root, span, wait

pytestmark = pytest.mark.django_db
_TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def home(settings: Settings, tmp_path: Path) -> Path:
    """Files of spans and lines of its own."""
    settings.SYNCTRACE_TRACES_FILE = tmp_path / "traces.jsonl"
    settings.SYNCTRACE_LOG_FILE = tmp_path / "logs.jsonl"
    return tmp_path


@pytest.fixture
def run(people: People) -> PipelineRun:
    """A run that ended after nine seconds."""
    return make_run(
        people.team,
        {"state": "completed"},
        state="completed",
        phase="phase1_complete",
        traceparent=f"00-{_TRACE}-{ROOT_ID}-01",
        started_ns=BEGAN_NS,
        started_at=BEGAN,
        ended_at=BEGAN + timedelta(seconds=9),
    )


def _line(span_id: str, event: str, **fields: Any) -> str:
    stamp = f"{BEGAN + timedelta(seconds=1):%Y-%m-%dT%H:%M:%S.%fZ}"
    of_trace = {"trace_id": _TRACE, "span_id": span_id, "trace_flags": "01"}
    return json.dumps({"timestamp": stamp, "level": "debug", "event": event, **fields, **of_trace}) + "\n"


def _asked(client: Client, run: PipelineRun, found: Span | str) -> dict[str, Any]:
    span_id = found if isinstance(found, str) else found.span_id
    answer: dict[str, Any] = client.get(f"/runs/{run.pk}/spans/{span_id}.json").json()
    return answer


def test_a_span_has_its_attributes_and_its_own_lines(run: PipelineRun, home: Path, people: People, client: Client) -> None:
    """In the order they were written, without the ids that all have; a traceback stands below its line."""
    one = call(0.0, 1.0)
    spans = attempt(0.0, 2.0, replace(one, attributes={**one.attributes, "query_name": "PullRequests", "points_cost": 3}))
    write_spans(home / "traces.jsonl", [root(9.0), *spans], trace_id=_TRACE)
    lines = [
        _line(one.span_id, "sync.api.graphql", points_cost=3, status="ok", reset_at=None),
        _line(spans[1].span_id, "sync.repo.started", full_name="o/1"),
        _line(one.span_id, "sync.task.retry", exception="Traceback\n  it broke"),
    ]
    (home / "logs.jsonl").write_text("".join(lines))
    client.force_login(people.member)
    found = _asked(client, run, one)
    assert found["is_found"]
    assert ["query_name", "PullRequests"] in found["attributes"]
    assert ["points_cost", "3"] in found["attributes"]
    assert [(line["event"], line["fields"], line["exception"]) for line in found["lines"]] == [
        ("sync.api.graphql", [["points_cost", "3"], ["status", "ok"]], ""),
        ("sync.task.retry", [], "Traceback\n  it broke"),
    ]
    assert found["lines_left_out"] == 0


def test_many_lines_are_counted(run: PipelineRun, home: Path, people: People, client: Client) -> None:
    """Of a span's thousand lines the first ones are shown."""
    one = call(0.0, 1.0)
    write_spans(home / "traces.jsonl", attempt(0.0, 2.0, one), trace_id=_TRACE)
    (home / "logs.jsonl").write_text("".join(_line(one.span_id, "sync.pr.processed", pr_id=at) for at in range(1_000)))
    client.force_login(people.member)
    found = _asked(client, run, one)
    assert (len(found["lines"]), found["lines_left_out"]) == (200, 800)


def test_a_span_that_is_gone_may_have_lines(run: PipelineRun, home: Path, people: People, client: Client) -> None:
    """What is no span's id is nowhere."""
    (home / "logs.jsonl").write_text(_line("c" * 16, "sync.repo.failed", error_msg="No"))
    client.force_login(people.member)
    found = _asked(client, run, "c" * 16)
    assert (found["is_found"], found["attributes"]) == (False, [])
    assert [line["event"] for line in found["lines"]] == ["sync.repo.failed"]
    assert client.get(f"/runs/{run.pk}/spans/nonsense.json").status_code == 404


def test_a_span_leads_to_the_runs_it_is_linked_to(
    run: PipelineRun, home: Path, people: People, client: Client, settings: Settings
) -> None:
    """Phase 2, what took the run up, another attempt, and Jaeger; a trace that is nobody's leads nowhere."""
    settings.SYNCTRACE_JAEGER_URL = "http://jaeger.test"
    backfill = make_run(people.team, kind="backfill", follows=run)
    later = make_run(people.team, follows=run, resumed_by="owner")
    trace = backfill.traceparent.split("-")[1]
    first, second = attempt(0.0, 1.0), attempt(2.0, 3.0, number=2)
    second[0] = replace(second[0], links=((_TRACE, first[0].span_id), ("d" * 32, "d" * 16)))
    link = replace(span("sync.run.link", 4.0, 4.1), links=((trace, "e" * 16),))
    write_spans(home / "traces.jsonl", [root(9.0), *first, *second, link], trace_id=_TRACE)
    client.force_login(people.member)
    in_jaeger = {"words": "In Jaeger", "address": f"http://jaeger.test/trace/{_TRACE}?uiFind={link.span_id}"}
    older = {"words": f"run {backfill.pk}, which reads its older history", "address": f"/runs/{backfill.pk}/"}
    assert _asked(client, run, link)["links"] == [older, in_jaeger]
    assert _asked(client, run, second[0])["links"][:-1] == [{"words": f"span {first[0].span_id}", "span": first[0].span_id}]
    taken_up = {"words": f"run {later.pk}, which takes it up", "address": f"/runs/{later.pk}/"}
    assert _asked(client, run, ROOT_ID)["links"][:-1] == [older, taken_up]


def test_what_is_said_of_other_teams_is_said_without_their_names(
    run: PipelineRun, home: Path, people: People, client: Client
) -> None:
    """Neither the repository that was ahead nor its run; staff are told both."""
    theirs = make_run(people.other_team, {"full_name": "other/secret"})
    queued = wait(
        "sync.queue.wait", 0.0, 5.0, has={"sync.queue.behind": "other/secret", "sync.queue.behind_run_id": theirs.pk}
    )
    write_spans(home / "traces.jsonl", [root(9.0), queued], trace_id=_TRACE)
    (home / "logs.jsonl").write_text(_line(queued.span_id, "somewhat", behind="other/secret", behind_run=theirs.pk))
    client.force_login(people.member)
    text = client.get(f"/runs/{run.pk}/spans/{queued.span_id}.json").content.decode()
    assert "another team's repository" in text
    assert "other/secret" not in text
    assert "behind_run" not in text
    client.force_login(people.staff)
    text = client.get(f"/runs/{run.pk}/spans/{queued.span_id}.json").content.decode()
    assert "other/secret" in text
    assert f'["sync.queue.behind_run_id","{theirs.pk}"]' in text


def test_a_saved_run_has_what_is_known_of_its_spans(run: PipelineRun, home: Path, people: People, client: Client) -> None:
    """Lines and attributes are in the file; what a line holds ends no script."""
    one = call(0.0, 1.0)
    spans = [root(9.0), *attempt(0.0, 2.0, one)]
    write_spans(home / "traces.jsonl", spans, trace_id=_TRACE)
    (home / "logs.jsonl").write_text(_line(one.span_id, "sync.api.graphql", title="</script><b>"))
    client.force_login(people.member)
    page = client.get(f"/runs/{run.pk}/saved.html").content.decode()
    text = page.partition('<script type="application/json" id="details">')[2].partition("</script>")[0]
    details = json.loads(text)
    assert details[one.span_id]["lines"][0]["fields"] == [["title", "</script><b>"]]
    assert set(details) == {each.span_id for each in spans}
    assert "import {" not in page
