"""The rules: each declares a code and the evidence that a trouble has it. The first match wins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from apps.explain import codes, event_names
from apps.explain.chains import Chain, by_line, by_row
from apps.explain.codes import Code
from apps.explain.errors_as_codes import code_of
from apps.explain.machine import Absence, absences, first_covering, worker_absences
from apps.explain.moments import clock_of
from apps.explain.parts import Part, key_of
from apps.explain.story import CALLS, WRITE, Story, moment_of, query_of
from apps.explain.troubles import Kind, Trouble
from apps.machine_catalog import QueueWait

_QUEUED_FOR = key_of(QueueWait, "reason")
_NEVER_FINISHED = "step_never_finished"
_SWEEPS_LATE = 3
_LATE_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A rule's match: `detail` says how it applies, for a bracket, and `steps` add to the trouble's own proof."""

    detail: str = ""
    steps: Chain = ()
    is_inferred: bool = False
    """Whether it is inferred from an absence."""
    missing: str = ""
    """What would have decided it, if nothing does."""


Applies = Callable[[Trouble, Story], Match | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A code, and the evidence that a trouble has it."""

    code: Code
    applies: Applies


def explained(trouble: Trouble, story: Story) -> tuple[Code, Match]:
    """Return the code of a trouble and how it applies."""
    for rule in RULES:
        match = rule.applies(trouble, story)
        if match is not None:
            return rule.code, match
    return codes.UNKNOWN, Match(missing=_missing(trouble))


def _cancelled(trouble: Trouble, _story: Story) -> Match | None:
    return Match(detail=f"by {trouble.error_msg}" if trouble.error_msg else "") if trouble.kind is Kind.CANCELLED else None


_NOBODY_AT_WORK = (Part.QUEUE, Part.UNEXPLAINED, Part.DEAD_UNTIL_FOUND, Part.OUR_OWN_WORK)


def _broker_away(trouble: Trouble, story: Story) -> Match | None:
    return _away(trouble, story, "broker")


def _database_away(trouble: Trouble, story: Story) -> Match | None:
    return _away(trouble, story, "database")


def _away(trouble: Trouble, story: Story, what: str) -> Match | None:
    """Match time in which nobody was at work for lack of `what`, if the machine's lines show it."""
    if trouble.part not in _NOBODY_AT_WORK or trouble.error_type not in ("", "died") or trouble.died_of:
        return None
    found = first_covering(absences(story.lines, what, now_ns=story.facts.end_ns), trouble.start_ns, trouble.end_ns)
    if found is None:
        return None
    away = f"from {clock_of(found.start_ns)} to {clock_of(found.end_ns)}"
    return Match(detail=away, steps=(by_line(f"the {what} was away {away}", found.line, trace_id=story.facts.trace_id),))


def _no_worker(trouble: Trouble, story: Story) -> Match | None:
    """Match time in which a message or a repository waited while there was no worker."""
    is_start = trouble.evidence is not None and trouble.evidence.attributes.get(_QUEUED_FOR) == "start"
    is_lost = trouble.part is Part.DEAD_UNTIL_FOUND and not trouble.error_type  # a message that nobody took
    if trouble.part is not Part.QUEUE and not is_start and not is_lost:
        return None
    if trouble.limit or trouble.behind:
        return None
    facts = story.facts
    away = worker_absences(story.lines, start_ns=facts.started_ns, now_ns=facts.end_ns)
    found = first_covering(away, trouble.start_ns, trouble.end_ns)
    if found is not None:
        return Match(detail=_of_worker(found), steps=(by_line(_of_worker(found), found.line, trace_id=facts.trace_id),))
    if is_start:
        return Match(is_inferred=True, detail="nobody had begun anything by then")
    around = story.surroundings
    if trouble.kind is not Kind.STANDING or not around.is_known or _others(trouble, story):
        return None
    swept = around.swept_ns
    if swept is None or (facts.now_ns - swept) / 1e9 > _SWEEPS_LATE * around.sweep_seconds + _LATE_SECONDS:
        said = (
            "no worker has ever looked for work"
            if swept is None
            else f"no worker has looked for work since {clock_of(swept)}"
        )
        steps = () if swept is None else (by_row(said, "SweepTime", 1, trace_id=facts.trace_id),)
        return Match(is_inferred=True, detail=said, steps=steps)
    return None


def _of_worker(found: Absence) -> str:
    at = moment_of(found.line) or found.end_ns
    if found.line.get("event") == event_names.WORKER_STARTED:
        return f"a worker came at {clock_of(at)}"
    return f"the last worker left at {clock_of(at)}"


def _time_limit(trouble: Trouble, _story: Story) -> Match | None:
    if trouble.died_of == "time_limit":
        return Match(detail="its hard limit")
    return Match(detail="its soft limit") if code_of(trouble.error_type, trouble.error_msg) is codes.TIME_LIMIT else None


def _worker_died(trouble: Trouble, story: Story) -> Match | None:
    """Match a death, by the span that says what killed it, by a line, or by silence alone."""
    if not trouble.is_death:
        return None
    repo_id = None if trouble.repository is None else trouble.repository.repo_id
    lines = [
        line
        for line in story.lines_of(event_names.WORKER_KILLED, event_names.ATTEMPT_DEAD, repo_id=repo_id)
        if abs((moment_of(line) or 0) - trouble.end_ns) < 600 * 10**9 or trouble.kind is not Kind.DELAYED
    ]
    killed = [line for line in lines if line.get("event") == event_names.WORKER_KILLED]
    if any("time limit" in str(line.get("cause")) for line in killed[-1:]):
        return None
    said = tuple(by_line(_of_death(line), line, trace_id=story.facts.trace_id) for line in (killed or lines)[-1:])
    span = trouble.evidence if trouble.died_of else None
    if span is not None and trouble.died_of not in ("", "unknown"):
        return Match(detail=span.status_message, steps=said)
    if killed:
        return Match(detail=f"killed by {killed[-1].get('cause')}", steps=said)
    if trouble.error_type == _NEVER_FINISHED and not said:  # its messages may have been lost, or its limits reached
        return None
    return Match(detail="no sign of life since", steps=said, is_inferred=True)


def _killed_at_its_limit(trouble: Trouble, story: Story) -> Match | None:
    """Match a death that only the worker's line attributes to the hard limit."""
    if not trouble.is_death:
        return None
    repo_id = None if trouble.repository is None else trouble.repository.repo_id
    killed = [
        line for line in story.lines_of(event_names.WORKER_KILLED, repo_id=repo_id) if "time limit" in str(line.get("cause"))
    ]
    if not killed:
        return None
    return Match(detail="its hard limit", steps=(by_line(_of_death(killed[-1]), killed[-1], trace_id=story.facts.trace_id),))


def _of_death(line: object) -> str:
    values = dict(line) if isinstance(line, dict) else {}
    if values.get("event") == event_names.WORKER_KILLED:
        return f"the process at {values.get('task_name')} was killed: {values.get('cause')}"
    return f"attempt {values.get('attempt')} was found dead, silent for {values.get('silent_sec')} s"


def _limited(kind: str) -> Applies:
    def applies(trouble: Trouble, _story: Story) -> Match | None:
        if trouble.limit != kind:
            return None
        return Match(detail=f"until {clock_of(trouble.end_ns)}")

    return applies


def _is_error(code: Code) -> Applies:
    """Return a matcher for troubles whose error maps to the code by its place in the error tree."""

    def applies(trouble: Trouble, _story: Story) -> Match | None:
        if not trouble.error_type or code_of(trouble.error_type, trouble.error_msg, trouble.stack) is not code:
            return None
        return Match(detail=_short(_error_in_short(trouble)))

    return applies


def _error_in_short(trouble: Trouble) -> str:
    """Return an error for a bracket: GitHub's by its status, others by their name and message."""
    span = trouble.evidence
    status = None if span is None else span.attributes.get("http.response.status_code")
    if isinstance(status, int) and status >= _AN_ERROR:
        return str(status)
    words = " ".join(trouble.error_msg.split())
    if status is not None:
        return words.removeprefix("GitHub: ")
    return f"{trouble.error_type}: {words}" if words else trouble.error_type


def _short(words: str) -> str:
    """Return text shortened to fit into a sentence."""
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 2].rstrip()} …"


