"""Troubles: what needs an explanation in a run, and what is known of it; the rules decide the code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from apps.explain.chains import Chain
from apps.explain.facts import RepositoryFacts
from apps.explain.parts import Part
from apps.explain.story import Attempt
from telemetry.reading import Span


class Kind(IntEnum):
    """The kind of trouble; the lower it is, the more it decides how a run went."""

    CANCELLED = 0
    """Somebody called the run off."""
    STOPPED = 1
    """A repository, or the run in a phase, failed."""
    STANDING = 2
    """Nothing is going on now."""
    INCOMPLETE = 3
    """A repository has ended successfully, but something is missing."""
    DELAYED = 4
    """Some of the run's time went into it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that needs an explanation.

    `chain` is the steps that lead from the run's outcome down to it. `evidence` is the span that shows it, `limit` the
    awaited limit of GitHub, `behind` who was ahead, and `part` what the time between the two moments went into.
    """

    kind: Kind
    repository: RepositoryFacts | None
    start_ns: int
    end_ns: int
    chain: Chain = ()
    error_type: str = ""
    error_msg: str = ""
    stack: str = ""
    evidence: Span | None = None
    attempt: Attempt | None = None
    limit: str = ""
    behind: str = ""
    part: Part | None = None
    seconds: float = 0.0
    """Of the run's wall time."""

    @property
    def died_of(self) -> str:
        """What killed the process, if a span says so: a signal, a limit, the machine."""
        sync = None if self.attempt is None else self.attempt.sync
        spans: Sequence[Span | None] = (self.evidence, sync)
        for span in spans:
            cause = None if span is None else span.attributes.get("died.cause")
            if cause is not None:
                return str(cause)
        return ""

    @property
    def is_death(self) -> bool:
        """Whether a process that should have gone on was gone."""
        return bool(self.died_of) or self.error_type in ("attempt_died", "died", "step_never_finished")
