"""Start embedded servers for the commands of manage.py when the environment names none."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence

import django

from apps.config import environment
from apps.embedded import Servers, running_servers, servers

READING = frozenset({"explain", "logs", "runs", "telemetry", "trace"})
"""Commands that only read: they use running servers and start none."""
_WITHOUT_SERVERS = {"catalog", "github_simulator", "help", "version"}
_ABOUT_THE_SCHEMA = {"migrate", "makemigrations", "showmigrations", "sqlmigrate", "squashmigrations"}
_ONE_AT_A_TIME = 7_305_118  # our key among PostgreSQL's advisory locks


@contextlib.contextmanager
def servers_for(arguments: Sequence[str]) -> Iterator[None]:
    """Give the command in `arguments` (as in sys.argv) a database, with its tables, and a broker.

    Do nothing for a command that needs none, or if DATABASE_URL and CELERY_BROKER_URL are set. Otherwise run embedded
    servers on SYNCTRACE_HOME, shared with other commands there, and set both variables, so that Django, Celery and
    every process started from here use them. A command that only reads gets them only if they are already running.
    """
    environment.read()
    command = arguments[1] if len(arguments) > 1 else "help"
    asks_for_help = not {"-h", "--help", "--version"}.isdisjoint(arguments)
    if command in _WITHOUT_SERVERS or asks_for_help or environment.has_servers():
        yield
    elif command in READING:
        with running_servers(home=environment.home()) as running:
            if running is not None:
                _name(running)
            yield
    else:
        with servers(home=environment.home()) as running:
            _name(running)
            django.setup()
            if command not in _ABOUT_THE_SCHEMA:
                _migrate()
            yield
            _disconnect()


def _name(running: Servers) -> None:
    os.environ.update(DATABASE_URL=running.database_url, CELERY_BROKER_URL=running.broker_url, SYNCTRACE_EMBEDDED="1")


def _migrate() -> None:
    """Create missing tables, in one process at a time: two commands may start on a new home together."""
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor  # slow to import, and not for reading

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_ONE_AT_A_TIME])
        try:
            executor = MigrationExecutor(connection)
            if executor.migration_plan(executor.loader.graph.leaf_nodes()):
                call_command("migrate", verbosity=0, interactive=False)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_ONE_AT_A_TIME])


def _disconnect() -> None:
    from django.db import connection

    connection.close()
