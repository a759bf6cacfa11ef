"""Measure how soon the page of a run with a hundred thousand spans is there in Chromium.

    SYNCTRACE_BROWSER="$(.ci/chromium)" python -m tests.console.browser.first_look

A server of its own serves the page to a browser that has its scripts; each look is the first since the server started.
docs/benchmarks.md has the figures; no test asserts on them.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from apps.console.local_web import local_web
from apps.embedded import servers
from tests.benchmarks.programs import CHECKOUT
from tests.benchmarks.reading import RUN, known_run, write_run

_SPANS = 100_000
_LOOKS = 5
_ADDRESS = f"/runs/{RUN}/"
_SESSION = """
from django.contrib.auth.models import User
from django.test import Client
user, _ = User.objects.get_or_create(username="looking", is_staff=True)
client = Client()
client.force_login(user)
print(client.cookies["sessionid"].value)
"""
_WATCH = """(() => {
  const seen = window.seen = {}, note = (name) => { seen[name] ??= performance.now(); };
  const look = () => {
    const picture = document.querySelector("[data-waterfall]")?.waterfall, rows = picture?.table?.order.length ?? 0;
    if (picture?.axis && rows * 22 > picture.height) note("first screen of spans");
    if (picture?.axis && picture.table.isWhole) note("all spans");
    requestAnimationFrame(look);
  };
  const paints = new PerformanceObserver((list) => list.getEntries().forEach((entry) => note(entry.name)));
  paints.observe({ type: "paint", buffered: true });
  requestAnimationFrame(look);
})()"""


def main() -> None:
    """Print when each thing was there, in milliseconds after the page was asked for."""
    began = datetime.now(UTC) - timedelta(minutes=5)
    with tempfile.TemporaryDirectory(prefix="synctrace-first-look-") as folder, sync_playwright() as playwright:
        home = Path(folder)
        write_run(home, began, spans=_SPANS)
        with servers(home=home / "servers", throwaway=True) as running:
            os.environ |= {"DATABASE_URL": running.database_url, "CELERY_BROKER_URL": running.broker_url}
            os.environ |= {"SYNCTRACE_HOME": folder, "DJANGO_SETTINGS_MODULE": "apps.config.settings"}
            _manage("migrate", "--verbosity", "0")
            _manage("shell", "-v0", "-c", known_run(began))
            session = _manage("shell", "-v0", "-c", _SESSION).splitlines()[-1]
            browser = playwright.chromium.launch(executable_path=os.environ["SYNCTRACE_BROWSER"], args=["--no-sandbox"])
            looks = []
            for _ in range(_LOOKS):
                with local_web(home=home, api_url="http://127.0.0.1:9") as url:
                    looks.append(_look(browser, url, session))
            browser.close()
    for name in looks[0]:
        print(f"{name:24}{statistics.median(look[name] for look in looks):8.0f} ms")  # noqa: T201  # what it is run for


def _look(browser: Browser, url: str, session: str) -> Mapping[str, float]:
    """Return when each thing was there; the browser has seen another page, as people's have."""
    context = browser.new_context(base_url=url, viewport={"width": 1440, "height": 900})
    context.add_cookies([{"name": "sessionid", "value": session, "url": url}])
    page = context.new_page()
    page.goto("/runs/")
    page.add_init_script(_WATCH)
    page.goto(_ADDRESS)
    while not page.evaluate("window.seen['all spans']"):  # the page's policy lets no script of ours wait in it
        page.wait_for_timeout(100)
    seen: Mapping[str, float] = page.evaluate("window.seen")
    context.close()
    return seen


def _manage(*arguments: str) -> str:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=CHECKOUT, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    main()
