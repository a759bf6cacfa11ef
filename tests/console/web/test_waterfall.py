"""What the waterfall is drawn from: each span once, as a tree, with its part, its errors and the critical path."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.test import Client, RequestFactory
from pytest_django import DjangoAssertNumQueries, Settings

from apps.console.run_times import time_of_run
from apps.console.web.looking_on import Turns, run_looked_at
from apps.console.web.run_time import shares_of
from apps.console.web.waterfall import ON_PATH, waterfall_of
from apps.explain.parts import Part
from apps.integrations.models import PipelineRun
from apps.teams.models import Membership, Team
from tests.console.spans_file import write_spans
from tests.console.web.people import People, make_run
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
    return PipelineRun.objects.create(
        team=repository().team,
        kind="recent",
        state="completed",
        phase="phase1_complete",
        traceparent=f"00-{_TRACE}-{ROOT_ID}-01",
        started_ns=BEGAN_NS,
        started_at=BEGAN,
        ended_at=BEGAN + timedelta(seconds=95.6),
    )


def _rows(data: dict[str, Any]) -> list[tuple[str, int, float, float]]:
    return [(data["names"][row[0]], row[1], row[2], row[3]) for row in data["rows"]]


def test_spans_are_rows_in_the_order_of_the_tree(run: PipelineRun, admin_client: Client) -> None:
    """With milliseconds since the run began; the critical path has no hole."""
    data = admin_client.get(f"/runs/{run.pk}/spans.json").json()
    rows = _rows(data)
    assert rows[0] == ("sync.pipeline", 0, 0.0, 95_600.0)
    assert ("sync.api.graphql", 3, 0.0, 5_000.0) in rows
    assert len(rows) == len(data["details"]) == 1 + 3 + 2
    assert (data["run"], data["is_running"], data["length"]) == (run.pk, False, 95_600.0)
    at = 0.0
    for start, length, _part, _row in data["critical"]:
        assert start == pytest.approx(at, abs=0.01)
        at = start + length
    assert at == pytest.approx(95_600.0, abs=0.01)
    parts = {data["parts"][part]["key"] for _, _, part, _ in data["critical"]}
    assert parts == {"github_answering", "back_off", "our_own_work"}


def test_what_is_on_the_critical_path_is_lit_and_idle_time_is_told(run: PipelineRun) -> None:
    """A stretch leads to the row that says so; nothing was at work while the run backed off."""
    data = waterfall_of(run)
    (call,) = (at for at, row in enumerate(_rows(data)) if row[0] == "sync.api.graphql")
    assert [0.0, 5_000.0, call] in [[start, length, row] for start, length, _, row in data["critical"]]
    assert {bool(row[5] & ON_PATH) for row in data["rows"][: call + 1]} == {True}
    assert data["idle"] == [(5_000.0, pytest.approx(90_600.0))]
    assert data["ids"][call] != data["ids"][0] == ROOT_ID
    assert next(part["key"] for part in data["parts"] if part["waits"]) == "primary_wait"


def test_spans_are_sent_again_only_when_a_process_has_said_more(
    run: PipelineRun, admin_client: Client, settings: Settings, tmp_path: Path
) -> None:
    """A span that begins or ends is in a journal at once; what other runs' processes say changes nothing."""
    settings.SYNCTRACE_JOURNAL = tmp_path / "journal"
    settings.SYNCTRACE_JOURNAL.mkdir()
    journal = settings.SYNCTRACE_JOURNAL / "worker.jsonl"

    def ask(version: str = "") -> tuple[int, str]:
        answer = admin_client.get(f"/runs/{run.pk}/spans.json", headers={"If-None-Match": version})
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
    assert ("sync.repo", 1) in [row[:2] for row in _rows(waterfall_of(run))]


def test_pages_that_ask_each_second_leave_the_database_alone(
    run: PipelineRun, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """Who may see the spans is kept for each session, and the row for all; nobody else gets in by that."""
    clients = {who: Client() for who in ("owner", "outsider", "stranger")}
    for name, team in (("owner", run.team), ("outsider", Team.objects.create(slug="other", name="Other"))):
        user = User.objects.create_user(name)
        Membership.objects.create(user=user, team=team)
        clients[name].force_login(user)
    address = f"/runs/{run.pk}/spans.json"
    version = clients["owner"].get(address).headers["ETag"]
    with django_assert_num_queries(0):
        assert clients["owner"].get(address, headers={"If-None-Match": version}).status_code == 304
    assert [clients["outsider"].get(address).status_code for _ in range(2)] == [404, 404]
    assert clients["stranger"].get(address).status_code == 302
    clients["owner"].logout()
    assert clients["owner"].get(address).status_code == 302


def test_the_more_pages_ask_for_spans_the_later_each_asks_again() -> None:
    """Each takes the next free turn, so that all of them ask ten times a second; one alone is not kept waiting."""
    turns = Turns(a_second=10)
    assert [round(turns.take(), 1) for _ in range(4)] == [0.1, 0.2, 0.3, 0.4]
    assert Turns(a_second=10).take() < 0.2


def test_a_run_whose_spans_cannot_be_read_has_no_rows(run: PipelineRun, settings: Settings) -> None:
    """And the page shows no waterfall."""
    settings.SYNCTRACE_TRACES_FILE = None
    data = waterfall_of(run)
    assert (data["rows"], data["critical"]) == ([], [])


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


def test_a_sight_is_kept_for_a_session_alone(people: People) -> None:
    """Whoever comes without one, by another way of signing in, leaves nothing for the next who has none."""
    run = make_run(people.team, {"state": "running"})
    request = RequestFactory().get("/")
    request.user = people.owner
    assert run_looked_at(request, run.pk) == run
    request.user = AnonymousUser()
    assert run_looked_at(request, run.pk) is None
