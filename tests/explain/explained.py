"""Whether the time of the runs in a test is explained."""

from __future__ import annotations

from pathlib import Path

from apps.explain.decomposition import Decomposition
from apps.explain.evidence import time_of
from apps.explain.parts import Part
from apps.integrations.models import PipelineRun
from telemetry.reading import Files, draw

_SHARE = 0.01


def unexplained_runs(home: Path) -> dict[int, str]:
    """Return the runs of which more than a hundredth of the time is unexplained, with what is known of them."""
    source = Files(traces=home / "traces.jsonl", lines=home / "logs.jsonl")
    found = {}
    for run in PipelineRun.objects.order_by("pk"):
        time = time_of([run], source)
        assert sum(time.wall.values()) == time.end_ns - time.start_ns
        if time.wall[Part.UNEXPLAINED] > _SHARE * (time.end_ns - time.start_ns):
            found[run.pk] = _told(time) + draw(source.trace(run.traceparent.split("-")[1]))
    return found


def _told(time: Decomposition) -> str:
    lines = [
        f"{(each.start_ns - time.start_ns) / 1e9:8.3f} {each.duration_ns / 1e9:8.3f} {each.part}: {each.why}"
        for each in time.path
    ]
    return "\n".join(["", *lines, ""])
