"""The console in Chromium: a real web server on the test's database, and a browser of the system's.

`make browser` names the browser; without one, nothing here is collected.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import global_settings
from django.conf import settings as ours
from django.db import connection
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from pytest_django import Settings

from apps.embedded import Servers
from apps.github_simulator.testing import SimulatedGitHub, simulator
from apps.processes import Program
from tests.console.web.people import PASSWORD, People, make_people

_CHECKOUT = Path(__file__).resolve().parents[3]
_PICTURES = _CHECKOUT / "build" / "browser"
CHROMIUM = os.environ.get("SYNCTRACE_BROWSER")

if CHROMIUM is None:
    collect_ignore_glob = ["test_*.py"]
else:
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright has a loop in this thread, which does not run meanwhile


class Web:
    """The console's server, which can be stopped and started again at its address."""

    def __init__(self, environment: dict[str, str], home: Path) -> None:
        self.home, log = home, home / "web.out"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "uvicorn", "apps.config.asgi:application", "--port", str(port)]
        options = ["--no-access-log", "--timeout-graceful-shutdown", "1"]
        self.program = Program(
            [*command, *options], name="web", log=log, folder=_CHECKOUT, environment=environment, ready=self._not_ready
        )

    def _not_ready(self) -> str | None:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=1):  # noqa: S310  # our own address
                return None
        except OSError:
            return "it does not answer yet"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def github() -> Iterator[SimulatedGitHub]:
    """The GitHub that the console's server connects to."""
    with simulator(synthetic=12) as github:
        for seed in range(1, 13):
            github.add_synthetic(0, seed=seed)
        github.archive("synthetic/repo-11")
        yield github


@pytest.fixture(scope="session")
def web(
    django_db_setup: None,
    embedded_servers: Servers,
    broker_url: str,
    github: SimulatedGitHub,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Web]:
    """The console, on the database that every test finds empty."""
    home = tmp_path_factory.mktemp("console")
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "apps.config.settings",
        "DATABASE_URL": embedded_servers.database_url.replace("/synctrace?", f"/{connection.settings_dict['NAME']}?"),
        "CELERY_BROKER_URL": broker_url,
        "SYNCTRACE_HOME": str(home),
        "SYNCTRACE_API_URLS": github.url,
        "SYNCTRACE_DEMO_API_URL": github.url,
        "SYNCTRACE_ENCRYPTION_KEY": ",".join(ours.SYNCTRACE_ENCRYPTION_KEYS),
    }
    web = Web(environment, home)
    with web.program:
        yield web


@pytest.fixture
def people(transactional_db: None, settings: Settings) -> Iterator[People]:
    """Two teams, whose passwords the server knows how to compare; nothing is emptied while it still reads."""
    settings.PASSWORD_HASHERS = global_settings.PASSWORD_HASHERS
    yield make_people()
    deadline = time.monotonic() + 20
    while _others_connected() and time.monotonic() < deadline:
        time.sleep(0.1)


@pytest.fixture
def context(chromium: Browser, web: Web, people: People) -> Iterator[BrowserContext]:
    """A browser of nobody's, in another zone than UTC."""
    context = chromium.new_context(base_url=web.url, timezone_id="America/New_York", viewport={"width": 1440, "height": 900})
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, web: Web, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page in it, which may neither say an error nor ask another host; a picture of it is kept when its test fails."""
    with faultless(context, web, request) as page:
        yield page


@contextlib.contextmanager
def faultless(context: BrowserContext, web: Web, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Yield a page that may neither say an error nor ask another host, but for what a server says that was away."""
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(web.url) else errors.append(f"asks {asked.url}"))
    yield page
    if request.session.testsfailed:
        _PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=_PICTURES / f"{request.node.name}.png", full_page=True)
    said = ["status of 422"]  # a form that is refused: its page says why
    if getattr(request.node, "server_was_away", False):
        said += ["ERR_", "status of 500"]
    assert [error for error in errors if not any(known in error for known in said)] == []


def _others_connected() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
        return cursor.fetchone() is not None


def sign_in(page: Page, name: str) -> None:
    """Sign in as somebody."""
    page.goto("/sign-in/")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.wait_for_load_state("load")  # before that, no key does anything
