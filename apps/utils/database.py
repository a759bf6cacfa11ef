"""Recover the database connection after an error in the middle of a statement; log its loss and return."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import psycopg
from django.db import InterfaceError, OperationalError, connection
from django.db.backends.signals import connection_created
from django.dispatch import receiver

from apps import machine_catalog
from telemetry import emit

_CANCEL_SECONDS = 2.0


class _Lost:
    """Since when this process is without its database, in `time.monotonic`."""

    since: float | None = None


def drop_connection(error: BaseException) -> None:
    """Close the connection, so that the next statement opens a new one, and cancel what the server still runs for it.

    Call this when an exception such as a time limit or Ctrl-C has interrupted a statement, or when the server was
    restarted: on the same connection, whatever follows could fail too. `error` is the exception.
    """
    if _Lost.since is None and _is_loss(error):
        _Lost.since = time.monotonic()
        emit(machine_catalog.DatabaseLost(error=str(error).strip()))
    if connection.connection is not None:
        with suppress(psycopg.Error):  # nothing was running, or there is no server
            connection.connection.cancel_safe(timeout=_CANCEL_SECONDS)
    connection.close()


def _is_loss(error: BaseException) -> bool:
    """Return whether `error` means that the server is away, not that it refused a statement or was too slow."""
    at_hand = connection.connection
    return isinstance(error, (OperationalError, InterfaceError)) and (at_hand is None or bool(at_hand.closed))


@receiver(connection_created)
def _log_return(**_: Any) -> None:
    since, _Lost.since = _Lost.since, None
    if since is not None:
        emit(machine_catalog.DatabaseBack(away_sec=round(time.monotonic() - since, 3)))
