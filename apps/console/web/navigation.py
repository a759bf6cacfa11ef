"""The pages that every page leads to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

_PAGES = (("home", "Home"), ("runs", "Runs"), ("accounts", "Accounts"), ("system", "System"))
_WITHIN: Mapping[str, str] = {"run": "runs", "run_time": "runs", "cancel": "runs", "resume": "runs"}


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Return the pages, and which of them the request is within."""
    match = request.resolver_match
    name = match.url_name if match is not None else None
    return {"navigation": _PAGES, "section": _WITHIN.get(name or "", name)}
