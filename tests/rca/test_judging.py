"""The judge can fail: another code, name or outcome, and a chain that names what is not there or says more than it holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.rca.evidence import Archive, Evidence, Item
from tests.rca.judging import Verdict, judge, unproven, waited_for_worker
from tests.rca.results import Result, Results
from tests.rca.scenario import ANOTHER, ONE_PAGE, Label, Proof, Scenario

TRACE, OTHERS = "a" * 32, "b" * 32
TIME = "2026-11-27T07:45:57.070340Z"
LABEL = Label(outcome="failed", code="token_refused", repositories=(ONE_PAGE,))
CALL = Item("span", "sync.api.rest", "c" * 16, {"status_code": 401, "repo_id": 1, "seconds": 0.51}, TRACE)
LINE = Item(
    "line", "sync.repo.failed", TIME, {"event": "sync.repo.failed", "error_type": "unauthorized", "repo_id": 1}, TRACE
)
ROW = Item("row", "RepoSync", "7", {"error_type": "unauthorized", "repository_id": 1}, TRACE)
OTHER = Item("span", "sync.api.rest", "d" * 16, {"status_code": 502, "repo_id": 2}, OTHERS)
EVIDENCE = Evidence(
    trace_id=TRACE,
    state="failed",
    names={1: ONE_PAGE, 2: ANOTHER},
    of_run=(ONE_PAGE,),
    rows=(ROW,),
    archive=Archive((CALL, LINE, OTHER)),
)
REFUSED = {"says": f"GitHub refused the token of {ONE_PAGE} (401)", "span_id": CALL.key, "trace_id": TRACE}


def _answer(code: str | None = "token_refused", *chain: dict[str, Any], **more: Any) -> dict[str, Any]:
    cause = {"code": code, "repositories": [ONE_PAGE], "inferred": False, "chain": chain or (REFUSED,), **more}
    return {"outcome": more.get("outcome", "failed"), "causes": [] if code is None else [cause]}


def test_a_right_answer_is_exact_and_grounded() -> None:
    """By its span, its line or its row, in any of the ways in which they can be named."""
    for proof in (
        {"span_id": CALL.key},
        {"line": TIME},
        {"line": "sync.repo.failed"},
        {"line": dict(LINE.has)},
        {"row": "RepoSync 7"},
        {"row": "integrations.RepoSync:7"},
        {"row": {"model": "repo_sync", "id": 7}},
    ):
        verdict = judge(LABEL, EVIDENCE, _answer("token_refused", {"says": "it was refused", "trace_id": TRACE, **proof}))
        assert (verdict.wrong, verdict.ungrounded) == ((), ()), proof


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        (_answer("forbidden"), ("forbidden, not token_refused",)),
        (_answer(None), ("healthy, not token_refused",)),
        (_answer(repositories=[ANOTHER]), (f"names {ANOTHER}, not {ONE_PAGE}",)),
        (_answer(repositories=[]), (f"names no repository, not {ONE_PAGE}",)),
        (_answer(outcome="partial"), ("outcome partial, not failed",)),
    ],
)
def test_a_wrong_answer_is_caught(answer: dict[str, Any], wrong: tuple[str, ...]) -> None:
    """It is wrong though sure, unless it says that it is inferred or unknown."""
    verdict = judge(LABEL, EVIDENCE, answer)
    assert (verdict.wrong, verdict.is_surely_wrong, verdict.abstained) == (wrong, True, False)


def test_an_inference_and_an_abstention_are_not_wrong_though_sure() -> None:
    """They are not exact either."""
    inferred = judge(LABEL, EVIDENCE, _answer("forbidden", inferred=True))
    unknown = judge(LABEL, EVIDENCE, _answer("unknown"))
    assert [(each.is_exact, each.is_surely_wrong, each.abstained) for each in (inferred, unknown)] == [
        (False, False, False),
        (False, False, True),
    ]


def test_a_cause_for_a_healthy_run_is_wrong() -> None:
    """And none is right."""
    healthy, evidence = Label(outcome="completed", code=None), Evidence(trace_id=TRACE, state="completed")
    assert judge(healthy, evidence, {"outcome": "completed", "causes": []}).is_exact
    told = judge(healthy, evidence, {**_answer("github_slow"), "outcome": "completed"})
    assert (told.wrong, told.is_surely_wrong) == (("github_slow, not healthy",), True)


def test_a_cause_of_the_whole_run_names_all_or_none() -> None:
    """Not some of them."""
    label = Label(outcome="failed", code="token_refused", repositories=(ONE_PAGE, ANOTHER), whole_run=True)
    evidence = Evidence(trace_id=TRACE, state="failed", of_run=(ONE_PAGE, ANOTHER))
    named = [judge(label, evidence, _answer(repositories=names)).is_exact for names in ([], [ONE_PAGE], [ANOTHER, ONE_PAGE])]
    assert named == [True, False, True]


@pytest.mark.parametrize(
    ("step", "gap"),
    [
        ({"says": "no such span", "span_id": "e" * 16}, "there is no span_id eeeeeeeeeeeeeeee: no such span"),
        ({"says": "of another trace", "span_id": CALL.key, "trace_id": OTHERS}, f"there is no span_id {CALL.key}"),
        ({"says": "no such line", "line": "sync.worker.killed"}, "there is no line sync.worker.killed"),
        ({"says": "no such row", "row": "RepoSync 8"}, "there is no row RepoSync 8"),
        ({"says": "no such table", "row": "Team 7"}, "there is no row Team 7"),
        ({"says": "nothing is named"}, "there is no reference"),
        ({**REFUSED, "says": "it was refused (403)"}, "it does not hold 403"),
        ({**REFUSED, "says": "it was refused, HTTP 403"}, "it does not hold 403"),
        ({**REFUSED, "says": "it ended with not_found"}, "it does not say not_found"),
        ({**REFUSED, "says": "refused after 3.5 s"}, "it holds no 3.5 s"),
        ({**REFUSED, "says": f"of {ANOTHER}"}, f"it is not about {ANOTHER}"),
    ],
)
def test_a_chain_that_is_not_grounded_is_caught(step: dict[str, Any], gap: str) -> None:
    """Beside a step that is."""
    (found,) = judge(LABEL, EVIDENCE, _answer("token_refused", REFUSED, step)).ungrounded
    assert found.startswith(gap)


def test_a_chain_must_prove_its_cause() -> None:
    """A span that exists and is about something else is not enough, nor is no chain at all."""
    other = {"says": "an error", "span_id": OTHER.key, "trace_id": OTHERS}
    assert judge(LABEL, EVIDENCE, _answer("token_refused", other)).ungrounded == (
        "nothing in its chain proves token_refused",
    )
    bare = {**_answer(), "causes": [{**_answer()["causes"][0], "chain": []}]}
    assert judge(LABEL, EVIDENCE, bare).ungrounded[0] == "token_refused has no chain"


def test_a_scenario_that_was_not_played_as_it_says_is_caught() -> None:
    """Its run ended otherwise, has no such repository, or left nothing that proves its label."""
    assert unproven(LABEL, EVIDENCE) == []
    label = Label(
        outcome="partial", code="worker_died", repositories=(ANOTHER,), chain=(Proof("line", "sync.worker.killed"),)
    )
    assert unproven(label, EVIDENCE) == [
        "the run is failed, not partial",
        f"the run has no {ANOTHER}",
        "nothing that it left proves worker_died",
        "it left no line sync.worker.killed",
    ]


def test_results_count_what_is_wrong() -> None:
    """What was not explained counts as nothing."""
    scenario = Scenario(name="one", place="lookup", label=LABEL)
    verdicts = [Verdict(), Verdict(wrong=("x",)), Verdict(wrong=("x",), abstained=True), Verdict(ungrounded=("x",)), None]
    results = Results([Result(scenario=scenario, verdict=verdict, explained_in=0.2) for verdict in verdicts])
    assert (results.exact, results.grounded, results.surely_wrong, results.abstained) == (2, 3, 1, 1)
    assert [each.is_right for each in results.of] == [True, False, False, False, False]
    assert results.seconds == (0.2, 0.2)


def test_a_busy_machine_disturbs_what_it_delays() -> None:
    """A healthy run that waited for a worker, and one whose cause cost less than that; not one that has failed."""

    def waited(label: Label, *waits: float, seconds: float = 10.0) -> str:
        began = datetime(2026, 11, 27, tzinfo=UTC)
        row = Item("row", "PipelineRun", "1", {"started_at": began, "ended_at": began + timedelta(seconds=seconds)}, TRACE)
        spans = [Item("span", "run/x", str(each), {"celery.queue.wait_ms": each * 1000}, TRACE) for each in waits]
        return waited_for_worker(label, Evidence(trace_id=TRACE, state="completed", rows=(row,), archive=Archive(spans)))

    healthy, slow = Label(outcome="completed", code=None), Label(outcome="completed", code="github_slow")
    assert [bool(waited(healthy, *waits)) for waits in ((), (0.3, 0.3), (0.5, 0.4))] == [False, False, True]
    assert [bool(waited(slow, *waits)) for waits in ((0.5, 0.5), (1.6,))] == [False, True]
    assert not waited(LABEL, 9.0)
    assert not waited(Label(outcome="completed", code="no_worker"), 9.0)
