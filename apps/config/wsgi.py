"""The web application for a WSGI server: `gunicorn apps.config.wsgi`."""

from __future__ import annotations

import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apps.config.settings")

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

from apps.config import environment, instrumentation
from apps.config.booting import give_up

try:
    environment.require_servers()
    instrumentation.configure(stream=sys.stdout)
    application = get_wsgi_application()
except ImproperlyConfigured as error:
    give_up(error)
