"""Tables in Chromium are sorted by their headers, by pointer and by keys, and stay so while a run goes on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from apps.integrations.models import RepoSync
from apps.utils import clock
from tests.console.browser.axe import faults
from tests.console.browser.conftest import sign_in
from tests.console.web.people import People, make_run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]


def _names(table: Locator) -> Locator:
    return table.locator("tbody th a")


def test_a_run_s_repositories_are_sorted_and_stay_so_while_it_goes_on(page: Page, people: People) -> None:
    """Numbers by size, lengths of time by how long they are, the most first; what says nothing is last, either way."""
    began = clock.now() - timedelta(hours=3)
    run = make_run(
        people.team,
        *(
            {
                "full_name": f"core/{name}",
                "state": "completed" if minutes else "pending",
                "prs_done": done,
                "prs_total": done,
                "requests": done // 10,
                "started_at": began if minutes else None,
                "ended_at": began + timedelta(minutes=minutes) if minutes else None,
            }
            for name, done, minutes in (("a", 1_200, 2), ("b", 90, 61.5), ("c", 1_000, 0.25), ("d", 0, 0))
        ),
    )
    sign_in(page, "owner")
    page.goto(f"/runs/{run.pk}/")
    table = page.get_by_role("region", name="Repositories").locator("table")
    took = table.get_by_role("button", name="Took")
    took.click()
    expect(_names(table)).to_have_text(["core/b", "core/a", "core/c", "core/d"])
    expect(table.locator("thead th[aria-sort=descending]")).to_have_text("Took")
    took.press("Enter")
    expect(_names(table)).to_have_text(["core/c", "core/a", "core/b", "core/d"])
    table.get_by_role("button", name="Pull requests").click()
    expect(_names(table)).to_have_text(["core/a", "core/c", "core/b", "core/d"])
    RepoSync.objects.filter(repository__full_name="core/d").update(prs_done=5_000, prs_total=6_000, state="running")
    expect(_names(table)).to_have_text(["core/d", "core/a", "core/c", "core/b"], timeout=20_000)
    expect(table.locator("thead th[aria-sort=descending]")).to_have_text("Pull requests")
    assert faults(page, f"/runs/{run.pk}/", 1440) == []


def test_runs_are_listed_in_either_order(page: Page, people: People) -> None:
    """All of them, not those of a page alone; a search keeps the order."""
    runs = [make_run(people.team, {"state": "completed"}, state="completed") for _ in range(60)]
    sign_in(page, "owner")
    page.goto("/runs/")
    page.get_by_role("columnheader", name="Run").get_by_role("link").click()
    rows = page.locator("a[data-row]")
    expect(rows.first).to_have_text(f"Run {runs[0].pk}")
    page.get_by_role("link", name="Newer").click()
    expect(rows.first).to_have_text(f"Run {runs[50].pk}")
    page.get_by_label("State").select_option("completed")
    expect(rows.first).to_have_text(f"Run {runs[0].pk}")
