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

    import telemetry
    from apps.config.local_servers import servers_for
    from apps.embedded import EmbeddedServerError
    from telemetry.settings import InvalidSettingError

    try:
        with servers_for(sys.argv):
            telemetry.configure()  # lines to the file alone: a command's output is its own
            execute_from_command_line(sys.argv)
    except (ImproperlyConfigured, InvalidSettingError, EmbeddedServerError) as error:
        sys.exit(f"manage.py: {error}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:  # at any moment, also while it starts
        sys.stderr.write("\nmanage.py: stopped\n")
        sys.exit(128 + signal.SIGINT)
    except BrokenPipeError:  # whoever read our output has seen enough: `manage.py logs 7 | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing is left to fail at exit
        sys.exit(128 + signal.SIGPIPE)
