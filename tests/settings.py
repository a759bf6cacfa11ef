"""The application's own settings, on a home that no test shares with a person.

The environment is set before the application reads it, and every program that a test starts inherits it.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

if "PYTEST_XDIST_WORKER" not in os.environ:
    _home = tempfile.mkdtemp(prefix="synctrace-tests-")
    atexit.register(shutil.rmtree, _home, ignore_errors=True)
    os.environ["SYNCTRACE_HOME"] = _home
for _name in ("DATABASE_URL", "CELERY_BROKER_URL", "SYNCTRACE_DEBUG", "SYNCTRACE_ALLOWED_HOSTS", "GITHUB_TOKEN"):
    os.environ.pop(_name, None)

from apps.config.settings import *  # noqa: E402, F403 - only once the home is set

SYNCTRACE_HAS_DATABASE = True  # the fixtures name it later
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # fast, which is all that tests need
