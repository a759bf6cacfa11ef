"""End a web server whose application cannot start, instead of letting it restart the same worker forever."""

from __future__ import annotations

import sys
from typing import Final, NoReturn

from django.core.exceptions import ImproperlyConfigured

from apps.console.terminal.escaping import visible_lines

_CANNOT_BOOT: Final = 3
"""The worker exit code at which gunicorn and uvicorn end; at any other they start the next worker at once."""


def give_up(error: ImproperlyConfigured) -> NoReturn:
    """Print what is wrong with a setting, and exit."""
    sys.stderr.write(f"{visible_lines(f'web: {error}')}\n")
    sys.exit(_CANNOT_BOOT)
