"""A run's spans in Chromium: looked through, chosen with their lines, shown while they go on, and kept in a file."""

from __future__ import annotations

import fcntl
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from playwright.sync_api import Browser, Page, expect

from apps.integrations.models import PipelineRun
from apps.utils import clock
from telemetry.reading import Span
from tests.console.browser.axe import faults_now
from tests.console.browser.conftest import Web, sign_in
from tests.console.browser.spans import many_spans
from tests.console.spans_file import write_spans
from tests.console.web.people import People, make_run
from tests.explain.told import BEGAN, BEGAN_NS, ROOT_ID, attempt, call, limit, root, write

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]

_TRACE = "0af7651916cd43dd8448eb211c80319c"
_NAMED: dict[str, Any] = {"query_name": "PullRequests", "points_cost": 7}


@pytest.fixture
def first_call() -> Span:
    """A call of the first attempt."""
    plain = call(0.0, 4.0)
    return replace(plain, attributes={**plain.attributes, **_NAMED})


@pytest.fixture
def run(people: People, web: Web, first_call: Span) -> Iterator[PipelineRun]:
    """A run of a hundred seconds: an attempt that waited and failed, a long back-off, and one that completed."""
    first = attempt(
        0.0, 9.0, first_call, limit(4.0, 8.0, "primary"), call(8.0, 9.0), outcome="retrying", has={"retry.countdown": 85.0}
    )
    second = attempt(94.0, 100.0, call(94.0, 96.0), write(96.0, 99.0), number=2)
    write_spans(web.home / "traces.jsonl", [root(100.0), *first, *second], trace_id=_TRACE)
    stamp = f"{BEGAN + timedelta(seconds=3):%Y-%m-%dT%H:%M:%S.%fZ}"
    of_span = {"trace_id": _TRACE, "span_id": first_call.span_id}
    line = {
        "timestamp": stamp,
        "level": "debug",
        "event": "sync.api.graphql",
        "points_cost": 7,
        "status": "<b>ok</b>",
        **of_span,
    }
    (web.home / "logs.jsonl").write_text(json.dumps(line) + "\n")
    yield make_run(
        people.team,
        {"state": "completed", "full_name": "o/1", "attempt": 2, "prs_done": 4, "prs_total": 4},
        state="completed",
        phase="phase1_complete",
        traceparent=f"00-{_TRACE}-{ROOT_ID}-01",
        started_ns=BEGAN_NS,
        started_at=BEGAN,
        ended_at=BEGAN + timedelta(seconds=100),
    )
    for name in ("traces.jsonl", "logs.jsonl"):
        (web.home / name).unlink()


def _open(page: Page, run: PipelineRun) -> None:
    sign_in(page, "owner")
    page.goto(f"/runs/{run.pk}/")
    expect(page.locator("[data-count]")).to_have_text("10 spans")


def test_a_chosen_span_shows_its_attributes_lines_and_other_attempts(page: Page, run: PipelineRun, first_call: Span) -> None:
    """What a line holds is text; another attempt is one click away, and the address leads to a span."""
    _open(page, run)
    page.get_by_label("Search in the spans").fill("PullRequests")
    page.locator("[data-scroll]").focus()
    page.keyboard.press("ArrowDown")
    panel = page.get_by_role("complementary", name="The chosen span")
    expect(panel.get_by_role("heading", name="sync.api.graphql")).to_be_visible()
    expect(panel.get_by_text("points_cost=7 status=<b>ok</b>")).to_be_visible()
    expect(panel.get_by_text("query_name", exact=True)).to_be_visible()
    panel.get_by_role("link", name="attempt 2").click()
    expect(page.locator("[data-chosen]")).to_have_text("sync.repo o/1 attempt 2: from 94.00 s, for 6.00 s")
    expect(panel.get_by_text("No line was written in it.")).to_be_visible()
    page.goto(f"/runs/{run.pk}/#span-{first_call.span_id}")
    page.reload()
    expect(panel.get_by_text("points_cost=7 status=<b>ok</b>")).to_be_visible()


