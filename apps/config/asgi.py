"""The web application for an ASGI server, whose pages update themselves: `uvicorn apps.config.asgi:application`."""

from __future__ import annotations

import os
import sys
import warnings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apps.config.settings")

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.exceptions import ImproperlyConfigured

from apps.config import environment, instrumentation
from apps.config.booting import give_up

# Static files are read synchronously in threads, which Django warns about.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators", category=Warning)

try:
    environment.require_servers()
    settings.DATABASES["default"]["CONN_MAX_AGE"] = 0  # each request has a thread of its own
    instrumentation.configure(stream=sys.stdout)
    application = get_asgi_application()
except ImproperlyConfigured as error:
    give_up(error)
