"""One model of a run: its facts, its attempts and what was inside them, its lines, and where its time went."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from statistics import median
from typing import Any

from apps import catalog
from apps.explain.activities import ROOT
from apps.explain.decomposition import Decomposition, decompose
from apps.explain.facts import Profile, RepositoryFacts, RunFacts, Surroundings
from apps.explain.parts import key_of
from telemetry.model import Outcome
from telemetry.reading import Span
from telemetry.timestamps import unix_nanoseconds

Line = Mapping[str, Any]

SYNC = catalog.RepoSync.__operation__
GRAPHQL, REST = catalog.GraphQLCall.__operation__, catalog.RestCall.__operation__
CALLS = frozenset({GRAPHQL, REST})
WRITE, RATE_WAIT = catalog.RowsWrite.__operation__, catalog.RateWait.__operation__
_INSIDE = CALLS | {WRITE, RATE_WAIT}
_NUMBER = key_of(catalog.RepoSync, "attempt")
FEWEST_EARLIER = 3
"""With fewer runs nothing counts as usual."""
_SECOND = 1_000_000_000
_STEP = "run/apps.integrations.tasks.run_phase"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An attempt at a repository, with its calls, waits and writes in the order they began."""

    repo_id: int | None
    sync: Span | None
    """None if its own span never arrived."""
    inside: Sequence[Span]

    @property
    def number(self) -> int | None:
        """The attempt's number, from 1."""
        found = None if self.sync is None else self.sync.attributes.get(_NUMBER)
        return found if isinstance(found, int) else None

    @property
    def start_ns(self) -> int:
        """When it began."""
        return self.inside[0].start_ns if self.sync is None else self.sync.start_ns

    @property
    def end_ns(self) -> int:
        """When it ended, or gave its last sign of life."""
        return max(span.end_ns for span in self.inside) if self.sync is None else self.sync.end_ns

    @property
    def outcome(self) -> str | None:
        """How it ended; None if its span does not say or never arrived."""
        return None if self.sync is None else self.sync.outcome

    @property
    def has_failed(self) -> bool:
        """Whether it failed, finally or not, or died."""
        return self.sync is None or self.outcome in (Outcome.FAILED, Outcome.RETRYING, Outcome.DIED)

    @property
    def calls(self) -> list[Span]:
        """Its calls to GitHub."""
        return [span for span in self.inside if span.name in CALLS]

    @property
    def has_stored(self) -> bool:
        """Whether it wrote a page."""
        return any(span.name == WRITE and span.outcome == Outcome.COMPLETED for span in self.inside)


