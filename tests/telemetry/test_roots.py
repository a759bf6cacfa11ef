"""A root whose ids are reserved is ended elsewhere, once or again, under the same ids."""

from __future__ import annotations

import pytest

from apps import catalog
from telemetry import Root, bind, observe
from telemetry._spans.traceparent import span_context
from telemetry.reading import orphans_of
from telemetry.testing import Capture

RUN = catalog.Pipeline(team_id=1, repos_count=1, phase="syncing", task_id=None, run_id=5)


def test_everything_under_a_root_is_its_child(captrace: Capture) -> None:
    """The root comes last, with the start it was reserved with, and nothing is an orphan."""
    root = Root.reserve(catalog.Pipeline)
    root.announce(RUN)
    with root.active(), observe(catalog.RepoSync(team_id=1, repo_id=2, full_name="a/b", attempt=1)) as sync:
        sync.completed(catalog.RepoSynced(prs_synced=1))
    with bind(run_id=5), root.finish(RUN) as run:
        run.completed(catalog.PipelineCompleted(repos_synced=1, total_prs=1))
    assert captrace.tree() == "sync.pipeline completed\n  sync.repo completed"
    assert orphans_of(captrace.spans) == []
    pipeline = captrace.spans[-1]
    assert (pipeline.start_ns, pipeline.trace_id) == (root.started_ns, root.trace_id)
    assert {line["trace_id"] for line in captrace.lines} == {root.trace_id}
    assert captrace.events() == [
        "sync.pipeline.started",
        "sync.repo.started",
        "sync.repo.completed",
        "sync.pipeline.completed",
    ]


def test_a_root_emitted_again_has_the_same_id_and_no_second_line(captrace: Capture) -> None:
    """What a crash may have lost is sent again; readers of lines see one end."""
    root = Root.reserve(catalog.Pipeline)
    for repeat in (False, True):
        with root.finish(RUN, repeat=repeat) as run:
            run.failed(ValueError("no"))
    assert len({span.span_id for span in captrace.spans}) == 1
    assert len(captrace.spans) == 2
    assert captrace.events() == ["sync.pipeline.failed"]


def test_a_root_keeps_its_links(captrace: Capture) -> None:
    """A phase 2 run's trace names the run it follows."""
    first = Root.reserve(catalog.Pipeline)
    with Root.reserve(catalog.Pipeline, links=[first.traceparent]).finish(RUN) as run:
        run.completed(catalog.PipelineCompleted(repos_synced=1, total_prs=1))
    assert captrace.spans[0].links == ((first.trace_id, first.traceparent.split("-")[2]),)


def test_what_an_operation_declares_stands_above_bound_context(captrace: Capture) -> None:
    """A run is found by the task that started it, whichever task ends it; and its spans agree with its lines."""
    run = catalog.Pipeline(team_id=1, repos_count=1, phase="syncing", task_id="started", run_id=5)
    with bind(task_id="ends", team_id=9):
        root = Root.reserve(catalog.Pipeline)
        root.announce(run)
        with root.finish(run) as pipeline:
            pipeline.completed(catalog.PipelineCompleted(repos_synced=1, total_prs=1))
        with observe(catalog.RepoSync(team_id=1, repo_id=2, full_name="a/b", attempt=1)) as sync:
            sync.completed(catalog.RepoSynced(prs_synced=1))
    ended, synced = captrace.spans
    assert (ended.attributes["task_id"], ended.attributes["team_id"]) == ("started", 1)
    assert (synced.attributes["task_id"], synced.attributes["team_id"]) == ("ends", 1)
    assert [(line["team_id"], line["task_id"]) for line in captrace.lines] == [
        (1, "started"),
        (1, "ends"),
        (1, "ends"),
        (1, "ends"),
    ]


def test_rubbish_is_no_traceparent() -> None:
    """The error shows the shape."""
    with pytest.raises(ValueError, match="00-<32 hex>"):
        span_context("rubbish")
