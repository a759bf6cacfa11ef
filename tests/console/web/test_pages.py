"""What the pages say of runs, in words and numbers; how much they ask of the database; what is done by their buttons."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape, strip_tags
from pytest_django import Settings

from apps.console.web import why
from apps.console.web.explained import Explanations
from apps.console.web.paging import PAGE_SIZE
from apps.explain.explanation import explain_run
from apps.integrations.models import PipelineRun
from apps.integrations.runs import phases
from apps.repositories.models import TrackedRepository
from apps.utils import clock
from tests.console.web.conftest import text_of
from tests.console.web.people import People, make_lane, make_run

pytestmark = pytest.mark.django_db

_DONE = {"state": "completed", "disposition": "synced", "prs_done": 310, "prs_total": 310, "attempt": 1}
_LOST = {
    "state": "failed",
    "disposition": "failed",
    "prs_done": 12,
    "prs_total": 900,
    "error_type": "sso_required",
    "error_msg": "The organization wants the token authorized for SAML",
}


def _partial(people: People) -> PipelineRun:
    now = clock.now()
    fields: dict[str, Any] = {"state": "partial", "ended_at": now, "repos_synced": 1, "repos_failed": 1}
    return make_run(people.team, {**_DONE}, {**_LOST}, phase="phase1_complete", **fields)


def test_home_puts_first_what_needs_somebody_with_its_cause(people: People, owner: Client) -> None:
    """And what to do about it."""
    run = _partial(people)
    page = text_of(owner, "/")
    assert f"Needs somebody partial Run {run.pk} Core · 2 repositories, 1 failed" in page
    assert "core/core-1: The organization wants the token authorized for SAML." in page
    assert "Authorize the token for the organization" in page


def test_a_failure_that_was_made_good_needs_nobody(people: People, owner: Client) -> None:
    """Once the run is resumed, or a later one has completed what it lost."""
    resumed, mended = _partial(people), _partial(people)
    make_run(people.team, {**_LOST}, follows=resumed, resumed_by="owner")
    make_run(
        people.team, {**_LOST, "full_name": "core/core-1", "state": "completed"}, state="completed", ended_at=clock.now()
    )
    assert mended.pk > resumed.pk
    assert "Needs somebody" not in text_of(owner, "/")


def test_home_says_how_to_begin_where_nothing_has_run(owner: Client, settings: Settings) -> None:
    """With the command as it is called here."""
    settings.SYNCTRACE_COMMAND = "docker compose run --rm"
    page = text_of(owner, "/")
    assert "Nothing has run yet Connect a GitHub account with a token" in page
    assert 'href="/connect/">Connect an account…' in owner.get("/").content.decode()
    assert "docker compose run --rm sync OWNER/NAME" in page


def test_home_says_to_a_member_who_may_begin(people: People, client: Client) -> None:
    """With no button that would lead nowhere."""
    client.force_login(people.member)
    page = text_of(client, "/")
    assert "An owner of your team connects a GitHub account and starts runs." in page
    assert "GITHUB_TOKEN" not in page
    assert "An owner of Core may connect accounts and choose repositories, and so may staff." in text_of(client, "/connect/")


def test_home_names_accounts_that_run_dry(people: People, owner: Client) -> None:
    """At the speed of the hour: 4,200 of 5,000 points in half of it."""
    make_run(people.team, {**_DONE}, state="completed", ended_at=clock.now())
    make_lane(people.team)
    assert "api.github.com/core-bot 800 of 5,000 points left: used up about" in text_of(owner, "/")


def test_a_run_says_how_far_it_is_and_what_it_does(people: People, owner: Client) -> None:
    """Counts over its repositories; of one whose size is not known there is no percentage."""
    run = make_run(
        people.team,
        {**_DONE, "requests": 14, "points": 21, "started_at": clock.now() - timedelta(minutes=5)},
        {"state": "running", "prs_done": 90, "prs_total": 490, "requests": 6, "points": 9},
    )
    page = text_of(owner, f"/runs/{run.pk}/")
    assert "50 % 400 of 800 pull requests" in page
    assert re.search(r"80 a minute so far; about 5 min( \d s)? left, if it goes on like that\.", page)
    assert "2 · 20 requests, 30 points" in page
    assert "At work: core/core-1." in page
    run.repo_syncs.filter(state="running").update(prs_total=None)
    assert "400 pull requests read; GitHub has not said yet how many there are" in text_of(owner, f"/runs/{run.pk}/")


def test_a_run_s_banner_has_the_words_of_the_command_explain(people: People, owner: Client, settings: Settings) -> None:
    """Its decisive cause with the error itself, what to do, and a link to what the help says of it."""
    run = _partial(people)
    explanation = explain_run(run.pk, command=settings.SYNCTRACE_COMMAND)
    page = owner.get(f"/runs/{run.pk}/").content.decode()
    assert explanation.causes[0].code.name == "sso_required"
    (cause,) = re.findall(r'<p class="cause">(.*)</p>', page)
    assert strip_tags(cause) == escape(explanation.sentence)
    said, command, _ = explanation.advice.split("`")
    assert f'<p class="advice">{escape(said)}<code>{command}</code>' in page
    assert "sso_required: The organization wants the token authorized for SAML" in page
    assert 'href="/help/#sso_required"' in page
    assert 'id="sso_required"' in owner.get("/help/").content.decode()


def test_a_run_is_explained_anew_once_its_rows_stand_otherwise(people: People, owner: Client) -> None:
    """However recently it was."""
    run = make_run(people.team, {"state": "running", "alive_at": clock.now() + timedelta(hours=1)})
    assert f"Run {run.pk} is healthy" in text_of(owner, f"/runs/{run.pk}/")
    run.repo_syncs.update(state="failed", disposition="failed", error_type="forbidden", ended_at=clock.now())
    assert "the token may not read this" in text_of(owner, f"/runs/{run.pk}/")


def test_a_run_of_which_nothing_works_says_what_it_waits_for(people: People, owner: Client) -> None:
    """The words are those of the commands."""
    due = clock.now() + timedelta(minutes=20)
    run = make_run(people.team, {"state": "waiting", "wait_reason": "primary", "due_at": due})
    page = text_of(owner, f"/runs/{run.pk}/")
    assert f"Nothing of it works now. core/core-0 is waiting: GitHub's primary limit until {due:%H:%M:%S}Z." in page


def test_a_run_s_phases_say_where_it_stopped(people: People, owner: Client) -> None:
    """In words that a newcomer knows."""
    error: dict[str, Any] = {"error_type": "ZeroDivisionError", "error_msg": "It broke"}
    run = make_run(people.team, {**_DONE}, state="failed", phase="computing_metrics", ended_at=clock.now(), **error)
    page = text_of(owner, f"/runs/{run.pk}/")
    assert "Reading from GitHub Marking AI-assisted work Computing weekly metrics: stopped here Done" in page
    assert "It broke" in page
    assert "llm_processing" not in page


_BEGAN = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def _starts(*names: str) -> dict[str, str]:
    """Return when phases began, forty seconds apart."""
    return {name: (_BEGAN + timedelta(seconds=40 * at)).isoformat() for at, name in enumerate(names)}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"state": "completed", "phase": "phase1_complete", "ended_at": _BEGAN + timedelta(seconds=120)},
            (
                "Reading from GitHub 2026-03-04 05:06:07 · 40.0 s · 33.3 % of the run "
                "Marking AI-assisted work 2026-03-04 05:06:47 · 40.0 s · 33.3 % of the run "
                "Computing weekly metrics 2026-03-04 05:07:27 · 40.0 s · 33.3 % of the run Done 2026-03-04 05:08:07 "
            ),
        ),
        (
            {"state": "failed", "phase": "llm_processing", "ended_at": _BEGAN + timedelta(seconds=43)},
            (
                "Reading from GitHub 2026-03-04 05:06:07 · 40.0 s · 93.0 % of the run Marking AI-assisted work: stopped "
                "here 2026-03-04 05:06:47 · 3.0 s · 7.0 % of the run Computing weekly metrics Done "
            ),
        ),
        (
            {"state": "cancelled", "phase": "syncing", "ended_at": _BEGAN + timedelta(seconds=9)},
            "Reading from GitHub: stopped here 2026-03-04 05:06:07 · 9.0 s · 100.0 % of the run Marking AI-assisted work",
        ),
        (
            {"state": "running", "phase": "llm_processing"},
            (
                "Reading from GitHub 2026-03-04 05:06:07 · 40.0 s "
                "Marking AI-assisted work 2026-03-04 05:06:47 · so far Computing weekly metrics Done "
            ),
        ),
        (
            {"state": "running", "phase": "background_llm", "kind": "backfill"},
            "Reading older history 2026-03-04 05:06:07 · 40.0 s Marking and computing 2026-03-04 05:06:47 · so far Done ",
        ),
    ],
)
def test_a_run_s_phases_say_when_they_began_and_how_long_they_took(
    people: People, owner: Client, fields: dict[str, Any], said: str
) -> None:
    """Of those it has entered; the last is a moment."""
    kind = fields.get("kind", "recent")
    names = [name for name in phases.NAMES if phases.phase(name).kind == kind]
    entered = names[: names.index(fields["phase"]) + 1]
    run = make_run(people.team, {**_DONE}, started_at=_BEGAN, phase_starts=_starts(*entered), **fields)
    assert said in text_of(owner, f"/runs/{run.pk}/")


def _bars(client: Client, run: PipelineRun) -> list[tuple[float, float]]:
    """Return where the phases' bars on a run's page begin, and how wide they are, in thousandths of its time."""
    page = client.get(f"/runs/{run.pk}/").content.decode()
    listed = page[page.index('<ol class="phases"') :].partition("</ol>")[0]
    return [(float(x), float(width)) for x, width in re.findall(r'<rect x="([\d.]+)" width="([\d.]+)"', listed)]


@pytest.mark.parametrize(
    ("ended", "offsets", "bars"),
    [
        (100, (0, 50, 75, 100), [(0, 500), (500, 250), (750, 250)]),
        (10_000, (0, 5_000, 5_001, 10_000), [(0, 500), (500, 4), (500, 500)]),
        (10_000, (0, 9_998, 9_999, 10_000), [(0, 1000), (996, 4), (996, 4)]),
        (100, (-1, 50, 120, 120), [(0, 500), (500, 500), (996, 4)]),
    ],
    ids=["in proportion", "hardly any time", "at the end", "clocks that differ"],
)
def test_a_phase_s_bar_is_in_proportion_to_its_time(
    people: People, owner: Client, ended: int, offsets: tuple[int, ...], bars: list[tuple[float, float]]
) -> None:
    """On the run's own axis, which none leaves; one that took hardly any time is seen all the same."""
    names = [name for name in phases.NAMES if phases.phase(name).kind == "recent"]
    starts = {name: (_BEGAN + timedelta(seconds=offset)).isoformat() for name, offset in zip(names, offsets, strict=True)}
    fields: dict[str, Any] = {"state": "completed", "phase": names[-1], "ended_at": _BEGAN + timedelta(seconds=ended)}
    assert _bars(owner, make_run(people.team, {**_DONE}, started_at=_BEGAN, phase_starts=starts, **fields)) == bars


