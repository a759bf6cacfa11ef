"""Faults of PostgreSQL for some repositories alone: a trigger ends the session that writes them, or takes its time.

Which rows were met is counted by sequences, because what a transaction wrote is gone with its session.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection

from tests.rca.scenario import DatabaseFault

_TABLES: Final = {"pull requests": "pulls_pullrequest", "reviews": "pulls_review", "analyses": "analysis_analysis"}

_CREATE = """
    CREATE TABLE rca_fault (
        id bigserial PRIMARY KEY, repository_id bigint, at_table text, nth bigint, times bigint, does text, seconds float8
    );
    CREATE FUNCTION rca_strike() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE fault record; met bigint; repository bigint;
    BEGIN
        IF TG_TABLE_NAME = 'pulls_pullrequest' THEN
            repository := NEW.repository_id;
        ELSE
            SELECT repository_id INTO repository FROM pulls_pullrequest WHERE id = NEW.pull_request_id;
        END IF;
        FOR fault IN SELECT * FROM rca_fault WHERE repository_id = repository AND at_table = TG_TABLE_NAME LOOP
            met := nextval('rca_met_' || fault.id);
            IF met >= fault.nth AND met < fault.nth + fault.times THEN
                IF fault.does = 'terminate' THEN
                    PERFORM pg_terminate_backend(pg_backend_pid());
                    PERFORM pg_sleep(1);
                ELSE
                    PERFORM pg_sleep(fault.seconds);
                END IF;
            END IF;
        END LOOP;
        RETURN NEW;
    END $$;
"""
_ON_TABLE = "CREATE TRIGGER rca_strike BEFORE INSERT ON {} FOR EACH ROW EXECUTE FUNCTION rca_strike();"
_DROP = "DROP FUNCTION IF EXISTS rca_strike() CASCADE; DROP TABLE IF EXISTS rca_fault CASCADE;"
_ADD = (
    "INSERT INTO rca_fault (repository_id, at_table, nth, times, does, seconds) VALUES (%s, %s, %s, %s, %s, %s) RETURNING id"
)


@contextmanager
def database_faults() -> Iterator[None]:
    """Let `add_database_faults` have an effect in the block."""
    with connection.cursor() as cursor:
        cursor.execute(_DROP + _CREATE + "".join(_ON_TABLE.format(table) for table in _TABLES.values()))
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(_DROP)


def add_database_faults(faults: Iterable[tuple[DatabaseFault, int]]) -> dict[int, int]:
    """Strike from now on whoever writes rows of these repositories; return from which row on, by each fault's number."""
    added = {}
    with connection.cursor() as cursor:
        for fault, repository_id in faults:
            cursor.execute(_ADD, (repository_id, _TABLES[fault.table], fault.nth, fault.times, fault.does, fault.seconds))
            number = int(cursor.fetchone()[0])
            cursor.execute(f"CREATE SEQUENCE rca_met_{number} OWNED BY rca_fault.id")
            added[number] = fault.nth
    return added


def met(number: int) -> int:
    """Return how many rows have met the fault of that number."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM rca_met_{number}")  # noqa: S608
        return int(cursor.fetchone()[0])
