"""Make a span of each request to Django, under WSGI and ASGI, until a streamed response is closed.

Each is the root of a trace of our own, linked to the caller's span if it names one: anybody can send a `traceparent`, and
joining it would let outsiders choose our sampling and mix our traces with theirs. A caller whose address is in the networks
of `TRUST_FROM` is believed, and its trace is continued. What counts is the address at the other end of the connection as the
web server has it, for no header proves anything. Behind a proxy that is the proxy's, which must then drop the `traceparent`
of others; a server that believes what a proxy forwards (uvicorn does from 127.0.0.1, unless started with
`--no-proxy-headers`) has the address that the proxy names.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from telemetry import _health
from telemetry._extras import not_installed

try:
    import django as _installed  # noqa: F401  # used once it serves
    import wrapt
except ModuleNotFoundError as error:
    raise not_installed(__name__, "django", error) from None

from telemetry._django.asgi import as_a_whole
from telemetry.settings import TelemetrySettings

if TYPE_CHECKING:
    from telemetry._django.request_spans import RequestSpans

__all__ = ["RequestSpans", "instrument"]

_MIDDLEWARE = "telemetry.django.RequestSpans"


class _State:
    is_hooked = False


def __getattr__(name: str) -> Any:
    """Return the middleware `RequestSpans` on first use, since it needs Django."""
    if name != "RequestSpans":
        raise AttributeError(name)
    from telemetry._django import request_spans

    return request_spans.RequestSpans


def instrument(settings: TelemetrySettings | None = None) -> None:
    """Make spans of Django's requests once this process serves any, except requests to excluded addresses.

    It waits until then because Django's settings may be half read now, and other processes need none of it. Our
    middleware is the outermost unless `MIDDLEWARE` has `telemetry.django.RequestSpans` elsewhere. `settings` are those
    of the environment unless given.
    """
    if _State.is_hooked:
        return
    _State.is_hooked = True
    settings = settings or TelemetrySettings.from_environment()

    def load_middleware(wrapped: Callable[..., Any], _handler: Any, args: Any, options: Any) -> Any:
        _prepare(settings)
        return wrapped(*args, **options)

    def base_is_there(handlers: ModuleType) -> None:
        wrapt.wrap_function_wrapper(handlers, "BaseHandler.load_middleware", load_middleware)

    def asgi_is_there(handlers: ModuleType) -> None:
        handlers.ASGIHandler.__call__ = as_a_whole(handlers.ASGIHandler.__call__)

    wrapt.register_post_import_hook(base_is_there, "django.core.handlers.base")
    wrapt.register_post_import_hook(asgi_is_there, "django.core.handlers.asgi")


@_health.guarded
def _prepare(settings: TelemetrySettings) -> None:
    from django.conf import settings as of_django  # the settings are complete by now

    from telemetry._django import request_spans

    module = sys.modules.get("opentelemetry.instrumentation.django")  # an active instrumentation has been imported
    if module is not None and module.DjangoInstrumentor().is_instrumented_by_opentelemetry:
        module.DjangoInstrumentor().uninstrument()
    request_spans.choose(trust_from=settings.trust_from, excluded_urls=settings.excluded_urls)
    if _MIDDLEWARE not in of_django.MIDDLEWARE:
        of_django.MIDDLEWARE = [_MIDDLEWARE, *of_django.MIDDLEWARE]