def test_the_bar_of_a_phase_that_goes_on_ends_now(people: People, owner: Client) -> None:
    """Those ahead have none."""
    now = clock.now()
    starts = {
        "syncing": (now - timedelta(seconds=400)).isoformat(),
        "llm_processing": (now - timedelta(seconds=100)).isoformat(),
    }
    run = make_run(people.team, {**_DONE}, ago=timedelta(seconds=400), phase="llm_processing", phase_starts=starts)
    (first, width), (second, rest) = _bars(owner, run)
    assert (first, second) == (0, width)
    assert width + rest == pytest.approx(1000, abs=1)
    assert width == pytest.approx(750, abs=20)


def test_of_an_earlier_version_s_run_only_what_is_known_of_its_phases_is_said(people: People, owner: Client) -> None:
    """A phase without a beginning has no length."""
    run = make_run(people.team, {**_DONE}, phase="computing_metrics")
    whole = f"/runs/{run.pk}/"
    assert "Reading from GitHub Marking AI-assisted work Computing weekly metrics Done" in text_of(owner, whole)
    PipelineRun.objects.update(phase_starts=_starts("computing_metrics"))
    said = "Reading from GitHub Marking AI-assisted work Computing weekly metrics 2026-03-04 05:06:07 · so far Done"
    assert said in text_of(owner, whole)
    PipelineRun.objects.update(phase_starts=None)
    assert _bars(owner, run) == []


