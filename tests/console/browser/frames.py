"""Measure how smoothly a hundred thousand spans move in Chromium.

    SYNCTRACE_BROWSER="$(.ci/chromium)" python -m tests.console.browser.frames

The page is a saved run's, without a server. While a script scrolls through all rows, zooms, or moves in time, the frames of
three seconds are counted. docs/benchmarks.md has the figures; no test asserts on them.
"""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import django
from django.template.loader import render_to_string

_SPANS = 100_000
_COUNT = """(move) => new Promise((done) => {
    const picture = document.querySelector("[data-waterfall]").waterfall, began = performance.now(), times = [];
    const moves = {
      scroll: (at) => { picture.scroll.scrollTop = (at * 977) % picture.scroll.scrollHeight; },
      zoom: (at) => picture.zoom(Math.floor(at / 40) % 2 ? 1.1 : 0.9),
      move: (at) => { if (!at) picture.zoom(0.01, 0); picture.move(0.05); },
    };
    function frame(now) {
      times.push(now);
      if (now - began > 3000) return done((times.length - 1) / (times[times.length - 1] - times[0]) * 1000);
      moves[move](times.length - 1);
      requestAnimationFrame(frame);
    }
    requestAnimationFrame(frame);
})"""


def main() -> None:
    """Print the frames a second of each way to move."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apps.config.settings")
    django.setup()
    from playwright.sync_api import sync_playwright

    from apps.console.web.saved import as_json, script, style
    from tests.console.browser.spans import many_spans

    context = {
        "run": SimpleNamespace(pk=1, team=SimpleNamespace(name="Core")),
        "saved_at": datetime.now(UTC),
        "style": style(),
        "script": script(),
        "spans": as_json(list(many_spans(_SPANS))),
        "details": as_json({}),
    }
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "run.html"
        file.write_text(render_to_string("console/saved.html", context))
        browser = playwright.chromium.launch(executable_path=os.environ["SYNCTRACE_BROWSER"], args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(file.as_uri())
        page.wait_for_function("document.querySelector('[data-waterfall]').waterfall?.axis")
        for move in ("scroll", "zoom", "move"):
            print(f"{move:8}{page.evaluate(_COUNT, move):6.1f} frames a second")  # noqa: T201  # what it is run for
        browser.close()


if __name__ == "__main__":
    main()
