"""Settings for commands that only read, without pages and tasks, which take most of the start-up time."""

from __future__ import annotations

from apps.config.settings import *  # noqa: F403  # everything except what follows
from apps.config.settings import DATABASES, INSTALLED_APPS

_READ = ("apps.utils", "apps.teams", "apps.repositories", "apps.integrations", "apps.pulls", "apps.console")
INSTALLED_APPS = [app for app in INSTALLED_APPS if app in _READ]
_LONGEST_CONNECT_SEC = 2  # readers also have this home's files, and must not wait for a missing database
DATABASES["default"]["OPTIONS"]["connect_timeout"] = _LONGEST_CONNECT_SEC
