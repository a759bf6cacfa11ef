"""The database connection after something went wrong in the middle of a statement."""

from __future__ import annotations

from contextlib import suppress

import psycopg
from django.db import connection

_CANCEL_SECONDS = 2.0


def drop_connection() -> None:
    """Close the connection, so that the next statement opens a new one, and cancel what the server still does for it.

    Call this when an exception has interrupted a statement, as a time limit does, or when the server was restarted: on the
    same connection, whatever follows could fail, too.
    """
    if connection.connection is not None:
        with suppress(psycopg.Error):  # nothing was going on, or nobody is there
            connection.connection.cancel_safe(timeout=_CANCEL_SECONDS)
    connection.close()
