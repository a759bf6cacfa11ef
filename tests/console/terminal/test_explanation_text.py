"""An explanation on one screen of 80 columns, exactly as people read it."""

from __future__ import annotations

import re

import pytest

from apps.console.terminal.explanation_text import explanation_lines
from apps.explain.explanation import Explanation
from apps.explain.facts import Affected, Earlier, Surroundings
from tests.explain.stories import asked, refused, repository, told_run
from tests.explain.told import at, attempt, limit, write


def _failed() -> Explanation:
    good = attempt(0.0, 3.0, asked(0.0, 3.0), repo=2)
    bad = attempt(
        3.0,
        9.0,
        asked(3.0, 4.0),
        write(4.0, 4.5),
        refused(8.0, 8.5, "unauthorized", status=401),
        outcome="failed",
        has={"error.type": "unauthorized"},
    )
    failed = repository(1, "failed", error_type="unauthorized", prs_done=74, prs_total=1949)
    affected = [
        Affected(team="cooks", full_name="c/1", repo_id=11, run_id=7, error_type="unauthorized", error_msg="", at_ns=at(60))
    ]
    return told_run(
        good,
        bad,
        end=9.0,
        state="partial",
        repositories=[failed, repository(2), repository(3)],
        around=Surroundings(affected=affected, is_known=True),
    )


def _slow() -> Explanation:
    call = refused(1.0, 1.5, "rate_limited", status=200, outcome="waiting")
    earlier = [Earlier(run_id=number, wall_sec=3.0 + number / 10, requests=2, points=2, attempts=1) for number in (7, 8, 9)]
    spans = attempt(0.0, 12.0, call, limit(1.5, 9.5, "primary"), asked(10.0, 12.0))
    return told_run(spans, end=12.0, repositories=[repository(requests=2, points=1)], around=Surroundings(earlier=earlier))


def _waiting() -> Explanation:
    call = refused(1.0, 1.5, "rate_limited", status=200, outcome="waiting")
    spans = attempt(0.0, 2.0, call, limit(1.5, 1.6, "primary", outcome="waiting"), outcome="waiting")
    row = repository(1, "waiting", wait_reason="primary", due_ns=at(600), alive_ns=at(2), prs_done=25, prs_total=50)
    return told_run(spans, end=None, now=60.0, repositories=[row])


def _healthy() -> Explanation:
    return told_run(attempt(0.0, 3.0, asked(0.0, 2.0), write(2.0, 2.5)), end=3.0)


def _text(explanation: Explanation) -> list[str]:
    """The lines, with one id for all spans but the root."""
    return [
        re.sub(r"span (?!ffff)[0-9a-f]{16}", "span 0123456789abcdef", line)
        for line in explanation_lines(explanation, width=80)
    ]


def test_a_failure() -> None:
    """The cause with its place and time, what to do, its proof, and where time and points went."""
    assert _text(_failed()) == [
        "o/1 stopped after 74 of 1,949 pull requests: GitHub refused the token (401) at",
        "00:00:08Z; the other 2 repositories are complete.",
        "",
        "cause     token_refused, see docs/causes.md#token_refused",
        "to do     Create a new token and connect the account again with `python",
        "          manage.py sync`, then `python manage.py resume 1`.",
        "proof     the run ended without some repositories  (span ffffffffffffffff)",
        "          o/1 failed: unauthorized  (row RepoSync 1)",
        "          attempt 1 ended: unauthorized  (span 0123456789abcdef)",
        "          PullRequests of 25 pull requests at 00:00:08Z: unauthorized after 0.50",
        "            s, HTTP 401  (span 0123456789abcdef)",
        "",
        " wall time  sum over workers",
        "    1.50 s            4.50 s  GitHub answering  █████",
        "    0.50 s            0.50 s  database          ██",
        "    4.00 s            4.00 s  our own work      ██████████████",
        "    3.00 s            3.00 s  unexplained       ███████████",
        "    9.00 s           12.00 s  in all",
        "unexplained: 3.00 s, 0.00 s after the run began",
        "points    2 points, 3 requests: PullRequests 2 in 3 requests",
        "          o/1 1 in 2 requests, o/2 1 in 1 request",
        "unusual   nothing to compare with: no earlier run of the same repositories and",
        "          window",
        "also hit  c/1 of cooks (run 7), within the hour",
        "missing   what happened (no span, line or row says it) from 00:00:00Z on, for",
        "          3.0 s in all",
        "          the run's lines: none can be read here",
    ]


