"""Rows that another process is at work on, for tests of what does not wait for them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

_LONG = 10.0


@contextmanager
def locked(rows: QuerySet[Any]) -> Iterator[None]:
    """Keep `rows` locked by another connection inside the block, where waiting for a lock soon fails."""
    is_locked, is_over = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            list(rows.select_for_update())
            is_locked.set()
            is_over.wait(_LONG)
        connection.close()

    other = threading.Thread(target=hold)
    other.start()
    try:
        assert is_locked.wait(_LONG)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '2s'")
        yield
    finally:
        is_over.set()
        other.join()
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")
