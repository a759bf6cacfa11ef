"""Merge troubles of one cause into findings, the decisive one first, each in a plain sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from apps.explain import codes
from apps.explain.chains import Chain
from apps.explain.codes import Code
from apps.explain.delays import delays
from apps.explain.errors_as_codes import words_of
from apps.explain.incomplete import incomplete
from apps.explain.moments import clock_of, count_of, length_of
from apps.explain.rules import Match, explained
from apps.explain.standing import standing, works
from apps.explain.stopped import stopped
from apps.explain.story import Story
from apps.explain.troubles import Kind, Trouble

WORTH_SECONDS = 1.5
WORTH_SHARE = 0.05
"""Time lost to one cause is worth naming if it is at least this long and this share of the run's time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One cause: its code, whom it struck, how much of the run's time it took, and what proves it."""

    code: Code
    kind: Kind
    repositories: tuple[str, ...]
    seconds: float
    sentence: str
    advice: str
    chain: Chain
    is_inferred: bool
    at_ns: int


@dataclass(frozen=True, slots=True)
class _Explained:
    trouble: Trouble
    code: Code
    match: Match


def findings(story: Story) -> tuple[list[Finding], list[str]]:
    """Return the causes of how a run went, the decisive one first, and the evidence missing to decide more."""
    lost = [_explained(trouble, story) for trouble in delays(story)]
    others = [_explained(each, story) for found in (stopped, standing, incomplete) for each in found(story)]
    seconds = _summed(lost)
    named = [one for one in others if _is_worth_saying(one, story)]
    worth = {code for code, sum_ in seconds.items() if is_worth_naming(sum_, of=story.facts.seconds)}
    named += [one for one in lost if one.code in worth]
    missing = _undecided(named)
    if others and any(one.code is not codes.UNKNOWN for one in others):  # unexplained time does not decide then
        named = [one for one in named if one.code is not codes.UNKNOWN or one.trouble.kind is not Kind.DELAYED]
    groups: dict[Code, list[_Explained]] = {}
    for one in sorted(named, key=lambda one: (one.trouble.kind, one.trouble.start_ns)):
        groups.setdefault(one.code, []).append(one)
    found = [_finding(code, group, seconds.get(code, 0.0), story) for code, group in groups.items()]
    found.sort(key=lambda one: (one.kind, *_weight(one), one.at_ns))
    return found, missing


def _undecided(named: Sequence[_Explained]) -> list[str]:
    """Return what would have decided the unexplained troubles, each once, with their start and total length."""
    found: dict[str, list[Trouble]] = {}
    for one in named:
        if one.match.missing:
            found.setdefault(one.match.missing, []).append(one.trouble)
    return [
        f"{what} from {clock_of(troubles[0].start_ns)} on, for {length_of(sum(map(_length, troubles)))} in all"
        for what, troubles in found.items()
    ]


def _length(trouble: Trouble) -> float:
    return (trouble.end_ns - trouble.start_ns) / 1e9


def is_worth_naming(seconds: float, *, of: float) -> bool:
    """Return whether the time lost to one cause is worth naming for a run of that length."""
    return seconds >= WORTH_SECONDS and seconds >= WORTH_SHARE * of


def _weight(finding: Finding) -> tuple[float, ...]:
    """Return what ranks causes of one kind: time for delays, else the number of repositories struck."""
    if finding.kind is Kind.DELAYED:
        return (-finding.seconds,)
    return (finding.code is codes.UNKNOWN, -len(finding.repositories))


def _explained(trouble: Trouble, story: Story) -> _Explained:
    return _Explained(trouble, *explained(trouble, story))


def _summed(lost: Iterable[_Explained]) -> dict[Code, float]:
    sums: dict[Code, float] = {}
    for one in lost:
        sums[one.code] = sums.get(one.code, 0.0) + one.trouble.seconds
    return sums


def _is_worth_saying(one: _Explained, story: Story) -> bool:
    """Return whether a stalled repository is worth mentioning: not if it only queues behind one of its own run."""
    if one.trouble.kind is not Kind.STANDING or one.code is not codes.QUEUE_BUSY:
        return True
    return not any(works(each) for each in story.facts.repositories)


def _finding(code: Code, group: Sequence[_Explained], seconds: float, story: Story) -> Finding:
    """Return the finding for troubles of one code, represented by the gravest kind among them."""
    kind = group[0].trouble.kind
    own = [one for one in group if one.trouble.kind is kind]
    main = max(own, key=_shows_most) if kind is Kind.DELAYED else own[0]
    names = [one.trouble.repository.full_name for one in own if one.trouble.repository is not None]
    repositories = tuple(dict.fromkeys(names))
    advice = words_of(code, main.trouble.error_type) or code.advice
    run = "" if story.facts.run_id is None else str(story.facts.run_id)
    return Finding(
        code=code,
        kind=kind,
        repositories=repositories,
        seconds=round(seconds, 3),
        sentence=_sentence(code, main, repositories, seconds, story),
        advice=advice.replace("{run}", run or "RUN"),
        chain=main.trouble.chain + main.match.steps,
        is_inferred=main.match.is_inferred,
        at_ns=main.trouble.start_ns,
    )


def _shows_most(one: _Explained) -> tuple[bool, float]:
    """Return the rank of a delay to represent several: whether it is proven, then its length."""
    return bool(one.trouble.chain or one.match.steps), one.trouble.seconds


def _sentence(code: Code, main: _Explained, repositories: Sequence[str], seconds: float, story: Story) -> str:
    trouble, facts = main.trouble, story.facts
    detail = f" ({main.match.detail})" if main.match.detail else ""
    happened = f"{code.what}{detail}"
    who = _named(repositories)
    match trouble.kind:
        case Kind.CANCELLED:
            by = trouble.error_msg or "somebody"
            return f"the run was cancelled at {clock_of(trouble.start_ns)} by {by.removesuffix(' cancelled it')}"
        case Kind.STOPPED if trouble.repository is None:
            return f"the run failed in phase {facts.phase}: {happened} at {clock_of(trouble.start_ns)}"
        case Kind.STOPPED:
            how_far = f" {trouble.repository.progress}" if len(repositories) == 1 and trouble.repository is not None else ""
            return f"{who} stopped{how_far}: {happened} at {clock_of(trouble.start_ns)}"
        case Kind.STANDING:
            has = "have" if len(repositories) > 1 else "has"
            return f"{who or 'the run'} {has} stood still since {clock_of(trouble.start_ns)}: {happened}"
        case Kind.INCOMPLETE:
            return f"{who} lacks something: {happened}"
        case Kind.DELAYED:
            lost = f"{length_of(seconds)} of {length_of(facts.seconds)}"
            return f"{lost} were lost{f' at {who}' if who else ''}: {happened}"


def _named(repositories: Sequence[str]) -> str:
    if len(repositories) <= 2:  # two are named, more are counted
        return " and ".join(repositories)
    return f"{repositories[0]} and {count_of(len(repositories) - 1, 'other repository')}"


def with_command(finding: Finding, command: str) -> Finding:
    """Return the finding with commands in its advice written as they are called here."""
    return replace(finding, advice=finding.advice.replace("{command}", command))
