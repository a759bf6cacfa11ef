"""Connections and tracked repositories in Django's admin, read-only: the application alone writes them."""

from __future__ import annotations

from django.contrib import admin

from apps.repositories.models import BEGINNING, GitHubConnection, TrackedRepository
from apps.utils.read_only_admin import ReadOnlyAdmin, moment


@admin.register(GitHubConnection)
class GitHubConnectionAdmin(ReadOnlyAdmin):
    """Connections; no page shows their tokens, not even encrypted."""

    list_display = ("account", "team", "api_url", "created_at")
    list_filter = ("team",)
    list_select_related = ("team",)
    search_fields = ("account",)
    fields = ("team", "account", "api_url", "created_at")


@admin.register(TrackedRepository)
class TrackedRepositoryAdmin(ReadOnlyAdmin):
    """Tracked repositories, and how much of their history is stored."""

    list_display = ("full_name", "repo_id", "team", "complete_from", "covered_to", "is_archived", "added_at")
    list_filter = ("team", "is_archived")
    list_select_related = ("team",)
    search_fields = ("full_name",)
    fields = (
        ("team", "connection"),
        ("full_name", "repo_id", "github_id", "is_archived"),
        ("covered_from", "covered_to", "added_at"),
        ("github_count", "stored_count", "counted_at"),
    )
    readonly_fields = ("repo_id",)

    @admin.display(description="repo_id", ordering="pk")
    def repo_id(self, row: TrackedRepository) -> int:
        """Return the id used in spans and lines."""
        return row.pk

    @admin.display(ordering="covered_from")
    def complete_from(self, row: TrackedRepository) -> str:
        """Return where the stored history begins."""
        if row.covered_from is None:
            return "not synced yet"
        return "the beginning" if row.covered_from == BEGINNING else moment(row.covered_from)
