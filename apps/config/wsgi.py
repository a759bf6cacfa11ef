"""The web application for a WSGI server: `gunicorn apps.config.wsgi`."""

from __future__ import annotations

import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apps.config.settings")

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

from apps.config import environment, instrumentation
from apps.console.terminal.escaping import visible_lines

_CANNOT_BOOT = 3  # at this exit code gunicorn gives up; at any other it starts the same worker again and again

try:
    environment.require_servers()
    instrumentation.configure(stream=sys.stdout)
    application = get_wsgi_application()
except ImproperlyConfigured as error:
    sys.stderr.write(f"{visible_lines(f'web: {error}')}\n")
    sys.exit(_CANNOT_BOOT)
