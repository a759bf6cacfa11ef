"""Every phase of the catalog has a row in the table, and a run goes through those of its kind, to the last."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from apps import catalog
from apps.analysis import assistance, metrics
from apps.integrations.models import PipelineRun
from apps.integrations.runs import phases

ROOT = Path(__file__).parents[3]
NAMES = get_args(catalog.Phase)


@pytest.mark.parametrize(
    ("kind", "through"),
    [
        (PipelineRun.Kind.RECENT, ("syncing", "llm_processing", "computing_metrics", "phase1_complete")),
        (PipelineRun.Kind.BACKFILL, ("background_syncing", "background_llm", "complete")),
    ],
)
def test_a_run_goes_through_the_phases_of_its_kind(kind: PipelineRun.Kind, through: tuple[str, ...]) -> None:
    """In this order; it syncs in the first, works in those between, and dispatches what follows in the last."""
    name: catalog.Phase | None = phases.first(kind)
    met = []
    while name is not None:
        met.append(name)
        assert phases.phase(name).kind == kind
        name = phases.phase(name).then
    assert tuple(met) == through
    assert [phases.phase(name).syncs for name in met] == [True] + [False] * (len(met) - 1)
    assert [bool(phases.phase(name).work) for name in met] == [False, *[True] * (len(met) - 2), False]


def test_every_phase_of_the_catalog_belongs_to_a_run() -> None:
    """None is left out of the ways above."""
    assert set(NAMES) == set(phases.NAMES)
    reached = {phases.first(kind) for kind in PipelineRun.Kind} | {phases.phase(name).then for name in NAMES}
    assert reached - {None} == set(NAMES)


def test_a_phase_without_a_row_is_a_type_error(tmp_path: Path) -> None:
    """One that somebody adds to the catalog does not simply complete: the type checker names the table."""
    added = tmp_path / "catalog.py"
    source = (ROOT / "apps/catalog.py").read_text()
    added.write_text(source.replace('    "syncing",\n', '    "syncing",\n    "training_models",\n', 1))
    assert _mypy(ROOT / "apps/catalog.py") == []
    (error,) = _mypy(added)
    assert "assert_never" in error
    assert "training_models" in error


def _mypy(catalog_file: Path) -> list[str]:
    """The errors that mypy finds in the table's module when `catalog_file` is the catalog; it reads nothing else."""
    command = [sys.executable, "-m", "mypy", "--config-file=", "--strict", "--no-incremental", "--follow-imports=skip"]
    command += ["--disable-error-code=misc", "--shadow-file", "apps/catalog.py", str(catalog_file)]
    command += ["apps/catalog.py", "apps/integrations/runs/phases.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return re.findall(r"^\S*phases\.py:\d+: error: (.*)", done.stdout, re.MULTILINE)


def test_a_name_that_is_no_phase_is_refused() -> None:
    """With what may be the reason."""
    assert phases.named("syncing") == "syncing"
    with pytest.raises(ValueError, match="'training_models' is not a phase of a run: a worker of another version"):
        phases.named("training_models")


@pytest.mark.parametrize(
    ("name", "done"),
    [
        ("llm_processing", [("analyze", 7, [3, 1])]),
        ("computing_metrics", [("compute", 7, None)]),
        ("background_llm", [("analyze", 7, [3, 1]), ("compute", 7, None)]),
    ],
)
def test_a_phase_s_work_is_done_for_its_run(
    name: catalog.Phase, done: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In order: assistance is marked in the run's repositories, and counted in the metrics of all its team."""
    calls: list[object] = []
    monkeypatch.setattr(
        assistance, "analyze", lambda *, team_id, repository_ids: calls.append(("analyze", team_id, repository_ids))
    )
    monkeypatch.setattr(metrics, "compute", lambda *, team_id: calls.append(("compute", team_id, None)))
    phases.do_work(name, team_id=7, repository_ids=[3, 1])
    assert calls == done


@pytest.mark.parametrize("name", [name for name in NAMES if not phases.phase(name).work])
def test_a_phase_without_work_cannot_be_worked_on(name: catalog.Phase) -> None:
    """Nor does it complete by being asked to."""
    with pytest.raises(ValueError, match="no step should have been sent"):
        phases.do_work(name, team_id=1, repository_ids=[])