def test_titles_and_errors_of_others_aretext_of(people: People, owner: Client) -> None:
    """Whatever they hold."""
    run = make_run(people.team, {**_LOST, "full_name": "o/<b>n</b>", "error_msg": "<script>alert(1)</script>"})
    page = owner.get(f"/runs/{run.pk}/").content.decode()
    assert "<script>alert" not in page
    assert "o/&lt;b&gt;n&lt;/b&gt;" in page


_FOUND = {
    "": [6, 5, 4, 3, 2, 1],
    "state=running": [6, 1],
    "state=failed+or+partial": [3, 2],
    "team=core": [5, 4, 3, 2, 1],
    "kind=backfill": [4],
    "text=SPECIAL": [1],
    "text=saml": [3],
    "text={second}": [2],
    "text=00000000-0000-0000-0000-000000000000": [],
    "text=00000000000000000000000000000005": [5],
    "cause=sso_required": [3, 2],
    "cause=program_error": [],
    "cause=nonsense": [6, 5, 4, 3, 2, 1],
    "repository=core/special": [1],
    "repository=SPEC*": [1],
    "repository=core/core-*": [2],
    "repository=other/*": [],
    "since=2026-01-02&until=2026-01-02": [5],
    "state=completed&team=core": [5, 4],
    "since=nonsense&state=nonsense&kind=nonsense": [6, 5, 4, 3, 2, 1],
    "since=2026-02-31": [6, 5, 4, 3, 2, 1],
    "text=%00": [6, 5, 4, 3, 2, 1],
}


