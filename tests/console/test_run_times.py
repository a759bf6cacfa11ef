"""Where a run's time went is on its page and in the command, from whatever can be read here; a run without spans says so."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from apps.console.run_times import time_of_run
from apps.explain.parts import Part
from apps.integrations.models import PipelineRun
from tests.admin_pages import page
from tests.console.spans_file import ended_run, write_spans
from tests.explain.told import attempt, call, root

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


def test_a_run_s_time_is_read_from_this_home_s_files(run: PipelineRun) -> None:
    """And sums to what its row says."""
    time = time_of_run(run)
    assert time is not None
    assert time.as_json()["wall_sec"] == 95.6
    assert {name: value for name, value in time.as_json()["parts"].items() if value} == {
        "github_answering": 5.0,
        "back_off": 90.0,
        "our_own_work": 0.6,
    }
    assert time.wall[Part.UNEXPLAINED] == 0


def test_a_run_s_page_has_the_table(run: PipelineRun, admin_client: Client) -> None:
    """Its last row is the run's duration."""
    shown = admin_client.get(page(PipelineRun, "change", run.pk)).content.decode()
    assert "<tr><td>back-off</td><td>90.00 s</td><td>90.00 s</td></tr>" in shown
    assert "<tr><td>in all</td><td>95.60 s</td><td>95.60 s</td></tr>" in shown


def test_trace_prints_the_table(run: PipelineRun) -> None:
    """Below the tree."""
    out = StringIO()
    call_command("trace", str(run.pk), stdout=out)
    assert "   90.00 s           90.00 s  back-off" in out.getvalue()
    assert "   95.60 s           95.60 s  in all" in out.getvalue()


def test_a_run_of_which_nothing_can_be_read_has_no_table(run: PipelineRun, admin_client: Client, settings: Settings) -> None:
    """Nor one that says that all of it is unexplained."""
    settings.SYNCTRACE_TRACES_FILE = None
    assert time_of_run(run) is None
    settings.SYNCTRACE_JAEGER_URL = "http://127.0.0.1:1"
    assert time_of_run(run) is None
    assert "None of its spans can be read here." in admin_client.get(page(PipelineRun, "change", run.pk)).content.decode()
