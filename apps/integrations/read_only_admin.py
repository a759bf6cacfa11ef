"""Rows that only the sync may write, in Django's admin: to look at, to filter and to follow."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html

from apps.utils import clock

_TONES: Mapping[str, str] = {
    "running": "busy",
    "retrying": "warn",
    "waiting": "warn",
    "completed": "good",
    "synced": "good",
    "archived": "good",
    "renamed": "good",
    "failed": "bad",
    "gone": "bad",
    "forbidden": "bad",
    "OPEN": "busy",
    "MERGED": "good",
}


class _ReadOnly:
    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nobody adds one by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nobody changes one by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nobody deletes one by hand, neither here nor with what it belongs to."""
        return False


class ReadOnlyAdmin(_ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # Django has them not at run time
    """A list and a page a row; newest first, without counting a large table twice."""

    ordering: ClassVar[list[Any] | tuple[Any, ...] | None] = ("-pk",)
    list_per_page = 50
    show_full_result_count = False

    class Media:
        css = {"all": ("integrations/admin.css",)}


class ReadOnlyInline(_ReadOnly, admin.TabularInline):  # type: ignore[type-arg]  # as above
    """The rows that belong to another, on its page."""

    extra = 0
    can_delete = False


def badge(word: str) -> str:
    """The word of a state, in the colour of how good the news is."""
    return format_html('<span class="state {}">{}</span>', _TONES.get(word, ""), word) if word else ""


def link(address: str, text: str) -> str:
    """A link; the text alone where there is no address that a browser should open."""
    if not address.startswith(("http://", "https://", "/")):
        return text
    return format_html('<a href="{}">{}</a>', address, text)


def took(started: datetime | None, ended: datetime | None) -> str:
    """How long it took, or takes so far: ``1 h 02 min``, ``3 min 20 s``, ``4.2 s``."""
    if started is None:
        return ""
    seconds = max(0.0, ((ended or clock.now()) - started).total_seconds())
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"