def test_a_run_that_was_late() -> None:
    """The seconds that the cause took, and what is unusual beside earlier runs."""
    assert _text(_slow()) == [
        "Run 1 completed, and 8.0 s of 12.0 s were lost at o/1: the account's primary",
        "limit at GitHub was used up (until 00:00:09Z).",
        "",
        "cause     primary_limit, see docs/causes.md#primary_limit",
        "to do     Nothing to do. If it happens often, sync fewer repositories with this",
        "          account, or less often.",
        "proof     sync.api.rate_wait for 8.0 s: primary  (span 0123456789abcdef)",
        "          PullRequests of 25 pull requests at 00:00:01Z: rate_limited after 0.50",
        "            s, HTTP 200  (span 0123456789abcdef)",
        "",
        " wall time  sum over workers",
        "    2.50 s            2.50 s  GitHub answering  ███████",
        "    8.00 s            8.00 s  primary wait      █████████████████████",
        "    1.50 s            1.50 s  our own work      ████",
        "   12.00 s           12.00 s  in all",
        "points    1 point, 2 requests: PullRequests 1 in 2 requests",
        "unusual   seconds in all: 12, usually 3.8 ± 0.1, which explains 8.2 s",
        "          points: 1, usually 2 ± 0",
        "missing   the run's lines: none can be read here",
    ]


def test_a_run_that_waits() -> None:
    """Until when, and what follows by itself."""
    assert _text(_waiting()) == [
        "o/1 has stood still since 00:00:01Z: the account's primary limit at GitHub was",
        "used up (until 00:10:00Z); nothing of it works now; it began at 00:00:00Z, and",
        "is expected to end at 00:11:00Z.",
        "",
        "cause     primary_limit, see docs/causes.md#primary_limit",
        "to do     Nothing to do. If it happens often, sync fewer repositories with this",
        "          account, or less often. The sync goes on by itself when the limit",
        "          resets.",
        "proof     the run goes on  (row PipelineRun 1)",
        "          it waits for a primary limit until 00:10:00Z  (span 0123456789abcdef)",
        "          PullRequests of 25 pull requests at 00:00:01Z: rate_limited after 0.50",
        "            s, HTTP 200  (span 0123456789abcdef)",
        "",
        " wall time  sum over workers",
        "    0.50 s            0.50 s  GitHub answering  █",
        "    0.10 s            0.10 s  primary wait      █",
        "    1.40 s            1.40 s  our own work      █",
        "   58.00 s           58.00 s  open now          ███████████████████████████████",
        "   60.00 s           60.00 s  in all",
        "points    0 points, 1 request: PullRequests 0 in 1 request",
        "missing   the run's lines: none can be read here",
    ]


def test_a_healthy_run() -> None:
    """It is called healthy."""
    assert _text(_healthy()) == [
        "Run 1 is healthy: 1 repository, 10 pull requests in 3.0 s, of which GitHub took",
        "2.0 s.",
        "",
        " wall time  sum over workers",
        "    2.00 s            2.00 s  GitHub answering  █████████████████████",
        "    0.50 s            0.50 s  database          █████",
        "    0.50 s            0.50 s  our own work      █████",
        "    3.00 s            3.00 s  in all",
        "points    1 point, 1 request: PullRequests 1 in 1 request",
        "unusual   nothing to compare with: no earlier run of the same repositories and",
        "          window",
        "missing   the run's lines: none can be read here",
    ]


@pytest.mark.parametrize("width", [60, 80, 200, None])
def test_no_line_is_too_wide(width: int | None) -> None:
    """Nor is it more than a screen."""
    for explanation in (_failed(), _slow(), _waiting(), _healthy()):
        lines = list(explanation_lines(explanation, width=width))
        assert max(map(len, lines)) <= (width or 400)
        assert width != 80 or len(lines) <= 40
