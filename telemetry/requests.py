"""Make a span of each call of requests, and send our trace context only to hosts on the list.

Builds on opentelemetry-instrumentation-requests.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from opentelemetry import propagate
from opentelemetry.trace import Span

from telemetry._extras import not_installed
from telemetry._spans import propagation

try:
    import wrapt
    from opentelemetry.instrumentation.requests import RequestsInstrumentor
    from requests import PreparedRequest
except ModuleNotFoundError as error:
    raise not_installed(__name__, "requests", error) from None

__all__ = ["instrument"]


def instrument(propagate_to: frozenset[str]) -> None:
    """Make every call of requests a span; send `traceparent` and baggage only to the hosts in `propagate_to`."""
    propagation.install()
    instrumentor = RequestsInstrumentor()
    if instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.uninstrument()  # an earlier instrumentor does not have our hook

    def is_outside(request: PreparedRequest) -> bool:
        try:
            return (urlsplit(request.url or "").hostname or "").lower() not in propagate_to
        except ValueError:  # requests itself raises an error for such an address
            return True

    def hook(_span: Span, request: PreparedRequest) -> None:
        if is_outside(request):
            propagation.leaves(request.headers)  # the instrumentor injects into these headers next

    def redirected(wrapped: Callable[..., Any], _session: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Drop our context on a redirect where requests drops a password, which another host must not get."""
        request: PreparedRequest = args[0] if args else kwargs["prepared_request"]
        if is_outside(request):
            for name in propagate.get_global_textmap().fields:
                request.headers.pop(name, None)
        return wrapped(*args, **kwargs)

    options: dict[str, Any] = {"request_hook": hook}
    instrumentor.instrument(**options)
    wrapt.wrap_function_wrapper("requests.sessions", "SessionRedirectMixin.rebuild_auth", redirected)
