"""The ids in a W3C `traceparent` (https://www.w3.org/TR/trace-context-2/#traceparent-header)."""

from __future__ import annotations

import re
from typing import overload

_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")  # all zeros is not an id


@overload
def trace_id_of(traceparent: str) -> str: ...
@overload
def trace_id_of(traceparent: None) -> None: ...
@overload
def trace_id_of(traceparent: str | None) -> str | None: ...
def trace_id_of(traceparent: str | None) -> str | None:
    """Return the trace id in a `traceparent`, 32 hexadecimal digits; None of none, as outside any span."""
    return None if traceparent is None else parts_of(traceparent)[0]


def parts_of(traceparent: str) -> tuple[str, str, str]:
    """Return trace id, span id and flags in hexadecimal digits; raise ValueError for anything else."""
    match = _TRACEPARENT.fullmatch(traceparent)
    if match is None:
        raise ValueError(f"{traceparent!r} is not a traceparent: 00-<32 hex>-<16 hex>-<2 hex>")
    return match[1], match[2], match[3]
