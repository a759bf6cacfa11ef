"""The database connection after something went wrong in the middle of a statement."""

from __future__ import annotations

from contextlib import suppress

import psycopg
from django.db import connection

_CANCEL_SECONDS = 2.0


def drop_connection() -> None:
    """The next statement has a connection of its own; what the server was still doing for this one is called off.

    For a statement that an exception has interrupted here, as a time limit does, and for a server that was restarted: what
    follows on the same connection would fail, too.
    """
    if connection.connection is not None:
        with suppress(psycopg.Error):  # nothing was going on, or nobody is there
            connection.connection.cancel_safe(timeout=_CANCEL_SECONDS)
    connection.close()
