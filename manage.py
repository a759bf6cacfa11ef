#!/usr/bin/env python3
"""Django's command line for synctrace. Without server settings, commands share servers of their own."""

from __future__ import annotations

import os
import signal
import sys


def main() -> None:
    """The command in sys.argv has run; what cannot work is said in a sentence, with exit code 1."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apps.config.settings")
    # after the settings are named
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import OperationalError, ProgrammingError
    from psycopg.errors import UndefinedColumn, UndefinedTable

    from apps.config import instrumentation
    from apps.config.local_servers import servers_for
    from apps.embedded import EmbeddedServerError

    if unreadable := [argument for argument in sys.argv[1:] if argument != argument.encode("utf-8", "replace").decode()]:
        sys.exit(f"manage.py: {unreadable[0]!r} is not written in UTF-8")
    try:
        with servers_for(sys.argv):
            instrumentation.configure()  # lines to the file alone: a command's output is its own
            execute_from_command_line(sys.argv)
    except (ImproperlyConfigured, EmbeddedServerError) as error:
        sys.exit(f"manage.py: {error}")
    except OperationalError as error:
        if "--traceback" in sys.argv:
            raise
        sys.exit(f"manage.py: the database cannot be reached, or failed: check DATABASE_URL. It says: {error}")
    except ProgrammingError as error:
        if "--traceback" in sys.argv or not isinstance(error.__cause__, UndefinedTable | UndefinedColumn):
            raise
        sys.exit("manage.py: the database has not all of our tables: run `manage.py migrate`")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:  # at any moment, also while it starts
        sys.stderr.write("\nmanage.py: stopped\n")
        sys.exit(128 + signal.SIGINT)
    except BrokenPipeError:  # whoever read our output has seen enough: `manage.py logs 7 | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing is left to fail at exit
        sys.exit(128 + signal.SIGPIPE)
