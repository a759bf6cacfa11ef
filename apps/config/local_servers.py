"""Start embedded servers for the commands of manage.py when the environment names none."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence

import django
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from apps.config import environment
from apps.embedded import servers

_WITHOUT_SERVERS = {"catalog", "github_simulator", "help", "version"}
_ABOUT_THE_SCHEMA = {"migrate", "makemigrations", "showmigrations", "sqlmigrate", "squashmigrations"}
_ONE_AT_A_TIME = 7_305_118  # our key among PostgreSQL's advisory locks


@contextlib.contextmanager
def servers_for(arguments: Sequence[str]) -> Iterator[None]:
    """Give the command in `arguments` (as in sys.argv) a database, with its tables, and a broker.

    Do nothing for a command that needs none, or when DATABASE_URL and CELERY_BROKER_URL are set. Otherwise run
    embedded servers on SYNCTRACE_HOME, shared with other commands there, and set both variables, so that Django,
    Celery and every process started from here use them.
    """
    environment.read()
    command = arguments[1] if len(arguments) > 1 else "help"
    asks_for_help = not {"-h", "--help", "--version"}.isdisjoint(arguments)
    if command in _WITHOUT_SERVERS or asks_for_help or environment.has_servers():
        yield
        return
    with servers(home=environment.home()) as running:
        os.environ.update(DATABASE_URL=running.database_url, CELERY_BROKER_URL=running.broker_url, SYNCTRACE_EMBEDDED="1")
        django.setup()
        if command not in _ABOUT_THE_SCHEMA:
            _migrate()
        yield
        connection.close()


def _migrate() -> None:
    """Create what tables are missing, in one process at a time: two commands may start on a new home together."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_ONE_AT_A_TIME])
        try:
            executor = MigrationExecutor(connection)
            if executor.migration_plan(executor.loader.graph.leaf_nodes()):
                call_command("migrate", verbosity=0, interactive=False)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_ONE_AT_A_TIME])