def test_runs_are_found_by_what_the_address_says(people: People, client: Client) -> None:
    """Team, state, kind, time, cause, repository, and words; what is not understood asks for nothing."""
    now = clock.now()
    then = now.replace(year=2026, month=1, day=2, hour=23, minute=59)
    runs = [
        make_run(people.team, {**_DONE, "full_name": "core/special"}),
        make_run(people.team, {**_LOST, "error_msg": ""}, state="failed", ended_at=now),
        make_run(people.team, state="partial", ended_at=now, error_msg="it wants SAML", error_type="sso_required"),
        make_run(people.team, state="completed", kind="backfill", phase="complete", ended_at=now),
        make_run(people.team, state="completed", ended_at=now),
        make_run(people.other_team),
    ]
    PipelineRun.objects.filter(pk=runs[4].pk).update(started_at=then)
    numbers = {run.pk: number for number, run in enumerate(runs, start=1)}
    client.force_login(people.staff)
    found = {
        query: [numbers[pk] for pk in _listed(client.get(f"/runs/?{query.format(second=runs[1].pk)}").content.decode())]
        for query in _FOUND
    }
    assert found == _FOUND


def _listed(page: str) -> list[int]:
    """The numbers of the runs in a page's list."""
    return [int(number) for number in re.findall(r'href="/runs/(\d+)/" data-row', page)]


def test_runs_come_in_pages_that_stay_where_they_are(people: People, owner: Client) -> None:
    """Newest first; a run that starts meanwhile moves nothing; the filter goes along."""
    runs = [make_run(people.team, state="completed", ended_at=clock.now()) for _ in range(2 * PAGE_SIZE + 1)]
    pages, address = [], "/runs/?state=completed"
    while True:
        page = owner.get(address).content.decode()
        pages.append(_listed(page))
        make_run(people.team, state="completed", ended_at=clock.now())
        older = re.search(r'rel="next" href="([^"]+)"', page)
        if older is None:
            break
        address = older[1].replace("&amp;", "&")
        assert "state=completed" in address
    assert [len(page) for page in pages] == [PAGE_SIZE, PAGE_SIZE, 1]
    assert [pk for page in pages for pk in page] == [run.pk for run in reversed(runs)]
    back = re.search(r'rel="prev" href="([^"]+)"', page)
    assert back is not None
    assert _listed(owner.get(back[1].replace("&amp;", "&")).content.decode()) == pages[1]


