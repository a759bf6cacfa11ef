"""Teams in Django's admin, with their members on the same page."""

from __future__ import annotations

from django.contrib import admin

from apps.teams.models import Membership, Team


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]  # generic in the stubs alone, not at run time
    """A team's members."""

    model = Membership
    extra = 1


@admin.register(Team)
class TeamAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs alone
    """Teams, by name."""

    list_display = ("slug", "name", "share", "fresh_hours", "created_at")
    search_fields = ("slug", "name")
    inlines = (MembershipInline,)
