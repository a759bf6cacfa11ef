"""What axe finds wrong with a page, and whether it is wider than its window."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

_AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()


def faults(page: Page, address: str, width: int) -> list[str]:
    """Return the faults of a page by WCAG 2.2 AA, in a window of that width, with everything on it unfolded."""
    page.goto(address)
    page.wait_for_load_state("load")
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    return faults_now(page, width)


def faults_now(page: Page, width: int) -> list[str]:
    """Return the faults of a page as it stands."""
    page.evaluate(_AXE)
    result = page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})")
    found = [f"{each['id']}: {each['nodes'][0]['html']}" for each in result["violations"]]
    is_wide = page.evaluate("document.documentElement.scrollWidth") > width
    return [*found, *(["it is wider than the window"] if is_wide else [])]
