"""The part of Jaeger's HTTP API that reading traces needs."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import orjson

from telemetry._decoding import Span, Values, spans_in

NAME = "span.name"
"""The attribute that keeps a span's own name where a collector has renamed it for Jaeger's pages."""

_MOST = 10_000  # the most traces that a search returns
_TIMEOUT_SECONDS = 30
_NOT_FOUND = 404


def _named(span: Span) -> Span:
    """Return the span with its own name restored."""
    name = span.attributes.get(NAME)
    if not isinstance(name, str):
        return span
    attributes = Values({key: value for key, value in span.attributes.items() if key != NAME})
    return replace(span, name=name, attributes=attributes)


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


class JaegerError(Exception):
    """Jaeger cannot be reached, or answers something other than traces."""


class JaegerClient:
    """Asks Jaeger at `url` about one service's traces; a search goes back `hours`."""

    def __init__(self, url: str, *, service: str, hours: float) -> None:
        if not _is_web_address(url):
            raise ValueError(f"{url!r} is not an address of Jaeger: give one like http://localhost:16686")
        self._url, self._service, self._hours = url.rstrip("/"), service, hours

    def trace(self, trace_id: str) -> list[Span]:
        """Return the trace's spans as Jaeger has them, some perhaps twice; none if it does not know the trace."""
        answer = self._get(f"/api/v3/traces/{quote(trace_id, safe='')}")
        try:
            return [] if answer is None else [_named(span) for span in spans_in(answer["result"])]
        except (KeyError, TypeError) as error:
            raise JaegerError(f"{self._url} is not Jaeger: its answer has no traces") from error

    def search(self, tags: Mapping[str, Sequence[str]]) -> set[str]:
        """Return the ids of traces with a span that has, for each of these tags, one of the given values.

        Uses the search page's own API: `/api/v3/traces` of Jaeger 2.13 ignores attributes.
        """
        end = time.time()
        window = {"start": int((end - self._hours * 3600) * 1e6), "end": int((end + 60) * 1e6), "limit": _MOST}
        found: set[str] = set()
        for values in product(*tags.values()):
            wanted = orjson.dumps(dict(zip(tags, values, strict=True))).decode()
            answer = self._get("/api/traces", service=self._service, tags=wanted, **window)
            try:
                found |= {str(trace["traceID"]).zfill(32) for trace in (answer or {"data": []})["data"] or []}
            except (KeyError, TypeError) as error:
                raise JaegerError(f"{self._url} is not Jaeger: its answer has no traces") from error
        return found

    def _get(self, path: str, **parameters: str | int) -> Any:
        """Return the answer's JSON; None for 404."""
        from http.client import HTTPException  # reading files alone need not wait for these
        from urllib.error import HTTPError, URLError
        from urllib.request import Request, urlopen

        query = f"?{urlencode(parameters)}" if parameters else ""
        try:
            with urlopen(Request(f"{self._url}{path}{query}"), timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310  # checked
                return orjson.loads(answer.read())
        except HTTPError as error:
            with error:
                if error.code == _NOT_FOUND:
                    return None
            raise JaegerError(f"{self._url} answers {error.code} to {path}") from error
        except (URLError, OSError, HTTPException) as error:
            raise JaegerError(f"{self._url} cannot be reached: start Jaeger there, or name another address") from error
        except orjson.JSONDecodeError as error:
            raise JaegerError(f"{self._url} is not Jaeger: its answer is not JSON") from error