@pytest.mark.parametrize("width", [390, 1440])
def test_the_panel_of_a_span_is_for_everyone(page: Page, run: PipelineRun, first_call: Span, width: int) -> None:
    """No fault that axe finds, and nothing wider than the window."""
    page.set_viewport_size({"width": width, "height": 900})
    sign_in(page, "owner")
    page.goto(f"/runs/{run.pk}/#span-{first_call.span_id}")
    expect(page.get_by_text("points_cost=7 status=<b>ok</b>")).to_be_visible()
    assert faults_now(page, width) == []


def test_idle_time_is_left_out_of_the_axis(page: Page, run: PipelineRun) -> None:
    """As the command `trace` does; shown again, a bar stands where it did in time; a press over the run takes a stretch."""
    _open(page, run)
    place = "document.querySelector('[data-waterfall]').waterfall"
    ends = page.evaluate(f"{place}.axis.end")
    assert 15_000 < ends < 17_000
    page.get_by_label("Idle time left out").uncheck()
    assert page.evaluate(f"{place}.axis.end") == 100_000
    box = page.locator("[data-canvas]").bounding_box()
    assert box is not None
    left = page.evaluate(f"{place}.left")
    page.mouse.move(box["x"] + left + 1, box["y"] + 9)
    page.mouse.down()
    page.mouse.move(box["x"] + left + 100, box["y"] + 9)
    page.mouse.up()
    assert page.evaluate(f"{place}.from") < 500
    assert 5_000 < page.evaluate(f"{place}.to") < 30_000


def test_a_bar_s_label_stands_behind_all_of_its_row(page: Page, run: PipelineRun) -> None:
    """Also behind a wait that is known to be later than the open span it is in."""
    _open(page, run)
    drawn = page.evaluate(
        """() => {
            const picture = document.querySelector("[data-waterfall]").waterfall, { table } = picture, bars = [], texts = [];
            const at = picture.shown.find((one) => table.lasts[one] > 8000 && table.lasts[one] < 10000);
            picture.pen.fillRect = (x, y, wide) => bars.push(x + wide);
            picture.pen.fillText = (text, x) => texts.push([text, x]);
            picture.row(picture.shown.indexOf(at), 100);
            const [plain] = texts.splice(0).filter(([text]) => text.endsWith(" s")), own = Math.max(...bars.splice(0));
            picture.waits.set(at, [[8000, 96000, 0, 96000]]);
            picture.row(picture.shown.indexOf(at), 100);
            const [late] = texts.filter(([text]) => text.endsWith(" s"));
            return { plain, own, late, all: Math.max(...bars) };
        }"""
    )
    assert drawn["plain"][0] == drawn["late"][0] == "9.00 s"
    assert drawn["all"] > drawn["own"] + 20
    assert drawn["plain"][1] == pytest.approx(drawn["own"] + 6, abs=1)
    assert drawn["late"][1] == pytest.approx(drawn["all"] + 6, abs=1)