_LONGEST = 120
_AN_ERROR = 400  # from this HTTP status on, it says more than the message


def _slow_call(trouble: Trouble, _story: Story) -> Match | None:
    span = trouble.evidence
    if trouble.part is not Part.GITHUB_ANSWERING or span is None or span.name not in CALLS:
        return None
    return Match(detail=query_of(span))


def _slow_write(trouble: Trouble, _story: Story) -> Match | None:
    span = trouble.evidence
    if trouble.part is not Part.DATABASE or span is None or span.name != WRITE:
        return None
    return Match(detail=f"writing {span.attributes.get('entity_type')} rows")


def _lane(trouble: Trouble, _story: Story) -> Match | None:
    if trouble.part is not Part.LANE:
        return None
    return Match(detail=f"held by {trouble.behind}" if trouble.behind else "")


def _queue(trouble: Trouble, story: Story) -> Match | None:
    """Match a wait behind others, which a span names or which were at work meanwhile."""
    is_lost = trouble.part is Part.DEAD_UNTIL_FOUND and not trouble.error_type
    if trouble.limit or (trouble.part is not Part.QUEUE and not is_lost):
        return None
    if trouble.behind:
        return Match(detail=trouble.behind)
    others = _others(trouble, story)
    reason = None if trouble.evidence is None else trouble.evidence.attributes.get(_QUEUED_FOR)
    if others:
        names = ", ".join(others[:2]) + (f" and {len(others) - 2} more" if len(others) > 2 else "")
        return Match(detail=names)
    if reason == "workers":
        return Match(detail="all workers were busy")
    there = [line for line in story.lines_of(event_names.WORKER_STARTED) if (moment_of(line) or 0) <= trouble.start_ns]
    if there:  # what they did is unknown, but there was a worker
        said = by_line(f"{there[-1].get('worker')} was there", there[-1], trace_id=story.facts.trace_id)
        return Match(detail="all workers were busy", steps=(said,), is_inferred=True)
    return None


