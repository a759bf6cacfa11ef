"""Admin pages for rows that only the sync writes: people look at them, filter them and follow their links."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.utils import formats
from django.utils.html import format_html

from apps.utils import clock

TONES: Mapping[str, str] = {
    "running": "busy",
    "syncing": "busy",
    "queued": "warn",
    "backing off": "warn",
    "silent": "bad",
    "dead": "bad",
    "waiting": "warn",
    "completed": "good",
    "synced": "good",
    "archived": "good",
    "renamed": "good",
    "partial": "bad",
    "cancelled": "warn",
    "failed": "bad",
    "gone": "bad",
    "forbidden": "bad",
    "on time": "good",
    "delayed": "warn",
    "needs you": "bad",
    "OPEN": "busy",
    "MERGED": "good",
}
"""The style sheet's class for each word that `badge` colors."""


class _ReadOnly:
    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse to add rows by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse to change rows by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse to delete rows by hand, also when the row they belong to is deleted."""
        return False


class ReadOnlyAdmin(_ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs alone, not at run time
    """A list of rows, newest first, with a page for each; large tables are not counted twice."""

    ordering: ClassVar[list[Any] | tuple[Any, ...] | None] = ("-pk",)
    list_per_page = 50
    show_full_result_count = False

    class Media:
        """The colors of `badge`."""

        css = {"all": ("utils/admin.css",)}


class ReadOnlyInline(_ReadOnly, admin.TabularInline):  # type: ignore[type-arg]  # generic in the stubs alone
    """The rows that belong to another row, on its page."""

    extra = 0
    can_delete = False


def badge(word: str) -> str:
    """Return a state's word as HTML, colored by how good the news is."""
    return format_html('<span class="state {}">{}</span>', TONES.get(word, ""), word) if word else ""


def link(address: str, text: str) -> str:
    """Return a link as HTML, or only `text` if a browser should not open `address`."""
    if not address.startswith(("http://", "https://", "/")):
        return text
    return format_html('<a href="{}">{}</a>', address, text)


def moment(at: datetime | None) -> str:
    """Return `at` in the admin's format, to the second in UTC, or "" for None."""
    return "" if at is None else str(formats.localize(at))


def took(started: datetime | None, ended: datetime | None) -> str:
    """Return how long something took, or has taken so far: `1 h 02 min`, `3 min 20 s`, `4.2 s`."""
    if started is None:
        return ""
    seconds = max(0.0, ((ended or clock.now()) - started).total_seconds())
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"
