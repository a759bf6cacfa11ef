"""A run's page in the admin, with the table of its time."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join

from apps.console.run_times import time_of_run
from apps.explain.parts import Part
from apps.integrations.admin import PipelineRunAdmin
from apps.integrations.models import PipelineRun

_SHOWN_FROM_NS = 5_000_000
_WHERE_THE_TIME_WENT = "Where the time went"

admin.site.unregister(PipelineRun)


@admin.register(PipelineRun)
class ExplainedRunAdmin(PipelineRunAdmin):
    """Runs as the sync records them, and where the time of each went."""

    def get_readonly_fields(self, request: HttpRequest, obj: PipelineRun | None = None) -> Any:
        """Return the fields that are computed, with the table."""
        return [*super().get_readonly_fields(request, obj), "time"]

    def get_fieldsets(self, request: HttpRequest, obj: PipelineRun | None = None) -> Any:
        """Return the fields, with the table next to the run's times."""
        return [
            (title, {**options, "fields": (*options["fields"], "time")} if title == _WHERE_THE_TIME_WENT else options)
            for title, options in super().get_fieldsets(request, obj)
        ]

    @admin.display(description="time")
    def time(self, row: PipelineRun) -> str:
        """Return the table of a run's time along its critical path, which sums to its duration, and over all workers."""
        time = time_of_run(row)
        if time is None:
            return "None of its spans can be read here."
        shown = [
            (part.value, _seconds(time.wall[part]), _seconds(time.over_workers[part]))
            for part in Part
            if max(time.wall[part], time.over_workers[part]) >= _SHOWN_FROM_NS
        ]
        total = ("in all", _seconds(time.end_ns - time.start_ns), _seconds(sum(time.over_workers.values())))
        rows = format_html_join("", "<tr><td>{}</td><td>{}</td><td>{}</td></tr>", [*shown, total])
        heads = "<tr><th></th><th>wall time</th><th>sum over workers</th></tr>"
        return format_html("<table>" + heads + "{}</table>", rows)


def _seconds(nanoseconds: int) -> str:
    return f"{nanoseconds / 1e9:.2f} s"
