"""Find whom else the decisive cause struck within the hour: repositories of other runs and teams."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from apps.explain import codes
from apps.explain.errors_as_codes import code_of
from apps.explain.findings import Finding
from apps.explain.story import Line, Story, moment_of

_HOUR_NS = 3600 * 10**9


def also_affected(story: Story, causes: Sequence[Finding], others: Sequence[Line]) -> list[dict[str, Any]]:
    """Return the repositories of other runs, each once, that the decisive cause struck within an hour of this one.

    A cause that concerns only one run, such as its cancellation, strikes nobody else.
    """
    if not causes or causes[0].code in (codes.CANCELLED, codes.UNKNOWN, codes.QUEUE_BUSY):
        return []
    decisive = causes[0]
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for at_ns, code, who in (*_of_rows(story), *_of_lines(story, others)):
        if code is decisive.code and abs(at_ns - decisive.at_ns) <= _HOUR_NS:
            found.setdefault((who["run"], who["repo_id"] or who["repository"]), who)
    return [
        {"run": who["run"], "team": who["team"], "repository": who["repository"]}
        for who in sorted(found.values(), key=lambda who: (-(who["run"] or 0), who["repository"]))
    ]


def _of_rows(story: Story) -> Iterator[tuple[int, codes.Code, dict[str, Any]]]:
    for each in story.surroundings.affected:
        if each.error_type:
            who = {"run": each.run_id, "team": each.team, "repository": each.full_name, "repo_id": each.repo_id}
            yield each.at_ns, code_of(each.error_type, each.error_msg), who


def _of_lines(story: Story, others: Sequence[Line]) -> Iterator[tuple[int, codes.Code, dict[str, Any]]]:
    around = story.surroundings
    names = {each.repo_id: (each.full_name, each.team) for each in around.affected}
    names |= {each.repo_id: (each.full_name, each.team) for each in around.busy}
    for line in others:
        at, repo_id = moment_of(line), line.get("repo_id")
        if at is None or repo_id is None or line.get("run_id") == story.facts.run_id:
            continue
        error, _, message = str(line.get("error", "")).partition(": ")
        full_name, team = names.get(repo_id, (f"repo_id {repo_id}", None))
        who = {"run": line.get("run_id"), "team": team, "repository": full_name, "repo_id": repo_id}
        yield at, code_of(str(line.get("error_type") or error), str(line.get("error_msg") or message)), who
