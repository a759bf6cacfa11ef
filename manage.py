#!/usr/bin/env python3
"""Run Django's command line for synctrace; see apps/config/command_line.py. Any Python 3.6 can read this file."""

import gc
import os
import shlex
import signal
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent


def main() -> None:
    """Run the command in sys.argv, or exit with what to run when this Python cannot."""
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever types `python3` gets what their system calls so
        version = ".".join(map(str, sys.version_info[:2]))
        sys.exit(f"manage.py: this is Python {version}, and 3.11 or newer is needed: {remedy()}")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apps.config.settings")
    try:
        from apps.config.command_line import run
    except ModuleNotFoundError as error:
        if error.name is None or (CHECKOUT / error.name.partition(".")[0]).exists():  # a mistake of ours
            raise
        sys.exit(f"manage.py: {sys.executable} has no {error.name}: {remedy()}")
    run(sys.argv)


def remedy() -> str:
    """Return what to do about a Python that cannot run the command."""
    environment = CHECKOUT / ".venv"
    python = environment / "bin" / "python"
    if not python.exists() or Path(sys.prefix).resolve() == environment.resolve():
        return "run `make demo` once, which installs what synctrace needs into .venv"
    command = " ".join(map(shlex.quote, [os.path.relpath(str(python)), *sys.argv]))
    return f"run `{command}`"


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:  # at any moment, even while starting
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a second one waits for nothing
        gc.freeze()  # or the interpreter goes through all its objects to end: half a second of an idle processor
        sys.stderr.write("\nmanage.py: stopped\n")
        sys.exit(128 + signal.SIGINT)
    except BrokenPipeError:  # the reader has seen enough: `manage.py logs 7 | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that nothing fails at exit
        sys.exit(128 + signal.SIGPIPE)
