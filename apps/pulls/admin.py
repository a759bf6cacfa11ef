"""Stored pull requests in Django's admin, read-only, with links to compare them with GitHub."""

from __future__ import annotations

from django.contrib import admin

from apps.pulls.models import ChangedFile, Commit, PullRequest, Review
from apps.utils.read_only_admin import ReadOnlyAdmin, ReadOnlyInline, badge, link


class ReviewInline(ReadOnlyInline):
    """A pull request's reviews, oldest first."""

    model = Review
    fields = ("author", "state", "submitted_at", "body")
    ordering = ("submitted_at", "pk")


class CommitInline(ReadOnlyInline):
    """A pull request's commits, oldest first."""

    model = Commit
    fields = ("oid", "author_name", "committed_at", "additions", "deletions", "message")
    ordering = ("committed_at", "pk")


class ChangedFileInline(ReadOnlyInline):
    """The files that a pull request changes."""

    model = ChangedFile
    fields = ("path", "change_type", "additions", "deletions")
    ordering = ("path",)


@admin.register(PullRequest)
class PullRequestAdmin(ReadOnlyAdmin):
    """Pull requests, last updated first; each page shows its lists."""

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
        """Return the state, colored."""
        return badge(row.state)

    def on_github(self, row: PullRequest) -> str:
        """Return a link to the pull request's page on GitHub."""
        return link(row.url, f"#{row.number}")