def test_a_span_is_there_within_a_second_of_its_start_and_of_its_end(page: Page, people: People, web: Web) -> None:
    """While the run goes on, by what its processes say; as long as it is open, its bar grows."""
    run = make_run(people.team, {"state": "running"}, ago=timedelta(seconds=30), traceparent=f"00-{_TRACE}-{ROOT_ID}-01")
    journal = web.home / "journal" / "told.jsonl"
    journal.parent.mkdir(exist_ok=True)

    def say(**step: Any) -> None:
        with journal.open("ab") as lines:
            lines.write(orjson.dumps(step) + b"\n")

    began = int(clock.now().timestamp() * 1e9)
    say(journal=1, exporters=["file"])
    say(id="a" * 16, trace=_TRACE, name="sync.repo", start=began, parent=ROOT_ID)
    held = journal.open("rb")
    fcntl.flock(held, fcntl.LOCK_EX)
    try:
        sign_in(page, "owner")
        page.goto(f"/runs/{run.pk}/")
        expect(page.locator("[data-count]")).to_have_text("1 span")
        page.evaluate(
            """() => { const count = document.querySelector('[data-count]'), seen = window.seen = {};
            new MutationObserver(() => { seen[count.textContent] ??= Date.now(); }).observe(count, {childList: true}); }"""
        )
        started = clock.now().timestamp()
        say(id="b" * 16, trace=_TRACE, name="sync.api.graphql", start=int(started * 1e9), parent="a" * 16)
        expect(page.locator("[data-count]")).to_have_text("2 spans", timeout=5_000)
        after = page.evaluate("window.seen['2 spans']") / 1000 - started
        page.locator("[data-scroll]").focus()
        page.keyboard.press("End")
        chosen = page.locator("[data-chosen]")
        expect(chosen).to_have_text(re.compile("^sync.api.graphql.* so far, GitHub answering$"))
        row = "document.querySelector('[data-waterfall]').waterfall"
        length = page.evaluate(f"{row}.end({row}.shown[1])")
        page.wait_for_timeout(300)
        assert page.evaluate(f"{row}.end({row}.shown[1])") > length
        say(id="b" * 16, end=int(clock.now().timestamp() * 1e9))
        expect(chosen).to_have_text(re.compile(r"for [\d.]+ m?s, GitHub answering$"))
        assert after < 3  # its own aim is a second, on a machine that does nothing else
    finally:
        held.close()
        journal.unlink()


def test_a_hundred_thousand_spans_are_looked_through(page: Page, people: People) -> None:
    """By text, by errors alone and by keys; all of them are there at once, and what is chosen is said."""
    run = make_run(people.team, {"state": "completed"}, state="completed", phase="phase1_complete", ended_at=clock.now())
    lines = "".join(f"{json.dumps(message)}\n" for message in many_spans(100_000))
    page.route("**/spans.jsonl", lambda route: route.fulfill(body=lines, content_type="application/x-ndjson"))
    sign_in(page, "owner")
    page.goto(f"/runs/{run.pk}/")
    count, chosen = page.locator("[data-count]"), page.locator("[data-chosen]")
    expect(count).to_have_text("100,000 spans")
    page.locator("[data-scroll]").focus()
    page.keyboard.press("End")
    expect(chosen).to_have_text("sync.repo number 99999: from 3 min 20 s, for 1.5 ms")
    page.keyboard.press("e")
    expect(count).to_have_text("100 of 100,000 spans")
    page.keyboard.press("e")
    page.get_by_label("Search in the spans").fill("number 4242")
    expect(count).to_have_text("11 of 100,000 spans")


def test_a_saved_run_opens_without_a_server(
    page: Page, run: PipelineRun, chromium: Browser, tmp_path: Path, first_call: Span
) -> None:
    """From the disk, with what the page says, its spans, and the lines of the one that is chosen; it asks nobody."""
    _open(page, run)
    with page.expect_download() as download:
        page.get_by_role("link", name="Save the run as a file").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.name == f"run-{run.pk}.html"
    with chromium.new_context(offline=True, viewport={"width": 1440, "height": 900}) as elsewhere:
        opened = elsewhere.new_page()
        said: list[str] = []
        opened.on("console", lambda message: said.append(message.text))
        opened.on("pageerror", lambda error: said.append(str(error)))
        opened.on("request", lambda asked: said.append(asked.url) if asked.url.startswith("http") else None)
        opened.goto(f"{file.as_uri()}#span-{first_call.span_id}")
        expect(opened.locator(".banner .cause")).to_contain_text(
            f"Run {run.pk} completed, and 85.0 s of 1 min 40 s were lost"
        )
        expect(opened.locator("[data-count]")).to_have_text("10 spans")
        panel = opened.get_by_role("complementary", name="The chosen span")
        expect(panel.get_by_text("points_cost=7 status=<b>ok</b>")).to_be_visible()
        panel.get_by_role("link", name="in sync.repo").click()
        expect(opened.locator("[data-chosen]")).to_have_text(re.compile("^sync.repo o/1"))
        assert said == []
