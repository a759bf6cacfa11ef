"""The pages that every page links to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

_PAGES = (
    ("home", "Home"),
    ("runs", "Runs"),
    ("repositories", "Repositories"),
    ("teams", "Teams"),
    ("accounts", "Accounts"),
    ("connect", "Connect"),
    ("system", "System"),
)
_WITHIN: Mapping[str, str] = {
    **dict.fromkeys(("run", "run_time", "compare", "cancel", "resume"), "runs"),
    **dict.fromkeys(("repository", "pull_requests"), "repositories"),
    **dict.fromkeys(("team", "promise"), "teams"),
    "demo": "home",
    **dict.fromkeys(("connection", "token", "remove", "github_app"), "connect"),
}


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Return the pages, and which one the request is within."""
    match = request.resolver_match
    name = match.url_name if match is not None else None
    return {"navigation": _PAGES, "section": _WITHIN.get(name or "", name)}
