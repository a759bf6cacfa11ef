"""Ask Jaeger as its users do: for a trace by its id, and for traces by a tag, as its search page does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import orjson
import requests

from telemetry.reading import Span, spans_in

NAME = "span.name"
"""Where the collector keeps a span's own name."""

_MOST = 10_000  # results of a search


def _under_its_own_name(span: Span) -> Span:
    name = str(span.attributes.get(NAME, span.name))
    return replace(span, name=name, attributes={key: value for key, value in span.attributes.items() if key != NAME})


class Jaeger:
    """The API of the Jaeger at `url`, for one `service`."""

    def __init__(self, url: str, *, service: str = "synctrace") -> None:
        self._url = url
        self._service = service
        self._session = requests.Session()

    def trace(self, trace_id: str) -> list[Span]:
        """Return the spans of the trace under their own names, including duplicates; none for an unknown trace."""
        answer = self._get(f"/api/v3/traces/{trace_id}")
        return [] if answer is None else [_under_its_own_name(span) for span in spans_in(answer["result"])]

    def traces(self, trace_ids: Iterable[str]) -> list[Span]:
        """Return the spans of these traces."""
        return [span for trace_id in sorted(set(trace_ids)) for span in self.trace(trace_id)]

    def page(self, trace_id: str) -> Any:
        """Return what Jaeger's page of a trace is made from: its spans under the names shown, with their warnings."""
        answer = self._get(f"/api/traces/{trace_id}")
        return answer["data"][0]

    def search(self, key: str, value: str) -> set[str]:
        """Return the ids of the traces that have a span with this tag.

        By the search page's own API: `/api/v3/traces` of this version takes no attributes.
        """
        tags = orjson.dumps({key: value}).decode()
        answer = self._get("/api/traces", service=self._service, tags=tags, limit=_MOST, lookback="1h")
        return set() if answer is None else {str(trace["traceID"]).zfill(32) for trace in answer["data"]}

    def _get(self, path: str, **parameters: str | int) -> Any:
        """Return the JSON of the answer, or None if it is a 404."""
        answer = self._session.get(f"{self._url}{path}", params=parameters, timeout=30)
        if answer.status_code == requests.codes.not_found:
            return None
        answer.raise_for_status()
        return orjson.loads(answer.content)
