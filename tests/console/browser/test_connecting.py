"""Connecting, in Chromium: a token is pasted, repositories are picked, a run is started and seen; then all is removed."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from apps.github_simulator.testing import SimulatedGitHub
from apps.integrations.models import PipelineRun
from apps.repositories.models import GitHubConnection
from apps.utils import clock
from tests.console.browser.axe import faults_now
from tests.console.browser.conftest import Web, sign_in
from tests.console.web.people import People, make_run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]

_TOKEN = "pasted-by-somebody"


def _connect(page: Page, token: str = _TOKEN) -> None:
    page.get_by_label("Token", exact=True).fill(token)
    page.get_by_role("button", name="Check and connect").click()


def test_a_token_is_pasted_and_a_run_seen(page: Page, people: People, github: SimulatedGitHub) -> None:
    """From the empty first page to the run's, with what is typed looked for at once."""
    sign_in(page, "owner")
    page.get_by_role("link", name="Connect an account…").click()
    _connect(page)
    expect(page.get_by_role("heading", name=re.compile("user-"))).to_be_visible()
    boxes, status = page.get_by_role("checkbox"), page.get_by_role("status")
    expect(boxes).to_have_count(13)
    page.get_by_role("checkbox", name="synthetic/repo-11 archived").check()
    page.keyboard.press("Tab")
    page.get_by_label("Search").fill("repo-0")
    expect(boxes).to_have_count(1)
    expect(page.get_by_label("Search")).to_be_focused()
    expect(page.get_by_label(re.compile("^Others"))).to_have_value("synthetic/repo-11")
    page.get_by_role("button", name="Select all shown").click()
    expect(status).to_have_text("1 repository · 2 chosen")
    page.get_by_label("Search").fill("")
    expect(boxes).to_have_count(13)
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(2)
    page.get_by_role("radio", name="All history").check()
    page.get_by_role("button", name="Start the run").click()
    run = PipelineRun.objects.get()
    expect(page.get_by_role("heading", name=f"Run {run.pk}")).to_be_visible()
    expect(page.get_by_role("rowheader")).to_have_text(["synthetic/repo-0", "synthetic/repo-11"], use_inner_text=True)
    assert (run.since, GitHubConnection.objects.get().token()) == (None, _TOKEN)


def test_the_demo_s_data_is_one_button_away_and_goes_as_easily(page: Page, people: People, context: BrowserContext) -> None:
    """From the empty first page to the run's; an open first page takes its offer back by itself."""
    sign_in(page, "staff")
    other = context.new_page()
    other.goto("/")
    expect(other.get_by_role("button", name="Get the demo's data")).to_be_visible()
    assert faults_now(page, 1440) == []
    page.get_by_role("button", name="Get the demo's data").click()
    run = PipelineRun.objects.get()
    expect(page.get_by_role("heading", name=f"Run {run.pk}")).to_be_visible()
    names = ["libuv/libuv", "procrastinate-org/procrastinate"]
    expect(page.get_by_role("rowheader")).to_have_text(names, use_inner_text=True)
    expect(other.get_by_role("button", name="Get the demo's data")).not_to_be_visible()
    PipelineRun.objects.update(state="cancelled", ended_at=clock.now(), export_due_at=None)
    page.goto("/")
    page.get_by_role("link", name="Remove it…").click()
    page.get_by_role("button", name="Delete all this").click()
    page.goto("/")
    expect(page.get_by_role("button", name="Get the demo's data")).to_be_visible()


def test_a_refused_token_is_said_and_not_shown_again(page: Page, people: People, github: SimulatedGitHub) -> None:
    """The field is empty, for the next one."""
    github.expire_token("revoked")
    sign_in(page, "owner")
    page.goto("/connect/")
    _connect(page, "revoked")
    expect(page.get_by_role("alert")).to_contain_text("GitHub: 401: Bad credentials.")
    expect(page.get_by_label("Token", exact=True)).to_have_value("")
    assert "revoked" not in page.content().replace("was revoked", "")


def test_an_account_is_removed_after_a_second_look(page: Page, people: People) -> None:
    """By keys, too."""
    make_run(people.team, {"state": "completed"}, state="completed", phase="phase1_complete")
    sign_in(page, "owner")
    page.keyboard.press("g")
    page.keyboard.press("c")
    page.wait_for_url("**/connect/")
    page.get_by_role("link", name="Remove").click()
    expect(page.get_by_text("1 tracked repository, with 0 pull requests")).to_be_visible()
    page.get_by_role("button", name="Delete all this").click()
    expect(page.get_by_role("heading", name="Connect an account")).to_be_visible()
    assert not GitHubConnection.objects.exists()


def test_it_is_all_done_without_scripts(chromium: Browser, web: Web, people: People) -> None:
    """What is chosen goes along from search to search."""
    with chromium.new_context(base_url=web.url, java_script_enabled=False) as context:
        page = context.new_page()
        sign_in(page, "owner")
        page.goto("/connect/")
        _connect(page)
        page.get_by_label("Search").fill("repo-2")
        page.get_by_role("button", name="Find").click()
        page.get_by_role("button", name="Select all shown").click()
        page.get_by_label("Search").fill("repo-3")
        page.get_by_role("button", name="Find").click()
        page.get_by_role("checkbox").check()
        page.get_by_role("button", name="Start the run").click()
        expect(page.get_by_role("rowheader")).to_have_count(2)
