"""Send messages to a broker that may be away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kombu.exceptions import OperationalError


@contextmanager
def publishing() -> Iterator[None]:
    """Publish a message in the block; whatever Kombu raises while the broker is away becomes its `OperationalError`.

    A channel that Kombu closed on losing the connection fails once with an AttributeError.
    """
    try:
        yield
    except AttributeError as error:
        raise OperationalError(f"The connection to the broker is gone: {error}") from error
