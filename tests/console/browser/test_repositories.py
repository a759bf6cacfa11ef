"""Repositories and teams in Chromium: found and sorted, evidence unfolded, a promise changed, and what axe finds."""

from __future__ import annotations

import re
from datetime import UTC, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from apps.analysis.models import WeeklyMetrics
from apps.integrations.models import RepoSync
from apps.repositories.models import TrackedRepository
from apps.utils import clock
from tests.console.browser.axe import faults
from tests.console.browser.conftest import Web, sign_in
from tests.console.web.histories import make_pull_request, synced
from tests.console.web.people import People, make_run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]

_LONG = f"{'an-organization-' * 3}x/{'a-repository-whose-name-goes-on-' * 3}"[:100]
_LOST: dict[str, Any] = {
    "state": "failed",
    "disposition": "failed",
    "error_type": "sso_required",
    "error_msg": "The organization wants the token authorized for SAML",
}


def _stored(people: People) -> TrackedRepository:
    """A repository with a long name whose newest sync failed, one of each other state, and weeks of the team."""
    gaps = [{"pull_request": 4, "list": "files", "stored": 3_000, "total": 3_412}]
    repository = synced(people, _LONG, ago=timedelta(hours=30), gaps=gaps)
    make_run(people.team, {"full_name": _LONG, **_LOST}, state="failed", ended_at=clock.now())
    synced(people, "core/on-time")
    synced(people, "core/late", ago=timedelta(days=3))
    synced(people, "core/delayed", ago=timedelta(days=4))
    alive = clock.now() + timedelta(hours=1)
    make_run(people.team, {"full_name": "core/delayed", "state": "running", "prs_total": 90, "alive_at": alive})
    make_run(people.team, {"full_name": "core/down", **_LOST, "error_type": "server_error"}, state="failed")
    evidence = "Claude Code: commit 0123456789\nClaude Code: description: Generated with [Claude Code]"
    for number in range(1, 13):
        tools = ("Claude Code",) if number % 4 == 0 else ()
        make_pull_request(repository, number, tools=tools, evidence=evidence if tools else "", files_total=3_412)
    make_pull_request(repository, 13, tools=None, state="OPEN", merged_at=None, title="a-title-without-a-blank-" * 8)
    today = clock.now().astimezone(UTC).date()
    for back in (*range(12), 20):
        WeeklyMetrics.objects.create(
            team=people.team,
            week=today - timedelta(days=today.weekday() + 7 * back),
            merged=20 + back * 7 % 13,
            cycle_time_hours=20 + back * 11 % 17,
            review_time_hours=None if back == 5 else 3 + back % 4,
            size=100 + back * 31 % 170,
            ai_assisted_share=0.6 - 0.04 * back if back < 12 else 0.0,
        )
    return repository


def test_repositories_are_found_and_sorted(page: Page, people: People) -> None:
    """By what is typed and chosen; a head of the table sorts; the keys lead there and through."""
    _stored(people)
    sign_in(page, "owner")
    expect(page.get_by_role("button", name="Keys")).to_be_visible()  # the script is there
    page.keyboard.press("g")
    page.keyboard.press("p")
    page.wait_for_url("**/repositories/")
    rows = page.locator("[data-row]")
    expect(rows).to_have_count(5)
    page.get_by_label("Name", exact=True).fill("late")
    expect(rows).to_have_text(["core/late"])
    page.get_by_label("Name", exact=True).fill("")
    page.get_by_role("combobox", name="State").select_option("on time")
    expect(rows).to_have_text(["core/on-time"])
    page.get_by_role("combobox", name="State").select_option("")
    expect(rows).to_have_count(5)
    page.get_by_role("columnheader", name="Stored up to").get_by_role("link").click()
    expect(rows.nth(1)).to_have_text("core/delayed")
    expect(page.get_by_role("columnheader", name="Stored up to")).to_have_attribute("aria-sort", "ascending")
    page.get_by_role("link", name="on time").click()
    expect(rows).to_have_text(["core/on-time"])
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="core/on-time")).to_be_visible()


def test_evidence_stays_unfolded_while_the_page_changes(page: Page, people: People) -> None:
    """What somebody reads is not taken from them."""
    repository = _stored(people)
    sign_in(page, "owner")
    page.goto(f"/repositories/{repository.pk}/")
    page.locator("#pull-12 summary").focus()
    page.keyboard.press("Enter")
    evidence = page.get_by_text("Generated with [Claude Code]").first
    expect(evidence).to_be_visible()
    make_run(people.team, {"full_name": _LONG, "state": "running", "alive_at": clock.now() + timedelta(hours=1)})
    expect(page.get_by_text("6 h late. Run ")).to_be_visible(timeout=8_000)
    expect(evidence).to_be_visible()
    page.get_by_role("link", name="Search all of them").click()
    page.get_by_label("AI assistance").select_option("AI-assisted")
    expect(page.get_by_role("rowheader")).to_have_count(3)
    assert "assisted=AI-assisted" in page.url
    page.get_by_label(re.compile("^Title")).fill("#8")
    expect(page.get_by_role("rowheader")).to_have_text([re.compile("#8 change 8")])


def test_an_owner_changes_the_promise_and_sees_it_kept(page: Page, people: People) -> None:
    """From the team's page and back; what was late is on time by it."""
    synced(people, ago=timedelta(hours=30))
    sign_in(page, "owner")
    expect(page.get_by_role("button", name="Keys")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("t")
    page.get_by_role("link", name="Core").click()
    expect(page.get_by_text("6 h late, and nothing is under way.")).to_be_visible()
    page.get_by_role("link", name="Change…").click()
    page.get_by_label(re.compile("^Hours")).fill("36")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("All of its repositories are on time.")).to_be_visible()
    RepoSync.objects.update(started_at=clock.now() - timedelta(hours=40))
    page.reload()
    expect(page.get_by_text("4 h late, and nothing is under way.")).to_be_visible()


def test_weeks_are_read_without_a_script_and_without_eyes(chromium: Browser, web: Web, people: People) -> None:
    """A plot says in a sentence what it shows, and a table has the same numbers."""
    _stored(people)
    with chromium.new_context(base_url=web.url, java_script_enabled=False) as context:
        page = context.new_page()
        sign_in(page, "member")
        page.goto("/teams/core/")
        plots = page.get_by_role("img")
        expect(plots).to_have_count(5)
        expect(plots.first).to_have_accessible_name("Merged a week")
        expect(plots.first).to_have_accessible_description(
            re.compile("^20 in the week of .* from 0 to 32 over 26 of 26 weeks")
        )
        page.get_by_text("The same as a table").click()
        expect(page.get_by_role("region", name="By week").get_by_role("row")).to_have_count(27)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_every_page_is_for_everyone(page: Page, people: People, scheme: str, width: int) -> None:
    """No fault that axe finds, and nothing wider than the window, with a name of a hundred characters or nothing at all."""
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 900})
    sign_in(page, "owner")
    found = {f"{address} empty": faults(page, address, width) for address in ("/repositories/", "/teams/", "/teams/core/")}
    repository = _stored(people)
    own = f"/repositories/{repository.pk}/"
    addresses = ["/", "/repositories/", "/repositories/?text=nothing", own, f"{own}pull-requests/"]
    addresses += [f"{own}pull-requests/?text=nothing", "/teams/", "/teams/core/", "/teams/core/promise/"]
    found |= {address: faults(page, address, width) for address in addresses}
    assert found == {address: [] for address in found}
