"""OpenTelemetry spans and structlog lines for Django + Celery, from declarations.

Declare operations and events (`telemetry.model`), open them with `observe`, write them with `emit`; `configure` starts
tracing and logging from the ``OTEL_*`` environment. `telemetry.testing` is the kit for asserting on both.
"""

from telemetry._health import problem, swallowed
from telemetry.lifecycle import emit, observe, span
from telemetry.logs import bind
from telemetry.roots import Root, addressed_to, announce, current_traceparent, finish, reserve, trace_id_of, under
from telemetry.tracing import configure, flush

__all__ = [
    "Root",
    "addressed_to",
    "announce",
    "bind",
    "configure",
    "current_traceparent",
    "emit",
    "finish",
    "flush",
    "observe",
    "problem",
    "reserve",
    "span",
    "swallowed",
    "trace_id_of",
    "under",
]
