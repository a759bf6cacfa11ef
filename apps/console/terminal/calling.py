"""How people call the commands of manage.py."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from django.conf import settings


def call_of(command: str) -> str:
    """Return how to call `command` from where this one was called, with this Python if `python` is a different one."""
    python, here = Path(sys.executable), Path.cwd()
    shown = shlex.quote(str(python.relative_to(here) if python.is_relative_to(here) else python))
    prefix: str = settings.SYNCTRACE_COMMAND
    return f"{prefix.replace('python ', f'{shown} ', 1) if prefix.startswith('python ') else prefix} {command}"
