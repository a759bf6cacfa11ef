"""Keep the causes that `explain` has found for ended runs, so that runs can be searched by cause.

Explaining reads files, and cannot be done for every run at each search. When the rules change, a run is explained
again; what was found while its spans could be read is kept once they no longer can.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import cache
from hashlib import blake2b
from pathlib import Path

from django.db import DatabaseError, IntegrityError
from django.db.models import Exists, OuterRef, Q

from apps import explain
from apps.console.models import RunCauses
from apps.explain.codes import Code
from apps.explain.errors_in_rows import FOUND, has_error_of
from apps.explain.explanation import Explanation, explain_run
from apps.integrations.models import PipelineRun, RepoSync
from apps.utils import clock

_SETTLES = timedelta(seconds=5)
"""How long after a run's end its last spans and lines may still be on their way."""

_log = logging.getLogger(__name__)


def keep(run: PipelineRun, found: Explanation) -> None:
    """Keep what explaining a run has found, unless the run goes on or its evidence is still on its way."""
    if run.ended_at is not None and run.export_due_at is None and run.ended_at <= clock.now() - _SETTLES:
        _store(run, [cause.code.name for cause in found.causes], had_spans=found.has_spans)


def explain_next() -> bool:
    """Explain the newest ended run whose causes are unknown or from other rules; return whether there was one."""
    settled = PipelineRun.objects.filter(ended_at__lte=clock.now() - _SETTLES, export_due_at=None)
    run = settled.filter(Q(causes=None) | ~Q(causes__of_rules=_rules())).order_by("-pk").first()
    if run is None:
        return False
    try:
        keep(run, explain_run(run.pk))
    except DatabaseError:
        raise
    except Exception:  # noqa: BLE001  # one run's evidence must not keep all others unexplained
        _log.exception("Run %s could not be explained", run.pk)
        _store(run, None, had_spans=False)
    return True


def has_cause(code: Code) -> Q:
    """Return the condition that a run had a cause; if its causes are unknown, the errors in its rows count."""
    known = Q(causes__codes__contains=[code.name])
    if code not in FOUND:
        return known
    in_rows = has_error_of(code)
    return known | (NOT_KNOWN & (in_rows | Q(Exists(RepoSync.objects.filter(in_rows, run=OuterRef("pk"))))))


NOT_KNOWN = Q(causes__codes=None)
"""The condition that a run's causes are unknown: it goes on, or has not been explained yet."""


def causes_of(runs: Collection[PipelineRun]) -> Mapping[int, list[str]]:
    """Return the codes of runs whose causes are known, by run number, the decisive one first."""
    return {known.run_id: known.codes for known in RunCauses.objects.filter(run__in=runs) if known.codes is not None}


def _store(run: PipelineRun, codes: list[str] | None, *, had_spans: bool) -> None:
    kept = RunCauses(run=run, codes=codes, had_spans=had_spans, of_rules=_rules(), explained_at=clock.now())
    fields = ["codes", "had_spans", "of_rules", "explained_at"]
    with suppress(IntegrityError):  # the run was removed meanwhile
        if had_spans or RunCauses.objects.filter(run=run, had_spans=True).update(of_rules=kept.of_rules) == 0:
            RunCauses.objects.bulk_create([kept], update_conflicts=True, unique_fields=["run"], update_fields=fields)


@cache
def _rules() -> str:
    """Return what identifies these rules: a digest of the code that explains."""
    folder = Path(explain.__path__[0])
    return blake2b(b"".join(file.read_bytes() for file in sorted(folder.glob("*.py"))), digest_size=8).hexdigest()
