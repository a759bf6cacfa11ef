"""Scripted faults: which requests a rule strikes, and how often."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from apps.github_simulator.replies import Api


@dataclass(frozen=True, kw_only=True)
class Match:
    """The conditions a request must meet for a rule to apply; None means any.

    `operation` is the name of the GraphQL operation, `endpoint` the REST route (`/repos/{owner}/{repo}`), `repository`
    the full name of a repository that the request mentions, `min_page_size` the least size of the outermost
    connection, and `continued` whether any connection has a cursor.
    """

    api: Api | None = None
    operation: str | None = None
    endpoint: str | None = None
    repository: str | None = None
    account: str | None = None
    min_page_size: int | None = None
    continued: bool | None = None


@dataclass(frozen=True, kw_only=True)
class FaultRule:
    """A rule that makes matching requests fail.

    From the `nth` matching request on, the next `times` matching requests (None: all of them) meet the fault: after
    `delay_ms`, and at a cost of `points`. `parameters` are those of the kind of fault.
    """

    fault: str
    match: Match = Match()
    nth: int = 1
    times: int | None = 1
    name: str = ""
    delay_ms: float = 0
    points: int = 0
    parameters: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """What rules can tell about a request; `mentions` returns whether it is about a repository."""

    api: Api
    account: str
    operation: str | None
    endpoint: str | None
    page_size: int | None
    continued: bool
    mentions: Callable[[str], bool]

    def meets(self, match: Match) -> bool:
        """Return whether the request meets all conditions."""
        return (
            match.api in (None, self.api)
            and match.operation in (None, self.operation)
            and match.endpoint in (None, self.endpoint)
            and match.account in (None, self.account)
            and match.continued in (None, self.continued)
            and (match.min_page_size is None or (self.page_size or 0) >= match.min_page_size)
            and (match.repository is None or self.mentions(match.repository))
        )


@dataclass(slots=True)
class _CountedRule:
    """A rule with the number of requests that have matched it so far."""

    rule: FaultRule
    matches: int = 0

    @property
    def is_due(self) -> bool:
        """Whether the request counted last meets the fault."""
        rule = self.rule
        return self.matches >= rule.nth and (rule.times is None or self.matches < rule.nth + rule.times)


class FaultScript:
    """The rules in force. Every rule counts the requests that match it, and the first that is due strikes."""

    def __init__(self, rules: Iterable[FaultRule] = ()) -> None:
        """Start with `rules`."""
        self._rules: list[_CountedRule] = []
        self.add(rules)

    def add(self, rules: Iterable[FaultRule]) -> None:
        """Append rules, which count requests from now on."""
        self._rules += [_CountedRule(rule) for rule in rules]

    def clear(self) -> None:
        """Remove all rules."""
        self._rules.clear()

    def strike(self, incoming: Incoming) -> FaultRule | None:
        """Count a request, and return the rule that strikes it, if any."""
        matching = [counted for counted in self._rules if incoming.meets(counted.rule.match)]
        for counted in matching:
            counted.matches += 1
        return next((counted.rule for counted in matching if counted.is_due), None)
