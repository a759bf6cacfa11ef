"""What the sync stored, in Django's admin: to look at and to hold against GitHub."""

from __future__ import annotations

from django.contrib import admin

from apps.pulls.models import ChangedFile, Commit, PullRequest, Review, WeeklyMetrics
from apps.utils.read_only_admin import ReadOnlyAdmin, ReadOnlyInline, badge, link


class ReviewInline(ReadOnlyInline):
    model = Review
    fields = ("author", "state", "submitted_at", "body")
    ordering = ("submitted_at", "pk")


class CommitInline(ReadOnlyInline):
    model = Commit
    fields = ("oid", "author_name", "committed_at", "additions", "deletions", "message")
    ordering = ("committed_at", "pk")


class ChangedFileInline(ReadOnlyInline):
    model = ChangedFile
    fields = ("path", "change_type", "additions", "deletions")
    ordering = ("path",)


@admin.register(PullRequest)
class PullRequestAdmin(ReadOnlyAdmin):
    list_display = (
        "number",
        "title",
        "repository",
        "status",
        "author",
        "reviews_total",
        "commits_total",
        "files_total",
        "updated_at",
        "on_github",
    )
    list_filter = ("state", "repository__team", "repository")
    list_select_related = ("repository",)
    search_fields = ("=number", "title")
    date_hierarchy = "updated_at"
    ordering = ("-updated_at", "-pk")
    readonly_fields = ("status", "on_github")
    fieldsets = (
        (
            None,
            {"fields": (("repository", "number", "on_github"), "title", ("status", "is_draft"), ("author", "merged_by"))},
        ),
        ("When", {"fields": (("created_at", "updated_at"), ("merged_at", "closed_at"))}),
        ("What", {"fields": (("base_ref", "head_ref", "head_repository"), ("additions", "deletions", "changed_files"))}),
        ("GitHub's counts", {"fields": (("reviews_total", "commits_total", "files_total"), "github_id")}),
        ("Description", {"classes": ("collapse",), "fields": ("body",)}),
    )
    inlines = (ReviewInline, CommitInline, ChangedFileInline)

    @admin.display(description="state", ordering="state")
    def status(self, row: PullRequest) -> str:
        """With its colour."""
        return badge(row.state)

    def on_github(self, row: PullRequest) -> str:
        """Where it was read from."""
        return link(row.url, f"#{row.number}")


@admin.register(WeeklyMetrics)
class WeeklyMetricsAdmin(ReadOnlyAdmin):
    list_display = ("week", "team", "merged", "cycle_time_hours", "review_time_hours", "size", "ai_assisted_share")
    list_filter = ("team",)
    list_select_related = ("team",)
    date_hierarchy = "week"
    ordering = ("-week", "team")
