"""Who watches a run outlives a restart of the database."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from django.db import connection

from apps.console.terminal.watching import read_patiently


@pytest.mark.django_db(transaction=True)
def test_a_lost_connection_to_the_database_is_made_again() -> None:
    """The run goes on on the workers, and so does what is told of it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (own,) = cursor.fetchone()
    parameters: dict[str, Any] = connection.get_connection_params() | {"context": None, "cursor_factory": None}
    with psycopg.connect(**parameters) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [own])
    assert read_patiently("no task").runs == []
