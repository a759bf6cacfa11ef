"""A page: what it reads for its viewer, and the part of it that changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, QueryDict
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django.utils.safestring import SafeString

from apps.console.web.sight import Sight
from apps.utils.times_in_text import times_marked


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A view that only reads; `read` is called with the viewer's sight, the query and what the address names.

    If that may take long, `read_at_once` is called for the page itself, and what it leaves out follows. The template
    shows `part` as `{{ live }}`. Open pages are sent the part alone, which is the same for everyone with the same
    sight. Sentences that may contain a time go through the filter `timed`.
    """

    template: str
    part: str
    read: Callable[..., Mapping[str, Any]]
    read_at_once: Callable[..., Mapping[str, Any]] | None = None

    def __call__(self, request: HttpRequest, **named: Any) -> HttpResponse:
        """Answer with the page, or with only its part if the page asks for that."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        with times_marked():
            context = _context(self.read_at_once or self.read, Sight.of(request.user), request.GET, named)
            live = self._part(context)
            if "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers:
                response = HttpResponse(live)
            else:
                response = render(request, self.template, {**context, "live": live, "version": version_of(live)})
        patch_vary_headers(response, ["HX-Request"])
        response.headers["Cache-Control"] = "no-store"  # the next person at this browser may be somebody else
        response.headers["X-Part-Version"] = version_of(live)
        return response

    def changing(self, sight: Sight, query: QueryDict, named: Mapping[str, Any]) -> SafeString:
        """Return the part that changes, as HTML."""
        with times_marked():
            return self._part(_context(self.read, sight, query, named))

    def _part(self, context: dict[str, Any]) -> SafeString:
        return render_to_string(self.part, context)


def _context(
    read: Callable[..., Mapping[str, Any]], sight: Sight, query: QueryDict, named: Mapping[str, Any]
) -> dict[str, Any]:
    return {"sight": sight, **read(sight, query, **named)}


def version_of(html: str) -> str:
    """Return a version that identifies the state of a part."""
    return blake2b(html.encode(), digest_size=8).hexdigest()
