"""The settings under test: the application's own, on a home that no test shares with a person.

Set before the application reads them, and inherited by every program that a test starts.
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

from apps.config.settings import *  # noqa: E402, F403 - after the home is named

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # made for speed, in tests only
