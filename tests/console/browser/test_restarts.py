"""A real sync looked at in Chromium while its worker, web, database and broker are killed or restarted."""

from __future__ import annotations

import itertools
import random
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, expect

from apps.github_simulator.testing import Limits, simulator
from apps.processes import Program
from tests.benchmarks.programs import Answering, program
from tests.chaos.stack import Stack, signal_all, stack
from tests.console.browser.conftest import Web, faultless, sign_in

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

_NAMES = ["synthetic/repo-0", "synthetic/repo-1", "synthetic/repo-2"]
_EACH = 300  # pull requests
_NO_LIMITS = Limits(graphql=10**9, core=10**9, graphql_per_minute=None, core_per_minute=None)
_ALL = f"{len(_NAMES) * _EACH} of {len(_NAMES) * _EACH} pull requests"
_STALE = "The server cannot say what is new: this page may be out of date."
_KEEP = """() => {
  window.isTheSame = true; window.states = []; window.done = []; window.notices = new Set();
  const add = (list, value) => { if (list.at(-1) !== value) list.push(value); };
  const keep = () => {
    const cells = (place) => [...document.querySelectorAll(`#live tbody td:nth-of-type(${place})`)];
    add(window.states, cells(1).map((cell) => cell.querySelector(".state").innerText.trim()).join());
    add(window.done, cells(2).reduce((sum, cell) => sum + Number.parseInt(cell.innerText, 10), 0));
    if (cells(1).length !== 3) window.notices.add("rows");
    if (document.getElementById("stale")) window.notices.add("stale");
  };
  keep();
  new MutationObserver(keep).observe(document.body, { childList: true, subtree: true, characterData: true });
}"""
"""Keep what the page shows on the way: states of repositories, counts, and whether it said that it may be out of date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Machine:
    """A stack with the console, GitHub's address, and a team whose sync nothing has disturbed."""

    stack: Stack
    web: Web
    acting: Answering
    api_url: str

    def start(self, slug: str) -> int:
        """Start a sync of a new team, and return its run."""
        return int(self.acting.ask(do="start", slug=slug, api_url=self.api_url, full_names=_NAMES))

    def part(self, name: str) -> Program:
        """Return a program that can be restarted."""
        return {"web": self.web.program, "database": self.stack.postgresql, "broker": self.stack.valkey}[name]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Machine]:
    """A stack of its own, since the tests' database and broker are others' too."""
    with (
        simulator(synthetic=_EACH, latency_ms=500, limits=_NO_LIMITS) as github,
        stack(tmp_path_factory.mktemp("stack"), latency_ms=0) as running,
    ):
        for seed in range(1, len(_NAMES)):
            github.add_synthetic(_EACH, seed=seed)
        environment = {**running.environment, "SYNCTRACE_API_URLS": github.url}
        web = Web(environment, running.home)
        with web.program, program("tests.console.browser.acting", environment=environment) as acting:
            machine = _Machine(stack=running, web=web, acting=acting, api_url=github.url)
            assert acting.ask(do="wait", run=machine.start("undisturbed")) == "completed"
            yield machine