@pytest.mark.parametrize("address", ["/", "/runs/", "/accounts/", "/connect/", "/system/", "run"])
def test_a_page_asks_as_much_for_many_rows_as_for_few(
    people: People, owner: Client, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No query a run, a repository or an account; and few in all."""
    first = make_run(people.team, {"state": "running"}, {"state": "queued"}, {**_LOST})
    address = f"/runs/{first.pk}/" if address == "run" else address
    most = 30 if "/runs/" in address else 22  # a run's page also explains it

    def add() -> None:
        for _ in range(3):
            _partial(people)
            make_run(people.team, {"state": "running"}, {"state": "queued"}, {**_LOST})
        for number in range(5):
            make_run(people.team, {**_LOST, "full_name": f"core/more-{number}"})
        other = make_run(people.team, {"state": "queued", "full_name": "core/again"}, {**_LOST, "full_name": "core/lost"})
        other.repo_syncs.update(run=first)

    _partial(people)
    make_run(people.team, {"state": "queued", "full_name": "core/queued"})
    owner.get(address)
    monkeypatch.setattr(why, "explanations", Explanations())
    with CaptureQueriesContext(connection) as few:
        assert owner.get(address).status_code == 200
    add()
    monkeypatch.setattr(why, "explanations", Explanations())
    with CaptureQueriesContext(connection) as many:
        assert owner.get(address).status_code == 200
    assert len(many) == len(few)
    assert len(many) <= most
    assert [query["sql"] for query in many if "pulls_" in query["sql"]] == []  # of which there may be millions


def test_an_owner_cancels_and_resumes(people: People, owner: Client) -> None:
    """After being asked; both are said with the name of who did."""
    run = make_run(people.team, {"state": "queued"})
    assert f"Cancel run {run.pk}?" in text_of(owner, f"/runs/{run.pk}/cancel/")
    run.refresh_from_db()
    assert run.state == "running"
    assert owner.post(f"/runs/{run.pk}/cancel/").headers["Location"] == f"/runs/{run.pk}/"
    assert "cancelled by owner" in text_of(owner, f"/runs/{run.pk}/")
    answer = owner.post(f"/runs/{run.pk}/resume/")
    later = PipelineRun.objects.get(follows=run)
    assert (answer.headers["Location"], later.resumed_by) == (f"/runs/{later.pk}/", "owner")
    assert f"Taken up by run {later.pk}" in text_of(owner, f"/runs/{run.pk}/")
    again = owner.post(f"/runs/{run.pk}/resume/")
    assert again.status_code == 409
    assert f"Run {run.pk} was resumed already, as run {later.pk}." in strip_tags(again.content.decode())


def test_an_owner_retries_the_repositories_that_they_choose(people: People, owner: Client) -> None:
    """One of two that failed, then the other; what was chosen is ticked, and nothing is taken up twice."""
    run = make_run(
        people.team, {**_DONE}, {**_LOST}, {**_LOST}, state="partial", phase="phase1_complete", ended_at=clock.now()
    )
    page = owner.get(f"/runs/{run.pk}/").content.decode()
    assert f'href="/runs/{run.pk}/resume/?repository=core%2Fcore-2"' in page
    asked = owner.get(f"/runs/{run.pk}/resume/?repository=core%2Fcore-2").content.decode()
    assert re.findall(r'value="(core/[^"]+)"( checked)?', asked) == [("core/core-2", " checked"), ("core/core-1", "")]
    chosen = {"which": "chosen", "repository": ["core/core-2"]}
    answer = owner.post(f"/runs/{run.pk}/resume/", chosen)
    first = PipelineRun.objects.get(follows=run)
    assert answer.headers["Location"] == f"/runs/{first.pk}/"
    assert [row.repository.full_name for row in first.repo_syncs.all()] == ["core/core-2"]
    assert "Needs somebody" in text_of(owner, "/")
    page = text_of(owner, f"/runs/{run.pk}/")
    assert f"Taken up by run {first.pk} owner resumed it. Resume the others…" in page
    again = owner.post(f"/runs/{run.pk}/resume/", chosen)
    assert again.status_code == 409
    assert f"core/core-2 was resumed already, as run {first.pk}." in strip_tags(again.content.decode())
    none = owner.post(f"/runs/{run.pk}/resume/", {"which": "chosen"})
    assert (none.status_code, PipelineRun.objects.filter(follows=run).count()) == (409, 1)
    owner.post(f"/runs/{run.pk}/resume/", {"which": "all", "repository": ["core/core-2"]})
    second = PipelineRun.objects.filter(follows=run).latest("pk")
    assert [row.repository.full_name for row in second.repo_syncs.all()] == ["core/core-1"]
    assert "Needs somebody" not in text_of(owner, "/")
    assert "Resume" not in owner.get(f"/runs/{run.pk}/").content.decode()


def test_buttons_need_their_own_page(people: People) -> None:
    """A form of another site cannot press them."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(people.owner)
    run = make_run(people.team, {"state": "queued"})
    assert client.post(f"/runs/{run.pk}/cancel/").status_code == 403
    run.refresh_from_db()
    assert run.state == "running"


def test_a_page_that_is_open_gets_only_what_changes(people: People, owner: Client) -> None:
    """The same as in the page, and what tells its state from another."""
    run = make_run(people.team, {"state": "queued"})
    page, part = owner.get(f"/runs/{run.pk}/"), owner.get(f"/runs/{run.pk}/", headers={"HX-Request": "true"})
    assert part.content.decode() in page.content.decode()
    assert "<html" not in part.content.decode()
    assert f'data-version="{part.headers["X-Part-Version"]}"' in page.content.decode()


def test_pages_are_only_read(owner: Client) -> None:
    """Nothing can be posted to them."""
    assert owner.post("/").status_code == 405


def test_a_run_s_number_may_be_any(people: People, owner: Client) -> None:
    """Also one that no row can have."""
    assert [owner.get(f"/runs/{number}/").status_code for number in (0, 999, 2**63, 10**30)] == [404] * 4


def test_a_run_is_named_by_its_repositories(client: Client, people: People) -> None:
    """By the first, with how many more there are."""
    client.force_login(people.member)
    one = make_run(people.team, {"state": "completed", "full_name": "core/only"}, state="completed")
    assert "core/only" in text_of(client, f"/runs/?text={one.pk}")
    make_run(people.team, *({"state": "completed", "full_name": f"core/{name}"} for name in "cab"), state="completed")
    assert "core/a and 2 more" in text_of(client, "/runs/")


def _removed(people: People, *names: str, **fields: Any) -> PipelineRun:
    """Return a run over two repositories that has completed, of which these were removed since."""
    ended = {"state": "completed", "phase": "phase1_complete", "ended_at": clock.now(), **fields}
    run = make_run(people.team, {**_DONE, "full_name": "core/a"}, {**_DONE, "full_name": "core/b"}, **ended)
    TrackedRepository.objects.filter(full_name__in=names).delete()
    return run


def test_a_run_whose_repositories_were_removed_says_so_and_what_it_kept(people: People, owner: Client) -> None:
    """On its page, in its file and in lists; it does not call nothing of nothing all."""
    run = _removed(people, "core/a", "core/b", repos_count=2, repos_synced=2, total_prs=620)
    page = text_of(owner, f"/runs/{run.pk}/")
    assert "620 pull requests read, as far as is still known" in page
    assert "Its 2 repositories were removed since, with all that was read there." in page
    assert "When the run ended, 2 repositories were complete and 0 had failed." in page
    assert "Repositories its 2 repositories were removed since" in page
    for text in (page, text_of(owner, f"/runs/{run.pk}/saved.html")):
        assert "620 pull requests read, as far as is still known" in text
        assert "100 %" not in text
        assert "0 of 0" not in text
        assert "0 requests" not in text
    for address in ("/", "/runs/"):
        text = text_of(owner, address)
        assert "2 repositories removed since" in text, address
        assert "no repository" not in text
    assert f"Of run {run.pk} its 2 repositories were removed since" in text_of(owner, f"/runs/{run.pk}/compare/")


def test_a_run_of_which_a_repository_was_removed_names_those_that_are_left(people: People, owner: Client) -> None:
    """With a bar for none: what is left is not what it was to read."""
    run = _removed(people, "core/a", repos_count=2, repos_synced=2, total_prs=620)
    page = text_of(owner, f"/runs/{run.pk}/")
    assert "620 pull requests read, as far as is still known 1 of its 2 repositories was removed since" in page.lower()
    assert "Repositories 1; 1 of its 2 repositories was removed since ·" in page
    assert "100 %" not in page
    assert "core/b, 1 repository removed since" in text_of(owner, "/runs/")


def test_of_an_earlier_version_s_run_it_is_only_known_that_they_were_removed(people: People, owner: Client) -> None:
    """And of a run that has rows nothing."""
    run = _removed(people, "core/a", "core/b", total_prs=620)
    page = text_of(owner, f"/runs/{run.pk}/")
    assert "Its repositories were removed since, with all that was read there." in page
    assert "repositories removed since" in text_of(owner, "/runs/")
    assert "removed since" not in text_of(owner, f"/runs/{_removed(people).pk}/")