class Story:
    """A run as told by its evidence; `lines` are those of its trace and of the machine meanwhile."""

    def __init__(
        self, facts: RunFacts, *, spans: Iterable[Span], lines: Sequence[Line] = (), surroundings: Surroundings | None = None
    ) -> None:
        self.facts = facts
        self.spans = list({span.span_id: span for span in spans}.values())
        self.lines = lines
        self.surroundings = surroundings or Surroundings()
        self._attempts = _attempts(self.spans)

    @cached_property
    def time(self) -> Decomposition:
        """Where the run's time went."""
        facts = self.facts
        reserved = [facts.root_id] if facts.root_id else []
        return decompose(
            self.spans, start_ns=facts.started_ns, end_ns=facts.end_ns, is_running=facts.is_running, reserved=reserved
        )

    @cached_property
    def span_of_id(self) -> Mapping[str, Span]:
        """The spans by their ids."""
        return {span.span_id: span for span in self.spans}

    @cached_property
    def root(self) -> Span | None:
        """The run's root span; None until it has ended, or if it is unknown."""
        return next((span for span in self.spans if span.name == ROOT), None)

    @cached_property
    def steps(self) -> list[Span]:
        """The spans of phases' tasks that did not succeed, in order."""
        found = [
            span for span in self.spans if span.name == _STEP and (span.status == "ERROR" or span.outcome == Outcome.DIED)
        ]
        return sorted(found, key=lambda span: span.start_ns)

    def tasks_begun(self, near_ns: int) -> Iterator[Span]:
        """Yield the spans of tasks that began within a second of a moment."""
        for span in self._tasks[bisect_left(self._tasks, near_ns - _SECOND, key=lambda task: task.start_ns) :]:
            if span.start_ns > near_ns + _SECOND:
                return
            yield span

    @cached_property
    def _tasks(self) -> list[Span]:
        return sorted((span for span in self.spans if span.name.startswith("run/")), key=lambda span: span.start_ns)

    def usual_seconds(self, call: Span) -> float | None:
        """Return how long calls of the same query took in earlier runs; None if too few are known."""
        return self._usual_calls.get(query_of(call))

    @cached_property
    def _usual_calls(self) -> Mapping[str, float]:
        found: dict[str, list[float]] = {}
        for earlier in self.surroundings.earlier:
            for query, seconds in (earlier.profile or Profile()).call_seconds.items():
                found.setdefault(query, []).append(seconds)
        return {query: median(seconds) for query, seconds in found.items() if len(seconds) >= FEWEST_EARLIER}

    def attempts_at(self, repository: RepositoryFacts) -> Sequence[Attempt]:
        """Return the attempts at a repository in the order they began."""
        return self._attempts.get(repository.repo_id, ())

    @cached_property
    def attempts(self) -> list[Attempt]:
        """All attempts in the order they began."""
        return sorted((one for many in self._attempts.values() for one in many), key=lambda one: one.start_ns)

    def repository_of(self, repo_id: object) -> RepositoryFacts | None:
        """Return the repository with that id, if the run has it."""
        return self._repositories.get(repo_id)

    @cached_property
    def _repositories(self) -> Mapping[object, RepositoryFacts]:
        return {one.repo_id: one for one in self.facts.repositories}

    def name_of(self, span: Span) -> str | None:
        """Return the repository that the span is about."""
        found = self.repository_of(span.attributes.get("repo_id"))
        return None if found is None else found.full_name

    def lines_of(self, *events: str, repo_id: int | None = None) -> list[Line]:
        """Return the lines of these events; with `repo_id` those about that repository."""
        return [
            line
            for line in self.lines
            if line.get("event") in events and (repo_id is None or line.get("repo_id") == repo_id)
        ]

    def above(self, span_id: str | None, names: frozenset[str]) -> Span | None:
        """Return the nearest span with one of the names, from the span itself outwards."""
        span = self.span_of_id.get(span_id or "")
        if span is None or span.name in names:
            return span
        seen: set[str] = set()
        while span is not None and span.name not in names:
            if span.span_id in seen:
                return None
            seen.add(span.span_id)
            span = self.span_of_id.get(span.parent_id or "")
        return span


def moment_of(line: Line) -> int | None:
    """Return when a line was written, in Unix nanoseconds; None if it does not say."""
    try:
        return unix_nanoseconds(datetime.fromisoformat(str(line["timestamp"])))
    except (KeyError, ValueError, TypeError, OverflowError):
        return None


def query_of(call: Span) -> str:
    """Return a call's query name or route."""
    return str(call.attributes.get("query_name") or call.attributes.get("endpoint") or call.name)


def error_of(span: Span | None) -> str:
    """Return the error type that a span names, including one that made it wait; "" if it names none."""
    return "" if span is None else str(span.attributes.get("error.type") or span.attributes.get("error_type") or "")


def message_of(span: Span | None) -> str:
    """Return the message of the error that a span names."""
    return "" if span is None else str(span.attributes.get("error_msg") or span.status_message)


def number_of(value: object) -> float:
    """Return the number in an attribute, or 0 if it is not one."""
    return float(value) if isinstance(value, int | float) and value == value else 0.0  # NaN is not one


def _attempts(spans: Iterable[Span]) -> dict[object, list[Attempt]]:
    syncs: dict[str, Span] = {}
    inside: dict[str | None, list[Span]] = {}
    for span in spans:
        if span.name == SYNC:
            syncs[span.span_id] = span
        elif span.name in _INSIDE:
            inside.setdefault(span.parent_id, []).append(span)
    found = [
        Attempt(repo_id=_id_of(sync), sync=sync, inside=_in_order(inside.pop(span_id, [])))
        for span_id, sync in syncs.items()
    ]
    orphans = [each for parent, each in inside.items() if _id_of(each[0]) is not None and parent is not None]
    found += [Attempt(repo_id=_id_of(each[0]), sync=None, inside=_in_order(each)) for each in orphans]
    attempts: dict[object, list[Attempt]] = {}
    for attempt in sorted(found, key=lambda one: one.start_ns):
        attempts.setdefault(attempt.repo_id, []).append(attempt)
    return attempts


def _id_of(span: Span) -> int | None:
    found = span.attributes.get("repo_id")
    return found if isinstance(found, int) else None


def _in_order(spans: list[Span]) -> list[Span]:
    return sorted(spans, key=lambda span: (span.start_ns, span.end_ns))
