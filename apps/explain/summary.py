"""Sum up a run in one word, one sentence, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence

from apps.explain.estimate import estimate_of
from apps.explain.facts import RepositoryFacts
from apps.explain.findings import Finding
from apps.explain.moments import clock_of, count_of, length_of
from apps.explain.parts import Part
from apps.explain.standing import works
from apps.explain.stopped import ENDED
from apps.explain.story import Story
from apps.explain.troubles import Kind


def outcome_of(story: Story) -> str:
    """Return how a run went or stands, in one word: `waiting` if nothing of it works."""
    facts = story.facts
    if not facts.is_running:
        return facts.state
    unfinished = [one for one in facts.repositories if not one.has_ended]
    return "waiting" if unfinished and not any(works(one) for one in unfinished) else "running"


def sentence_of(story: Story, causes: Sequence[Finding], outcome: str) -> str:
    """Return the run in one sentence: its decisive cause, what became of the rest, and what was since removed."""
    said = _sentence(story, causes, outcome)
    return said if (gone := story.facts.removed) is None else f"{said.removesuffix('.')}; {gone.said}."


def _sentence(story: Story, causes: Sequence[Finding], outcome: str) -> str:
    facts = story.facts
    number = "The run" if facts.run_id is None else f"Run {facts.run_id}"
    if not causes and facts.removed is not None and facts.state not in ("completed", "running"):
        error = f": {facts.error_msg.rstrip('.')}" if facts.error_msg else ""
        return f"{number} {ENDED[facts.state]}{error}."
    if not causes:
        return f"{number} is healthy: {_what_it_did(story) if not facts.is_running else _what_it_does(story)}."
    decisive = causes[0]
    said = _capital(decisive.sentence)
    if facts.is_running:
        return f"{said}; {_what_it_does(story)}."
    if decisive.kind is Kind.DELAYED:
        return f"{number} completed, and {decisive.sentence}." if outcome == "completed" else f"{said}."
    return f"{said}{_of_the_rest(story, decisive)}."


def advice_of(story: Story, causes: Sequence[Finding]) -> str:
    """Return what to do now, and what follows by itself while the run goes on."""
    if not causes:
        return "Nothing to do."
    decisive = causes[0]
    if decisive.kind is Kind.DELAYED and not story.facts.is_running:
        return decisive.advice
    by_itself = decisive.code.by_itself if story.facts.is_running else ""
    return f"{decisive.advice} {by_itself}".strip()


def _what_it_did(story: Story) -> str:
    facts = story.facts
    done = sum(one.prs_done or 0 for one in facts.repositories)
    github = story.time.wall[Part.GITHUB_ANSWERING] / 1e9
    share = f", of which GitHub took {length_of(github)}" if story.spans else ""
    took = f"in {length_of(facts.seconds)}{share}"
    if facts.removed is not None and len(facts.repositories) != facts.removed.of:
        return f"it completed {took}"
    return f"{count_of(len(facts.repositories), 'repository')}, {count_of(done, 'pull request')} {took}"


def _what_it_does(story: Story) -> str:
    """Return what an unfinished run does, since when, and when it is expected to end."""
    facts = story.facts
    at_work = [one for one in facts.repositories if works(one)]
    ended = [one for one in facts.repositories if one.has_ended]
    if facts.repositories and len(ended) == len(facts.repositories):
        return f"it is in phase {facts.phase}; it began at {clock_of(facts.started_ns)}"
    doing = f"{at_work[0].full_name} is at work {at_work[0].progress}" if at_work else "nothing of it works now"
    more = (
        f", {count_of(len(ended), 'repository')} of {len(facts.repositories)} ended" if len(facts.repositories) > 1 else ""
    )
    return f"{doing}{more}; it began at {clock_of(facts.started_ns)}{_expected(story)}"


def _expected(story: Story) -> str:
    """Return when a run is expected to end, or "" if that cannot be told."""
    estimate = estimate_of(story)
    return "" if estimate is None else f", and is expected to end at {clock_of(estimate.ends_ns)}"


def _of_the_rest(story: Story, decisive: Finding) -> str:
    """Return what became of the other repositories."""
    others: list[RepositoryFacts] = [one for one in story.facts.repositories if one.full_name not in decisive.repositories]
    if not others or not decisive.repositories:
        return ""
    complete = [one for one in others if one.state == "completed"]
    if len(complete) == len(others):
        if len(others) == 1:
            return f"; {others[0].full_name} is complete"
        return f"; the other {count_of(len(others), 'repository')} are complete"
    are = "is" if len(complete) == 1 else "are"
    return f"; of the other {count_of(len(others), 'repository')} {len(complete)} {are} complete"


def _capital(text: str) -> str:
    return text if "/" in text.split(" ", 1)[0] else text[:1].upper() + text[1:]
