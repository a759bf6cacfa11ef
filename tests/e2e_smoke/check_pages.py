"""Check what people see in Jaeger: names that tell rows apart, no warnings, a critical path, and searches that are right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from telemetry.reading import Span
from tests.e2e_smoke.application import Run
from tests.e2e_smoke.check_copies import REPEATED
from tests.e2e_smoke.jaeger import NAME

TOLD_APART: Final[Mapping[str, str]] = {
    "sync.db.write": "entity_type",
    "sync.api.graphql": "query_name",
    "sync.api.rest": "endpoint",
    "sync.api.rate_wait": "sync.rate_wait.reason",
    "sync.queue.wait": "sync.queue.reason",
    "sync.parked": "sync.rate_wait.reason",
    "sync.backoff": "sync.backoff.error_type",
    "sync.missing": "sync.missing.reason",
    "sync.repo": "full_name",
}
"""By what the rows of a span's name are told apart."""


def page(run: Run, trace: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the page of the run's trace."""
    for span in trace["spans"]:
        shown, tags = span["operationName"], {tag["key"]: tag["value"] for tag in span["tags"]}
        yield from (f"{shown} {span['spanID']}: {warning}" for warning in span["warnings"] or ())
        if span["spanID"] == run.root_id and span["references"]:
            yield f"{shown} refers to {span['references']}, so that no critical path is drawn"
        expected = _name(run, tags)
        if shown != expected:
            yield f"{tags.get(NAME)} {span['spanID']} is shown as {shown!r}, not as {expected!r}"
        if tags.get("http.request.method") and shown in ("GET", "POST"):
            yield f"{shown} {span['spanID']} repeats its parent"
        yield from (f"{shown} has {key} beside {own}" for key, own in REPEATED.items() if tags.get(key) == tags.get(own, {}))
        logs = [{field["key"]: field["value"] for field in log["fields"]} for log in span["logs"]]
        if "exception.stacktrace" in tags or any(log["event"] == "exception" and not log["exception.type"] for log in logs):
            yield f"{shown} has its stack among its own fields"
        if tags.get("error_type") and tags.get("error") and tags.get("sync.outcome") != "completed" and not logs:
            yield f"{shown} {span['spanID']} failed without an exception"
    for process in trace["processes"].values():
        said = {tag["key"]: tag["value"] for tag in process["tags"]}
        if not said.get("service.version") or said.get("deployment.environment.name") != "smoke":
            yield f"a process does not say its version and environment: {said}"


def commands(expected: int, spans: Sequence[Span]) -> Iterator[str]:
    """Yield what is wrong with the traces of the commands given: each is one, with all that its command did."""
    given = [span for span in spans if span.name == "sync.command"]
    if len(given) != expected:
        yield f"{len(given)} traces of {expected} commands"
    for command in given:
        names = Counter(span.name for span in spans if span.trace_id == command.trace_id)
        if (
            command.parent_id is not None
            or names["sync.api.rest"] < 2
            or names["apply_async/apps.integrations.tasks.start_pipeline"] != 1
        ):
            yield f"a command's trace has {dict(names)}"


def _name(run: Run, tags: Mapping[str, Any]) -> str:
    """Return the name that a span with these tags is to be shown under."""
    own = str(tags[NAME])
    attempt = max(int(tags.get("sync.attempt", 1)), int(tags.get("celery.attempt", 1)))
    again = f" #{attempt}" if attempt > 1 else ""
    if own == "sync.pipeline":
        return f"{own} {run.kind}"
    if own == "sync.run.link":
        return f"{own} {tags['sync.link.relation']} {tags['sync.link.name']}"
    if own in TOLD_APART:
        return f"{own} {tags[TOLD_APART[own]]}{again}"
    short = own.replace("/apps.integrations.tasks.", "/")
    return f"{short} repo_id {tags['repo_id']}{again}" if short == "run/sync_repository" else f"{short}{again}"


def searches(runs: Sequence[Run], spans: Sequence[Span], search: Callable[[str, str], set[str]]) -> Iterator[str]:
    """Yield what is wrong with what a person finds who looks for runs in which something failed, or that lost something."""
    troubled = {span.trace_id for span in spans if span.outcome in ("failed", "retrying", "died")}
    failed, incomplete = search("error", "true"), search("sync.run.complete", "false")
    for run in runs:
        if (run.trace_id in failed) != (run.trace_id in troubled):
            yield f"run {run.id}: an error is {'found' if run.trace_id in failed else 'not found'}, and that is not true"
        lost = any(each.state == "failed" for each in run.repositories)
        if (run.trace_id in incomplete) != lost:
            yield f"run {run.id} is {'' if run.trace_id in incomplete else 'not '}found among those that lost a repository"
