"""What people do in the console, in Chromium: come in, look on while it changes, find, cancel, resume, by keys alone."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psutil
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from apps.console.invitations import invite
from apps.integrations.models import PipelineRun
from apps.repositories.models import TokenAccess
from apps.utils import clock
from tests.console.browser.axe import faults
from tests.console.browser.conftest import Web, sign_in
from tests.console.web.people import PASSWORD, People, make_lane, make_run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]

_LONG = f"{'an-organization-' * 3}x/{'a-repository-whose-name-goes-on-' * 3}"[:100]
_DONE: dict[str, Any] = {"state": "completed", "disposition": "synced", "prs_done": 310, "prs_total": 310, "attempt": 1}
_LOST: dict[str, Any] = {
    "state": "failed",
    "disposition": "failed",
    "full_name": _LONG,
    "prs_total": 900,
    "error_type": "sso_required",
    "error_msg": "The organization wants the token authorized for SAML",
}


def _partial(people: People) -> PipelineRun:
    fields: dict[str, Any] = {"state": "partial", "ended_at": clock.now(), "repos_synced": 1, "repos_failed": 1}
    return make_run(people.team, {**_DONE}, {**_LOST}, phase="phase1_complete", **fields)


def _running(people: People) -> PipelineRun:
    started = clock.now() - timedelta(minutes=4)
    alive = clock.now() + timedelta(hours=1)
    at_work = {"state": "running", "prs_done": 90, "prs_total": 490, "started_at": started, "alive_at": alive}
    return make_run(people.team, {**_DONE, "started_at": started}, at_work)


def test_an_invited_user_comes_in_and_goes_out(page: Page, people: People, web: Web) -> None:
    """By a link that works once; the first page says how to begin."""
    link = invite(username="ada", team=people.team, web_url=web.url).link
    page.goto(link)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button", name="Come in").click()
    expect(page.get_by_role("heading", name="Nothing has run yet")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_another_team_s_run_is_not_there(page: Page, context: BrowserContext, people: People) -> None:
    """Neither its page, nor its part, nor its stream."""
    run = _running(people)
    sign_in(page, "outsider")
    addresses = (f"/runs/{run.pk}/", f"/runs/{run.pk}/time/", f"/runs/{run.pk}/cancel/")
    assert [context.request.get(address).status for address in addresses] == [404] * 3
    stream = page.evaluate(
        """(page) => new Promise((done) => {
            const source = new EventSource(`/events?page=${encodeURIComponent(page)}&known=`);
            source.addEventListener("part", (event) => { source.close(); done(event.data); });
        })""",
        f"/runs/{run.pk}/",
    )
    assert "It is no longer there." in stream
    assert "core" not in stream.lower()


def test_a_run_s_page_moves_while_the_sync_does(page: Page, people: People) -> None:
    """Within seconds, with nothing reloaded and the focus where it was; a state that ends is said."""
    run = _running(people)
    sign_in(page, "owner")
    page.goto(f"/runs/{run.pk}/")
    expect(page.get_by_text("400 of 800 pull requests")).to_be_visible()
    page.evaluate("window.isTheSame = true")
    page.get_by_role("link", name="Cancel…").focus()
    run.repo_syncs.filter(state="running").update(prs_done=250)
    expect(page.get_by_text("560 of 800 pull requests")).to_be_visible(timeout=8_000)
    expect(page.locator(".big")).to_have_text("70 %")
    expect(page.get_by_role("link", name="Cancel…")).to_be_focused()
    error = {"error_type": "OSError", "error_msg": "The disk is full"}
    PipelineRun.objects.filter(pk=run.pk).update(state="failed", ended_at=clock.now(), **error)
    expect(page.get_by_text("The disk is full").first).to_be_visible(timeout=8_000)
    assert page.evaluate("window.isTheSame")


def test_a_page_that_lost_its_server_is_caught_up(
    page: Page, people: People, web: Web, request: pytest.FixtureRequest
) -> None:
    """What happened meanwhile is there once, as soon as the server is back."""
    request.node.server_was_away = True
    run = _running(people)
    sign_in(page, "owner")
    page.goto(f"/runs/{run.pk}/")
    expect(page.get_by_text("400 of 800 pull requests")).to_be_visible()
    web.program.stop()
    run.repo_syncs.filter(state="running").update(prs_done=490, state="completed", disposition="synced")
    web.program.start()
    expect(page.get_by_text("800 of 800 pull requests")).to_be_visible(timeout=20_000)
    expect(page.get_by_role("rowheader")).to_have_count(2)


@pytest.mark.slow
def test_a_page_that_slept_is_caught_up(page: Page, people: People, web: Web, request: pytest.FixtureRequest) -> None:
    """With the whole browser, and its server was restarted meanwhile: it shows what there is, once, and warns of nothing."""
    request.node.server_was_away = True
    run = _running(people)
    sign_in(page, "owner")
    page.goto(f"/runs/{run.pk}/")
    expect(page.get_by_text("400 of 800 pull requests")).to_be_visible()
    browser = [each for each in psutil.Process().children(recursive=True) if "chrom" in each.name()]
    assert browser
    for process in browser:
        process.suspend()
    try:
        web.program.stop()
        for done in range(100, 200, 10):
            run.repo_syncs.filter(state="running").update(prs_done=done)
            time.sleep(0.3)
        web.program.start()
    finally:
        for process in browser:
            process.resume()
    expect(page.get_by_text("500 of 800 pull requests")).to_be_visible(timeout=20_000)
    expect(page.get_by_role("rowheader")).to_have_count(2)
    expect(page.locator("#stale")).to_have_count(0, timeout=10_000)


def test_a_failure_is_explained(page: Page, people: People) -> None:
    """By its cause, with what to do; the help says more of it, and each step of the proof is named."""
    run = _partial(people)
    sign_in(page, "owner")
    page.get_by_role("link", name=f"Run {run.pk}").first.click()
    banner = page.get_by_role("region", name="How it stands")
    expect(banner.locator(".cause")).to_contain_text("SAML")
    expect(banner.locator(".advice")).not_to_be_empty()
    expect(page.locator("#time").get_by_role("listitem").first).to_be_visible()
    cause = banner.get_by_role("link", name="sso_required")
    cause.click()
    page.wait_for_url("**/help/#sso_required")
    expect(page.locator("#sso_required")).to_be_in_viewport()


def test_a_run_is_compared_with_an_earlier_one(page: Page, people: People) -> None:
    """With the one that is offered, or with another that is chosen."""
    ended: dict[str, Any] = {"state": "completed", "phase": "phase1_complete", "ended_at": clock.now()}
    older, usual, run = (make_run(people.team, {**_DONE}, **ended) for _ in range(3))
    sign_in(page, "owner")
    page.goto(f"/runs/{run.pk}/")
    page.get_by_role("link", name="Compare it with an earlier run").click()
    expect(page.get_by_role("heading", name=f"Run {run.pk} and run {usual.pk}")).to_be_visible()
    page.get_by_label("Compare with").select_option(str(older.pk))
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", name=f"Run {run.pk} and run {older.pk}")).to_be_visible()
    expect(page.get_by_text(f"Run {older.pk} was chosen")).to_be_visible()


def test_a_run_is_cancelled_and_resumed_after_being_asked(page: Page, people: People) -> None:
    """And the page says who did."""
    run = _running(people)
    sign_in(page, "owner")
    page.goto(f"/runs/{run.pk}/")
    page.get_by_role("link", name="Cancel…").click()
    page.get_by_role("button", name="Cancel the run").click()
    expect(page.get_by_text("cancelled by owner")).to_be_visible()
    page.get_by_role("link", name="Resume…").click()
    page.get_by_role("button", name="Resume it").click()
    expect(page.get_by_text("resumed by owner")).to_be_visible()
    later = PipelineRun.objects.get(follows=run)
    expect(page.get_by_role("heading", name=f"Run {later.pk}")).to_be_visible()


def test_one_repository_is_retried(page: Page, people: People) -> None:
    """Of several that failed; the run still says that the other can be."""
    fields: dict[str, Any] = {"state": "partial", "ended_at": clock.now(), "repos_synced": 0, "repos_failed": 2}
    run = make_run(people.team, {**_LOST}, {**_LOST, "full_name": "core/other"}, phase="phase1_complete", **fields)
    sign_in(page, "owner")
    page.goto(f"/runs/{run.pk}/")
    page.get_by_role("link", name="Retry core/other").click()
    expect(page.get_by_label("core/other")).to_be_checked()
    expect(page.get_by_label(_LONG)).not_to_be_checked()
    page.get_by_role("button", name="Resume only the chosen ones").click()
    expect(page.get_by_text("resumed by owner")).to_be_visible()
    expect(page.get_by_role("rowheader")).to_have_text(["core/other"])
    page.goto(f"/runs/{run.pk}/")
    expect(page.get_by_role("link", name="Resume the others…")).to_be_visible()
    expect(page.get_by_role("link", name="Retry")).to_have_count(1)


def test_a_member_is_told_who_may(page: Page, people: People) -> None:
    """And has no button."""
    run = _running(people)
    sign_in(page, "member")
    page.goto(f"/runs/{run.pk}/")
    expect(page.get_by_text("An owner of Core may cancel it.")).to_be_visible()
    expect(page.get_by_role("link", name="Cancel…")).to_have_count(0)


def test_the_address_is_the_filter(page: Page, people: People) -> None:
    """What is typed is looked for at once; the way back leads to what was there before."""
    lost, running = _partial(people), _running(people)
    sign_in(page, "owner")
    page.goto("/runs/")
    rows = page.locator("[data-row]")
    expect(rows).to_have_count(2)
    page.get_by_label("Words, number, task or trace").fill("saml")
    expect(rows).to_have_count(0)
    page.get_by_label("Words, number, task or trace").fill("a-repository-whose")
    expect(rows).to_have_count(1)
    assert "text=a-repository-whose" in page.url
    page.get_by_label("Words, number, task or trace").fill("")
    page.get_by_label("State").select_option("running")
    expect(rows).to_have_text([re.compile(rf"{running.pk}$")])
    page.reload()
    expect(page.get_by_label("State")).to_have_value("running")
    expect(rows).to_have_text([re.compile(rf"{running.pk}$")])
    assert lost.pk != running.pk


def test_everything_is_done_by_keys(page: Page, people: People) -> None:
    """From the list to a run, to the one that failed before it, and to the help."""
    first, second = _partial(people), _partial(people)
    sign_in(page, "owner")
    listens = page.get_by_role("button", name="Keys")  # which the script shows that listens for them
    expect(listens).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.wait_for_url("**/runs/")
    expect(listens).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=f"Run {second.pk}")).to_be_visible()
    expect(listens).to_be_visible()
    page.keyboard.press("[")
    expect(page.get_by_role("heading", name=f"Run {first.pk}")).to_be_visible()
    expect(listens).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.wait_for_url("**/runs/")
    expect(listens).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_label("Words, number, task or trace")).to_be_focused()


def test_times_are_the_reader_s_with_utc_beside(page: Page, people: People) -> None:
    """At noon UTC it is seven in New York."""
    run = make_run(people.team, {**_DONE}, state="completed", phase="phase1_complete")
    noon = clock.now().replace(month=1, day=5, hour=12, minute=0, second=0)
    PipelineRun.objects.filter(pk=run.pk).update(started_at=noon, ended_at=noon)
    sign_in(page, "owner")
    page.goto(f"/runs/{run.pk}/")
    moment = page.locator(".banner time").first
    expect(moment).to_have_text(f"{noon:%Y-%m-%d} 07:00")
    expect(moment).to_have_attribute("title", f"{noon:%Y-%m-%d} 12:00:00 UTC")


def test_without_scripts_a_page_says_the_same(chromium: Browser, web: Web, people: People) -> None:
    """And its buttons work."""
    run = _running(people)
    with chromium.new_context(base_url=web.url, java_script_enabled=False) as context:
        page = context.new_page()
        sign_in(page, "owner")
        page.goto(f"/runs/{run.pk}/")
        expect(page.get_by_text("400 of 800 pull requests")).to_be_visible()
        page.get_by_role("link", name="Cancel…").click()
        page.get_by_role("button", name="Cancel the run").click()
        expect(page.get_by_text("cancelled by owner")).to_be_visible()
        page.goto("/runs/?state=cancelled")
        expect(page.locator("[data-row]")).to_have_count(1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_every_page_is_for_everyone(page: Page, people: People, scheme: str, width: int) -> None:
    """No fault that axe finds, and nothing wider than the window, with a name of a hundred characters."""
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 900})
    lost, running = _partial(people), _running(people)
    make_lane(people.team)
    found = {"/sign-in/": faults(page, "/sign-in/", width)}
    sign_in(page, "owner")
    connection = lost.repo_syncs.all()[0].connection_id
    many = [[f"{_LONG[:-5]}-{number:04}", number % 2 == 0, number % 3 == 0, True] for number in range(400)]
    facts: dict[str, Any] = {"scopes": [], "hidden_organizations": ["1"], "refusal": "GitHub is in trouble."}
    TokenAccess.objects.create(connection_id=connection, asked_at=clock.now(), repositories=many, **facts)
    of_it = [f"/connect/{connection}/{page}" for page in ("", "token/", "remove/")]
    addresses = ["/", "/runs/", "/runs/?text=nothing", "/accounts/", "/connect/", *of_it, "/system/", "/help/"]
    for address in (*addresses, f"/runs/{running.pk}/cancel/"):
        found[address] = faults(page, address, width)
    for run in (lost, running):
        for address in (f"/runs/{run.pk}/", f"/runs/{run.pk}/compare/", f"/runs/{run.pk}/time/", f"/runs/{run.pk}/resume/"):
            found[address] = faults(page, address, width)
    assert found == {address: [] for address in found}


def test_times_within_sentences_are_in_the_reader_s_zone(page: Page, context: BrowserContext, people: People) -> None:
    """With UTC where one points at them; so are the phases' times, and what comes while the page is open."""
    began = datetime(2026, 7, 8, 1, 2, 3, tzinfo=UTC)
    starts = {"syncing": began.isoformat()}
    row = {"state": "waiting", "wait_reason": "primary", "due_at": clock.now() + timedelta(hours=1)}
    run = make_run(people.team, row, started_at=began, phase_starts=starts)
    sign_in(page, "owner")
    page.goto(f"/runs/{run.pk}/")
    due = run.repo_syncs.get().due_at
    local = due.astimezone(ZoneInfo("America/New_York"))
    expect(page.get_by_text("Nothing of it works now.")).to_contain_text(f"primary limit until {local:%H:%M:%S}.")
    time = page.get_by_text("Nothing of it works now.").locator("time")
    expect(time).to_have_attribute("title", f"{due.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC")
    expect(page.get_by_role("list", name="Phases")).to_contain_text("Reading from GitHub2026-07-07 21:02:03 · ")
    later = due + timedelta(minutes=7)
    run.repo_syncs.update(due_at=later)
    local = later.astimezone(ZoneInfo("America/New_York"))
    expect(page.get_by_text("Nothing of it works now.")).to_contain_text(f"primary limit until {local:%H:%M:%S}.")


def test_without_scripts_the_system_page_has_the_workers_answer_soon(chromium: Browser, web: Web, people: People) -> None:
    """It loads itself again until then, and times are UTC."""
    with chromium.new_context(base_url=web.url, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/sign-in/")
        page.get_by_label("Name", exact=True).fill("owner")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.goto("/system/")
        expect(page.get_by_text("None answers.")).to_be_visible(timeout=15_000)
        expect(page.get_by_text("Times are UTC")).to_be_visible()
        page.wait_for_timeout(2_500)
        assert page.locator("noscript").count() == 0
