"""Django's command line for synctrace, as manage.py runs it."""

from __future__ import annotations

import gc
import os
import sys
import traceback
from collections.abc import Sequence
from types import TracebackType

from django.core.exceptions import ImproperlyConfigured
from django.core.management import ManagementUtility
from django.core.management.base import BaseCommand
from django.db import OperationalError, ProgrammingError

from apps.config import instrumentation
from apps.config.local_servers import READING, servers_for
from apps.console.terminal.escaping import visible_lines
from apps.console.terminal.printing import with_visible_errors
from apps.embedded import EmbeddedServerError
from telemetry.redaction import redact

_OF_DEMO = {"graphql", "httptools", "starlette"}  # modules from the extra `demo` that an import may lack


def run(arguments: Sequence[str]) -> None:
    """Run the command in `arguments` (as in sys.argv); if it cannot work, exit with code 1 and a sentence."""
    if unreadable := [argument for argument in arguments[1:] if argument != argument.encode("utf-8", "replace").decode()]:
        sys.exit(f"manage.py: {unreadable[0]!r} is not written in UTF-8")
    sys.excepthook = _print_failure
    command = arguments[1] if len(arguments) > 1 else ""
    try:
        with servers_for(arguments):
            if command in READING:
                os.environ["DJANGO_SETTINGS_MODULE"] = "apps.config.reading_settings"
                gc.disable()  # the process ends soon, and collecting amid 100,000 spans takes a while
            else:
                instrumentation.configure()  # lines go only to the file: a command's output is its own
            _Commands(list(arguments)).execute()
    except (ImproperlyConfigured, EmbeddedServerError) as error:
        sys.exit(visible_lines(f"manage.py: {error}"))
    except ModuleNotFoundError as error:
        if error.name not in _OF_DEMO:
            raise
        sys.exit(
            f"manage.py: {arguments[1]} needs {error.name}, of the extra `demo`: run `make demo` once, or the demo image"
        )
    except OperationalError as error:
        if "--traceback" in arguments:
            raise
        failure = f"manage.py: the database cannot be reached, or failed: check DATABASE_URL. It says: {error}"
        sys.exit(visible_lines(failure))
    except ProgrammingError as error:
        from psycopg.errors import UndefinedColumn, UndefinedTable

        if "--traceback" in arguments or not isinstance(error.__cause__, UndefinedTable | UndefinedColumn):
            raise
        sys.exit("manage.py: the database has not all of our tables: run `manage.py migrate`")


class _Commands(ManagementUtility):
    """The commands of manage.py, ours and others'."""

    def fetch_command(self, subcommand: str) -> BaseCommand:
        """Return a command that prints its errors visibly."""
        return with_visible_errors(super().fetch_command(subcommand))


def _print_failure(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
    """Print the traceback of a mistake of ours, without the secrets and control characters that its message may hold."""
    failure = "".join(traceback.format_exception(kind, error, where))
    sys.stderr.write(visible_lines(redact(failure)))
