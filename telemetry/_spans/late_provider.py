"""A span provider that begins with a process's first span, so that the process may fork before.

The parent of Celery's or gunicorn's children has telemetry configured but starts no span: so it has no exporter, no
thread and no handler that runs as it forks (opentelemetry-python #5533). Each child makes its own provider, with its
own process id and instance id, even if the parent has made one.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.trace import Span
from opentelemetry.util.types import Attributes

from telemetry import _health

_NONE = trace.NoOpTracer()


class LateProvider(trace.TracerProvider):
    """Make an SDK provider with `make` when this process first starts a span, and delegate everything to it."""

    def __init__(self, make: Callable[[], TracerProvider]) -> None:
        self._make = make
        self._made: TracerProvider | None = None
        self._added: list[SpanProcessor] = []
        self._tracers: dict[tuple[Any, ...], _LateTracer] = {}
        self._lock = threading.RLock()
        after_fork = weakref.WeakMethod(self._after_fork)
        os.register_at_fork(after_in_child=lambda: (after_fork() or (lambda: None))())

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes | None = None,
    ) -> trace.Tracer:
        """Return a tracer, which costs nothing until it starts a span."""
        scope = (instrumenting_module_name, instrumenting_library_version, schema_url)
        if attributes:
            return _LateTracer(self, (*scope, attributes))
        tracer = self._tracers.get(scope)
        if tracer is None:
            tracer = self._tracers[scope] = _LateTracer(self, scope)
        return tracer

    def made(self) -> TracerProvider:
        """Return this process's SDK provider, making it if there is none yet."""
        made = self._made
        if made is not None:
            return made
        with self._lock:
            if self._made is None:
                made = self._make()
                for processor in self._added:
                    made.add_span_processor(processor)
                self._made = made
            return self._made

    @property
    def resource(self) -> Resource:
        """This process's resource."""
        return self.made().resource

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Let a processor see the spans that start from here on, in this process and in its forked children."""
        with self._lock:
            self._added.append(span_processor)
            if self._made is not None:
                self._made.add_span_processor(span_processor)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Export ended spans; there are none if no span was started."""
        return self._made is None or self._made.force_flush(timeout_millis)

    def shutdown(self) -> None:
        """Stop exporting."""
        if self._made is not None:
            self._made.shutdown()

    def _after_fork(self) -> None:
        self._lock = threading.RLock()
        self._made = None


class _LateTracer(trace.Tracer):
    """A tracer of this process's SDK provider, whichever that is."""

    def __init__(self, provider: LateProvider, scope: tuple[Any, ...]) -> None:
        self._provider, self._scope = provider, scope
        self._made: tuple[TracerProvider | None, trace.Tracer] = (None, _NONE)

    @property
    def tracer(self) -> trace.Tracer:
        """The SDK's tracer, or one that records nothing if no provider can be made."""
        made_by, tracer = self._made
        try:
            provider = self._provider.made()
        except Exception as problem:  # noqa: BLE001  # somebody's sampler or detector: the call is the host's
            _health.problem(problem)
            return _NONE
        if made_by is not provider:
            tracer = provider.get_tracer(*self._scope)
            self._made = provider, tracer
        return tracer

    def start_span(self, *args: Any, **options: Any) -> Span:
        """Start a span."""
        return self.tracer.start_span(*args, **options)

    def start_as_current_span(self, *args: Any, **options: Any) -> Any:
        """Start a span that is the current one inside."""
        return self.tracer.start_as_current_span(*args, **options)