@pytest.fixture
def looking(machine: _Machine, chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page of the stack's console."""
    with chromium.new_context(base_url=machine.web.url, viewport={"width": 1440, "height": 900}) as context:
        context.set_default_timeout(15_000)
        with faultless(context, machine.web, request) as page:
            yield page


def _open(page: Page, machine: _Machine, slug: str) -> None:
    """Look at the run of a sync that has begun a moment ago, and see that it reads."""
    run = machine.start(slug)
    sign_in(page, slug)
    page.goto(f"/runs/{run}/")
    page.evaluate(_KEEP)
    expect(page.locator("#live td.number").first).to_have_text(re.compile(r"^\s*[1-9]\d* of 300"), timeout=20_000)


def _tend(machine: _Machine, seconds: float) -> None:
    """Let time pass, as whatever runs the programs does in production."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        machine.stack.tend()
        machine.stack.watch.listen()
        time.sleep(0.1)


def _see_it_complete(page: Page, machine: _Machine, slug: str) -> None:
    """See the page come to the end by itself, with each repository once, and what is stored be what should be."""
    deadline = time.monotonic() + 60
    while not page.get_by_text(_ALL).is_visible() or not page.locator(".banner.good").is_visible():
        assert time.monotonic() < deadline, page.locator("#live").inner_text()
        _tend(machine, 0.3)
    expect(page.get_by_role("rowheader")).to_have_text(_NAMES, use_inner_text=True)
    expect(page.get_by_text(_STALE)).to_have_count(0)
    assert page.evaluate("window.isTheSame"), "it was loaded again"
    assert "rows" not in page.evaluate("[...window.notices]"), "a repository was lost or doubled on the way"
    done = page.evaluate("window.done")
    assert all(earlier < later for earlier, later in itertools.pairwise(done)), done
    assert machine.acting.ask(do="differences", slug=slug, expected="undisturbed") == []


def test_progress_moves_and_a_killed_worker_is_said(looking: Page, machine: _Machine) -> None:
    """While a real worker syncs; the child that waited for GitHub's answer is killed, and its repository sent again."""
    _open(looking, machine, "killed")
    struck = machine.stack.watch.strike(
        {"request"},
        among=machine.stack.children,
        act=lambda _place, pid: signal_all([pid], signal.SIGKILL),
        chance=random.Random(1),  # noqa: S311  # not for secrets
        within=10,
    )
    assert struck is not None
    machine.stack.watch.forget(struck.pid)
    _see_it_complete(looking, machine, "killed")
    assert len(looking.evaluate("window.done")) > 4
    attempts = [int(text) for text in looking.locator("#live tbody td:nth-of-type(3)").all_inner_texts()]
    assert sorted(attempts) == [1, 1, 2]
    expect(looking.locator("#time")).to_contain_text("dead until found", timeout=20_000)
    looking.get_by_role("checkbox", name="Errors only").check()
    expect(looking.locator("[data-count]")).to_have_text(re.compile("^[2-9] of "))
    looking.locator("[data-scroll]").focus()
    looking.keyboard.press("Home")
    expect(looking.locator("[data-chosen]")).to_contain_text("died")


def test_a_worker_that_is_gone_is_said(looking: Page, machine: _Machine, request: pytest.FixtureRequest) -> None:
    """The repository that it held is silent, and System says that nobody looks; with another worker both are made good."""
    _open(looking, machine, "gone")
    machine.stack.worker.kill()
    expect(looking.locator("#live .state", has_text="silent")).to_be_visible(timeout=30_000)
    system = looking.context.new_page()
    system.goto("/system/")
    trouble = system.get_by_role("heading", name="Nobody looks for stalled work")
    expect(trouble).to_be_visible(timeout=30_000)
    machine.stack.restart_worker()
    expect(trouble).to_have_count(0, timeout=30_000)
    _see_it_complete(looking, machine, "gone")
    assert any("dead" in states or "silent" in states for states in looking.evaluate("window.states"))


@pytest.mark.parametrize(("part", "seconds"), [("web", 5.0), ("database", 7.0), ("broker", 3.0)])
def test_a_page_is_caught_up_after_a_restart(
    looking: Page, machine: _Machine, request: pytest.FixtureRequest, part: str, seconds: float
) -> None:
    """It says that it may be out of date for as long as it may be: not without the broker, which no page asks."""
    request.node.server_was_away = True
    _open(looking, machine, part)
    machine.part(part).stop()
    if part == "broker":
        _tend(machine, seconds)
    else:
        expect(looking.get_by_text(_STALE)).to_be_visible(timeout=1e3 * (seconds + 10))
        _tend(machine, seconds / 2)
        expect(looking.get_by_text(_STALE)).to_be_visible()
    machine.part(part).start()
    expect(looking.get_by_text(_STALE)).to_have_count(0, timeout=15_000)
    _see_it_complete(looking, machine, part)
    assert ("stale" in looking.evaluate("[...window.notices]")) == (part != "broker")
