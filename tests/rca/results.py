"""What came of all scenarios: each with its verdict, and how many are exact, grounded, wrong or abstained."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tests.rca.judging import Verdict, judge, unproven, waited_for_worker
from tests.rca.scenario import Scenario
from tests.rca.told import Told


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One scenario's verdict, None if `explain` was not asked.

    `problems` are why the scenario itself is no proof of anything: it was not played as it says. `disturbed` is why what was
    told may be true though the label is not: what the machine did beside what was injected.
    """

    scenario: Scenario
    verdict: Verdict | None
    problems: tuple[str, ...] = ()
    disturbed: str = ""
    said: str = ""
    explained_in: float = 0.0

    @property
    def is_right(self) -> bool:
        """Whether nothing is wrong with it."""
        return (
            not self.problems
            and not self.disturbed
            and self.verdict is not None
            and self.verdict.is_exact
            and self.verdict.is_grounded
        )

    @property
    def wrong(self) -> list[str]:
        """Everything that is wrong with it, in words."""
        if self.verdict is None:
            return [*self.problems, "it was not explained"]
        return [*self.problems, *self.verdict.wrong, *self.verdict.ungrounded]


@dataclass(frozen=True, slots=True)
class Results:
    """What came of some scenarios."""

    of: Sequence[Result]

    def count(self, is_so: Callable[[Verdict], bool]) -> int:
        """Return of how many the verdict is so."""
        return sum(is_so(each.verdict) for each in self.of if each.verdict is not None)

    @property
    def exact(self) -> int:
        """Of how many outcome, decisive code and repositories are right."""
        return self.count(lambda verdict: verdict.is_exact)

    @property
    def grounded(self) -> int:
        """Of how many each step of the chain exists and says so."""
        return self.count(lambda verdict: verdict.is_grounded)

    @property
    def surely_wrong(self) -> int:
        """How many are wrong and do not say that they might be."""
        return self.count(lambda verdict: verdict.is_surely_wrong)

    @property
    def abstained(self) -> int:
        """How many say that the evidence does not decide, where it does."""
        return self.count(lambda verdict: verdict.abstained)

    @property
    def seconds(self) -> tuple[float, float]:
        """How long an explanation took: the median, and the longest."""
        took = [each.explained_in for each in self.of if each.verdict is not None]
        return (statistics.median(took), max(took)) if took else (0.0, 0.0)

    @property
    def undisturbed(self) -> Results:
        """Those that the machine has let be as they are declared."""
        return Results([each for each in self.of if not each.disturbed])

    def where(self, is_so: Callable[[Scenario], bool]) -> Results:
        """Return those whose scenario is so."""
        return Results([each for each in self.of if is_so(each.scenario)])


def result_of(told: Told) -> Result:
    """Judge what was told of a scenario."""
    problems = [told.problem] if told.problem else []
    if told.evidence is None:
        return Result(scenario=told.scenario, verdict=None, problems=tuple(problems), said=told.said)
    disturbed = waited_for_worker(told.scenario.label, told.evidence)
    problems += unproven(told.scenario.label, told.evidence)
    verdict = None if told.answer is None else judge(told.scenario.label, told.evidence, told.answer)
    said = told.said if told.answer is None else str(told.answer["sentence"])
    return Result(
        scenario=told.scenario,
        verdict=verdict,
        problems=tuple(problems),
        disturbed=disturbed,
        said=said,
        explained_in=told.explained_in,
    )


def results_of(told: Iterable[Told]) -> Results:
    """Judge what was told of all scenarios, in their order."""
    return Results([result_of(each) for each in told])
