"""Runs are found by every cause that `explain` names, by those that only cost time too; what is not known is said."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models import Q
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from apps.console import known_causes
from apps.console.known_causes import causes_of, explain_next, has_cause, keep
from apps.console.models import RunCauses
from apps.console.web.explained import explanations
from apps.explain import codes
from apps.explain.codes import CODES
from apps.explain.explanation import explain_run
from apps.integrations.models import PipelineRun
from apps.utils import clock
from tests.console.spans_file import ended_run, write_spans
from tests.console.web.conftest import text_of
from tests.console.web.people import People, make_people, make_run
from tests.explain.told import attempt, call, limit, root

pytestmark = pytest.mark.django_db
_TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def people(db: None) -> People:
    """Two teams."""
    return make_people()


@pytest.fixture
def limited(settings: Settings, tmp_path: Path) -> PipelineRun:
    """A run that completed after a wait for the primary limit, which is in its spans alone."""
    settings.SYNCTRACE_TRACES_FILE = tmp_path / "traces.jsonl"
    spans = [root(95.6), *attempt(0.0, 95.6, call(0.0, 5.0), limit(5.0, 95.0, "primary"))]
    write_spans(tmp_path / "traces.jsonl", spans, trace_id=_TRACE)
    return ended_run(trace_id=_TRACE, seconds=95.6)


def _found(condition: Q) -> list[int]:
    return list(PipelineRun.objects.filter(condition).order_by("pk").values_list("pk", flat=True))


def _by_cause() -> dict[str, list[int]]:
    return {code.name: found for code in CODES if (found := _found(has_cause(code)))}


def test_a_run_that_only_lost_time_is_found_by_what_it_lost_it_to(limited: PipelineRun) -> None:
    """Not before somebody has explained it: no row says so."""
    assert (_by_cause(), _found(known_causes.NOT_KNOWN)) == ({}, [limited.pk])
    assert explain_next()
    assert (_by_cause(), _found(known_causes.NOT_KNOWN)) == ({"primary_limit": [limited.pk]}, [])
    assert causes_of([limited])[limited.pk] == [cause.code.name for cause in explain_run(limited.pk).causes]
    assert not explain_next()


def test_what_a_page_s_banner_has_found_is_kept(limited: PipelineRun) -> None:
    """It is the same explanation, and nobody needs to find it twice."""
    explanations.of(limited)
    assert _by_cause() == {"primary_limit": [limited.pk]}


def test_causes_are_those_of_explain_and_not_every_error_of_a_row(people: People) -> None:
    """Of a run that is not explained, the errors of its rows are all that is known."""
    lost = {"state": "failed", "disposition": "failed", "error_type": "sso_required", "error_msg": "SAML"}
    past = clock.now() - timedelta(minutes=1)
    run = make_run(people.team, lost, state="failed", ended_at=past, error_type="every_repository_failed", repos_failed=1)
    assert _by_cause() == {"sso_required": [run.pk]}
    assert explain_next()
    assert _by_cause() == {"sso_required": [run.pk]}
    RunCauses.objects.update(codes=["worker_died"])
    assert _by_cause() == {"worker_died": [run.pk]}


def test_a_run_that_goes_on_or_is_still_being_told_of_is_not_kept(people: People) -> None:
    """What comes later may be its cause."""
    now = clock.now()
    goes_on = make_run(people.team, {"state": "running"})
    fresh = make_run(people.team, {"state": "completed"}, state="completed", ended_at=now)
    untold = make_run(
        people.team, {"state": "completed"}, state="completed", ended_at=now - timedelta(minutes=1), export_due_at=now
    )
    for run in (goes_on, fresh, untold):
        keep(run, explain_run(run.pk))
    assert not explain_next()
    assert not RunCauses.objects.exists()


def test_other_rules_explain_a_run_again_unless_its_spans_are_gone(limited: PipelineRun, settings: Settings) -> None:
    """What they found while the spans were there stays true."""
    assert explain_next()
    RunCauses.objects.update(of_rules="others", codes=["unknown"])
    assert explain_next()
    assert _by_cause() == {"primary_limit": [limited.pk]}
    RunCauses.objects.update(of_rules="others")
    settings.SYNCTRACE_TRACES_FILE = None
    assert explain_next()
    assert _by_cause() == {"primary_limit": [limited.pk]}
    assert not explain_next()


def test_a_run_that_cannot_be_explained_keeps_no_other_waiting(
    limited: PipelineRun, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is known that it is not known."""

    def explain(run_id: int) -> object:
        if run_id == limited.pk:
            return explain_run(run_id)
        raise ValueError("a line that no rule expects")

    past = clock.now() - timedelta(minutes=1)
    broken = make_run(people.team, {"state": "completed"}, state="completed", ended_at=past)
    monkeypatch.setattr(known_causes, "explain_run", explain)
    assert [explain_next() for _ in range(3)] == [True, True, False]
    assert _by_cause() == {"primary_limit": [limited.pk]}
    assert _found(known_causes.NOT_KNOWN) == [broken.pk]


def test_the_list_of_runs_says_of_how_many_the_causes_are_not_known(
    limited: PipelineRun, people: People, client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    """And names those that are, with as many queries for one run as for many."""
    goes_on = make_run(people.team, {"state": "running"})
    explain_next()
    client.force_login(people.staff)
    page = text_of(client, "/runs/?cause=primary_limit")
    assert "The causes of 1 run like that are not known yet" in page
    assert "Causes: primary_limit" in page
    assert f"Run {limited.pk} " in page
    assert f"Run {goes_on.pk} " not in page
    assert "are not known yet" not in text_of(client, "/runs/?cause=primary_limit&state=completed")
    assert "are not known yet" not in text_of(client, "/runs/")
    for _ in range(5):
        past = clock.now() - timedelta(minutes=1)
        run = make_run(people.team, {"state": "completed"}, state="completed", ended_at=past)
        RunCauses.objects.create(run=run, codes=[codes.LANE_BUSY.name], had_spans=True, of_rules="", explained_at=past)
    with django_assert_max_num_queries(12):
        assert text_of(client, "/runs/?cause=lane_busy").count("Causes: lane_busy") == 5
