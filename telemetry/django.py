"""Requests to Django are spans, each the root of a trace of our own, linked to the caller's span if it names one.

Anybody can send a ``traceparent``: joining it would let outsiders choose our sampling and mix our traces with theirs.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

import wrapt
from opentelemetry.trace import Span

from telemetry._spans import propagation

if TYPE_CHECKING:
    from django.http import HttpRequest

__all__ = ["instrument"]

_HEALTH_CHECKS = "/healthz$"
_EXCLUDED = ("OTEL_PYTHON_DJANGO_EXCLUDED_URLS", "OTEL_PYTHON_EXCLUDED_URLS")


def instrument() -> None:
    """Django's requests are spans as soon as this process serves any; health checks are not, unless the environment says
    which requests are left out.

    Not before: the settings may be half read now, and other processes need none of it.
    """
    propagation.install()
    wrapt.register_post_import_hook(_handlers_are_there, "django.core.handlers.base")


def _handlers_are_there(handlers: ModuleType) -> None:
    wrapt.wrap_function_wrapper(handlers, "BaseHandler.load_middleware", _load_middleware)


class _State:
    instrumented = False


def _load_middleware(wrapped: Callable[..., Any], _handler: Any, args: Any, kwargs: Any) -> Any:
    if not _State.instrumented:
        _State.instrumented = True
        _instrument()
    return wrapped(*args, **kwargs)


def _instrument() -> None:
    from opentelemetry.instrumentation.django import DjangoInstrumentor  # it reads Django's settings

    instrumentor = DjangoInstrumentor()
    if instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.uninstrument()  # whoever was first did not know our hook
    options: dict[str, Any] = {"request_hook": _link_caller}
    if not any(name in os.environ for name in _EXCLUDED):
        options["excluded_urls"] = _HEALTH_CHECKS
    instrumentor.instrument(**options)


def _link_caller(span: Span, request: HttpRequest) -> None:
    caller = propagation.caller(request.headers)
    if caller.is_valid:
        span.add_link(caller)
