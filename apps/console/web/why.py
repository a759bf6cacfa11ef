"""Why a run went as it did, by its evidence, in words that say nothing of teams that the reader does not see."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings

from apps.console.web.sight import Sight
from apps.explain.decomposition import Decomposition
from apps.explain.explanation import explain_run
from apps.integrations.models import PipelineRun
from apps.repositories.models import TrackedRepository

_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_SOMEBODY = "another team's repository"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One cause, and what to do about it."""

    sentence: str
    advice: str
    is_inferred: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """What a run's evidence says: a sentence, advice, its causes, whom else they struck, and what is missing."""

    sentence: str
    advice: str
    causes: Sequence[Cause]
    also_affected: Sequence[int]
    missing: Sequence[str]
    time: Decomposition


def why_of(run: PipelineRun, sight: Sight) -> Why:
    """Explain a run to somebody."""
    explanation = explain_run(run.pk, command=settings.SYNCTRACE_COMMAND)
    causes = explanation.causes
    own = (explanation.sentence, explanation.advice, *explanation.missing)
    tell = telling([*own, *(text for cause in causes for text in (cause.sentence, cause.advice))], sight)
    others = {other["run"] for other in explanation.also_affected if other["run"] is not None}
    return Why(
        sentence=tell(explanation.sentence),
        advice=tell(explanation.advice),
        causes=[
            Cause(sentence=tell(cause.sentence), advice=tell(cause.advice), is_inferred=cause.is_inferred)
            for cause in causes
        ],
        also_affected=sorted(sight.runs().filter(pk__in=others).values_list("pk", flat=True)),
        missing=list(map(tell, explanation.missing)),
        time=explanation.time,
    )


def telling(texts: Iterable[str], sight: Sight) -> Callable[[str], str]:
    """Return a function that says such texts without the names of repositories and teams that are not seen."""
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
