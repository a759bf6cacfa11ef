"""Weekly metrics in Django's admin, read-only: they are recomputed after every sync."""

from __future__ import annotations

from django.contrib import admin

from apps.analysis.models import WeeklyMetrics
from apps.utils.read_only_admin import ReadOnlyAdmin


@admin.register(WeeklyMetrics)
class WeeklyMetricsAdmin(ReadOnlyAdmin):
    """Each team's weeks, latest first."""

    list_display = ("week", "team", "merged", "cycle_time_hours", "review_time_hours", "size", "ai_assisted_share")
    list_filter = ("team",)
    list_select_related = ("team",)
    date_hierarchy = "week"
    ordering = ("-week", "team")
