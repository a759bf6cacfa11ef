"""Explain why a run went as it did, without revealing teams that the reader does not see."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from apps.console.web.explained import explanations
from apps.console.web.sight import Sight
from apps.explain.chains import Step
from apps.explain.decomposition import Decomposition
from apps.explain.estimate import Estimate
from apps.explain.explanation import Explanation
from apps.integrations.models import PipelineRun
from apps.repositories.models import TrackedRepository

_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_PATIENCE = 0.1
"""Seconds that a page's first answer waits for an explanation."""
_SOMEBODY = "another team's repository"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One step in a cause's chain, and the span, line or row that shows it."""

    says: str
    by: str
    span_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One cause: its code, what it did, what to do about it, what follows by itself, and the proof."""

    code: str
    sentence: str
    advice: str
    is_inferred: bool
    proofs: Sequence[Proof]


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """What a run's evidence shows: a sentence, advice, its causes, whom else they struck, and what is missing."""

    sentence: str
    advice: str
    causes: Sequence[Cause]
    also_affected: Sequence[int]
    missing: Sequence[str]
    time: Decomposition
    estimate: Estimate | None

    @property
    def decisive(self) -> Cause | None:
        """The cause that decided how the run went; None if it is healthy."""
        return self.causes[0] if self.causes else None


def why_of(run: PipelineRun, sight: Sight) -> Why:
    """Explain a run to somebody, in the words of the command `explain`."""
    return _shown_to(explanations.of(run), sight)


def why_soon(run: PipelineRun, sight: Sight) -> Why | None:
    """Explain a run to somebody unless they would have to wait: a large run's spans take seconds to read."""
    explanation = explanations.soon(run, seconds=_PATIENCE)
    return None if explanation is None else _shown_to(explanation, sight)


def _shown_to(explanation: Explanation, sight: Sight) -> Why:
    causes = explanation.causes
    own = (explanation.sentence, explanation.advice, *explanation.missing)
    of_causes = [text for cause in causes for text in (cause.sentence, cause.advice, *(step.says for step in cause.chain))]
    tell = telling([*own, *of_causes], sight)
    others = {other["run"] for other in explanation.also_affected if other["run"] is not None}
    return Why(
        sentence=tell(explanation.sentence),
        advice=tell(explanation.advice),
        causes=[
            Cause(
                code=cause.code.name,
                sentence=tell(cause.sentence),
                advice=tell(cause.advice),
                is_inferred=cause.is_inferred,
                proofs=[
                    Proof(says=tell(step.says), by=step.proof, span_id=_in_trace(step, explanation)) for step in cause.chain
                ],
            )
            for cause in causes
        ],
        also_affected=sorted(sight.runs().filter(pk__in=others).values_list("pk", flat=True)) if others else [],
        missing=list(map(tell, explanation.missing)),
        time=explanation.time,
        estimate=explanation.estimate,
    )


def _in_trace(step: Step, explanation: Explanation) -> str | None:
    """Return the id of the span that proves a step, if it is in the run's own trace."""
    return step.span_id if step.trace_id == explanation.facts.trace_id else None


def telling(texts: Iterable[str], sight: Sight) -> Callable[[str], str]:
    """Return a function that removes the names of invisible repositories and teams from texts."""
    if sight.teams is None:
        return str
    named = {name.rstrip(".") for text in texts for name in _NAME.findall(text)}
    seen = set(sight.repositories().filter(full_name__in=named).values_list("full_name", flat=True))
    others = TrackedRepository.objects.filter(full_name__in=named - seen).values_list(
        "full_name", "team__name", "team__slug"
    )
    secrets = {f"{name} of {team}" for name, *teams in others for team in teams} | {name for name, *_ in others}
    pattern = re.compile("|".join(map(re.escape, sorted(secrets, key=len, reverse=True)))) if secrets else None
    return lambda text: text if pattern is None else pattern.sub(_SOMEBODY, text)