def _others(trouble: Trouble, story: Story) -> list[str]:
    """Return the repositories of others at work in that time, each once."""
    names = [
        f"{busy.full_name} of {busy.team}"
        for busy in story.surroundings.busy
        if busy.start_ns < trouble.end_ns and busy.end_ns > trouble.start_ns
    ]
    return list(dict.fromkeys(names))


def _incomplete(trouble: Trouble, _story: Story) -> Match | None:
    return Match(detail=trouble.error_msg) if trouble.kind is Kind.INCOMPLETE else None


RULES: tuple[Rule, ...] = (
    Rule(code=codes.CANCELLED, applies=_cancelled),
    Rule(code=codes.INCOMPLETE_AT_GITHUB, applies=_incomplete),
    Rule(code=codes.PRIMARY_LIMIT, applies=_limited("primary")),
    Rule(code=codes.SECONDARY_LIMIT, applies=_limited("secondary")),
    Rule(code=codes.GITHUB_ERRORS, applies=_limited("retry_after")),
    Rule(code=codes.BROKER_UNAVAILABLE, applies=_broker_away),
    Rule(code=codes.DATABASE_UNAVAILABLE, applies=_database_away),
    Rule(code=codes.TIME_LIMIT, applies=_time_limit),
    Rule(code=codes.WORKER_DIED, applies=_worker_died),
    Rule(code=codes.TIME_LIMIT, applies=_killed_at_its_limit),
    *(Rule(code=code, applies=_is_error(code)) for code in codes.CODES if code not in (codes.CANCELLED, codes.UNKNOWN)),
    Rule(code=codes.GITHUB_SLOW, applies=_slow_call),
    Rule(code=codes.DATABASE_SLOW, applies=_slow_write),
    Rule(code=codes.LANE_BUSY, applies=_lane),
    Rule(code=codes.NO_WORKER, applies=_no_worker),
    Rule(code=codes.QUEUE_BUSY, applies=_queue),
)
"""Every rule, in the order they are tried."""


def _missing(trouble: Trouble) -> str:
    """Return what would have decided a trouble that no rule explains."""
    if trouble.limit:
        return "which of GitHub's limits held the account (another run's spans say it)"
    if trouble.part is Part.QUEUE:
        return "what the work waited for (neither a worker's line nor another's work says it)"
    if trouble.part is Part.UNEXPLAINED:
        return "what happened (no span, line or row says it)"
    if trouble.error_type == _NEVER_FINISHED:
        return "what ended the phase's step each time (neither a span nor a line says it)"
    if trouble.kind is Kind.STOPPED:
        return "the error that it stopped with (neither its row nor a span has one)"
    return "why nothing went on"
