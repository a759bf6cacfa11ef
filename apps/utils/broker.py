"""Sending messages to a broker that may be away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kombu.exceptions import OperationalError


@contextmanager
def publishing() -> Iterator[None]:
    """Publish a message inside; whatever Kombu raises where the broker is away becomes its `OperationalError`.

    A channel that Kombu closed when it lost the connection has none any more: once, it fails with an AttributeError.
    """
    try:
        yield
    except AttributeError as error:
        raise OperationalError(f"The connection to the broker is gone: {error}") from error
