"""Play the story on a running stack, step by step."""

from __future__ import annotations

import time
from typing import Final

from deploy.ready import answers
from tests.e2e_smoke import story, verdict
from tests.e2e_smoke.application import Application
from tests.e2e_smoke.evidence import gather, simulator_stats
from tests.e2e_smoke.stack import Stack, StackError
from tests.e2e_smoke.steps import Steps
from tests.e2e_smoke.verdict import Kill

OUTAGE: Final = 4
"""How many more requests of the syncs to wait for between two interventions."""


def play(stack: Stack, steps: Steps) -> None:
    """Play the whole story, and leave what went wrong in `steps.wrong`."""
    application = Application(stack)
    with steps.step("web says what runs here, and that it is well") as problems:
        problems += filter(None, [answers(f"{stack.web}/{page}") for page in ("", "healthz")])
    _stop_and_start(stack, application, steps)
    with steps.step("spans and lines have arrived, or had the time to"):
        evidence = gather(stack, application)
    verdict.nothing_missing_nothing_twice(evidence, steps)
    verdict.whole_traces(evidence, stack, steps)
    verdict.right_lines(evidence, steps)
    verdict.explained_alike(evidence, application, stack, steps)
    kills = _kill(stack, application, steps)
    with steps.step("spans have arrived, or had the time to"):
        evidence = gather(stack, application, with_lines=False)
    verdict.after_kills(evidence, kills, steps)


def _stop_and_start(stack: Stack, application: Application, steps: Steps) -> None:
    """Let three teams sync while Jaeger and the collector are stopped and started again."""
    with steps.step("two teams sync; there are limits, an attempt that fails, a repository that is not there"):
        task_ids = application.begin(story.BAKERS, story.MILLERS, days=story.DAYS)
        _await_requests(stack, 1)
    with steps.step("Jaeger is stopped; the collector is stopped with SIGTERM, and started again"):
        # Early, while the recent run still has most of its pages to read: if it ended now, its root span would remain
        # unconfirmed, and the sweep would emit it again only after a minute.
        stack.stop("jaeger")
        stack.stop("collector")
        _await_requests(stack)
        stack.start("collector")
    with steps.step("`manage.py sync` of what is not there says so and fails; Jaeger is started again") as problems:
        code, results = application.sync(story.STRANGERS)
        if (code, [result["outcome"] for result in results]) != (1, ["gone"]):
            problems.append(f"exit code {code} and {results}")
        stack.start("jaeger")
    with steps.step("every run of both phases has ended"):
        application.wait(task_ids)


def _kill(stack: Stack, application: Application, steps: Steps) -> list[Kill]:
    """Let a fourth team sync while the collector is killed twice, once with Jaeger stopped; return when that was."""
    kills = []
    with (
        application.syncing(story.WEAVERS) as sync,
        steps.step("`manage.py sync` of all history; the collector is killed twice, once with Jaeger away") as problems,
    ):
        for jaeger_is_away in (False, True):
            _await_requests(stack)
            if jaeger_is_away:
                stack.stop("jaeger")
                _await_requests(stack)
            before = time.time()
            stack.kill("collector")
            kills.append(Kill(before, time.time()))
            _await_requests(stack)
            stack.start("collector")
        stack.start("jaeger")
        code, results = sync.results()
        outcomes = {result["repository"]: (result["outcome"], result["pull_requests"]) for result in results}
        if (code, outcomes) != (0, {name: ("synced", story.SIZES[name]) for name in story.WEAVERS.repositories}):
            problems.append(f"exit code {code} and {results}")
    with steps.step("worker and beat end in good order"):
        stack.stop_application()
    return kills


def _await_requests(stack: Stack, count: int = OUTAGE, *, seconds: float = 30) -> None:
    """Wait until the application has sent `count` more GraphQL requests."""
    enough = simulator_stats(stack)["requests"]["graphql"] + count
    deadline = time.monotonic() + seconds
    while simulator_stats(stack)["requests"]["graphql"] < enough:
        if time.monotonic() > deadline:
            raise StackError(f"nobody sent {count} requests within {seconds:.0f} s: the syncs were over, or stood still")
        time.sleep(0.05)
