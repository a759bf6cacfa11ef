"""OpenTelemetry spans and structlog lines for Django and Celery, from declarations.

Declare operations and events (`telemetry.model`), open them with `observe`, write them with `emit`; `configure` starts
tracing and logging from the `OTEL_*` environment. `telemetry.testing` is the kit for asserting on both.
"""

from typing import TYPE_CHECKING

from telemetry._lazy import names_from

if TYPE_CHECKING:
    from telemetry._boundary import message_of, visible, visible_json
    from telemetry._decorator import observed
    from telemetry._health import problem, swallowed
    from telemetry._lines.context import bind, bound
    from telemetry._lines.writing import add_trace_ids, write_line
    from telemetry._measuring import measure
    from telemetry._outcomes import OutcomeMissing, error_type, treat_as
    from telemetry._past import record
    from telemetry._spans.provider import flush
    from telemetry._spans.traceparent import current_traceparent
    from telemetry._traceparent import trace_id_of
    from telemetry._undeclared import span
    from telemetry.lifecycle import Observed, emit, observe
    from telemetry.roots import Root
    from telemetry.setup import configure, open_spans

__all__ = [
    "Observed",
    "OutcomeMissing",
    "Root",
    "add_trace_ids",
    "bind",
    "bound",
    "configure",
    "current_traceparent",
    "emit",
    "error_type",
    "flush",
    "measure",
    "message_of",
    "observe",
    "observed",
    "open_spans",
    "problem",
    "record",
    "span",
    "swallowed",
    "trace_id_of",
    "treat_as",
    "visible",
    "visible_json",
    "write_line",
]

if not TYPE_CHECKING:
    __getattr__ = names_from(
        __name__,
        {
            "Observed": "lifecycle",
            "OutcomeMissing": "_outcomes",
            "Root": "roots",
            "add_trace_ids": "_lines.writing",
            "bind": "_lines.context",
            "bound": "_lines.context",
            "configure": "setup",
            "current_traceparent": "_spans.traceparent",
            "emit": "lifecycle",
            "error_type": "_outcomes",
            "flush": "_spans.provider",
            "measure": "_measuring",
            "message_of": "_boundary",
            "observe": "lifecycle",
            "observed": "_decorator",
            "open_spans": "setup",
            "problem": "_health",
            "record": "_past",
            "span": "_undeclared",
            "swallowed": "_health",
            "trace_id_of": "_traceparent",
            "treat_as": "_outcomes",
            "visible": "_boundary",
            "visible_json": "_boundary",
            "write_line": "_lines.writing",
        },
    )
    """The module of each public name; type checkers read the imports above instead."""
