"""The web application for a WSGI server: `gunicorn apps.config.wsgi`."""

from __future__ import annotations

import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apps.config.settings")

from django.core.wsgi import get_wsgi_application

import telemetry
from apps.config import environment

environment.require_servers()
telemetry.configure(stream=sys.stdout)
application = get_wsgi_application()
