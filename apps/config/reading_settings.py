"""The settings of commands that only read: without pages and tasks, which take most of the time that a start takes."""

from __future__ import annotations

from apps.config.settings import *  # noqa: F403  # all but what follows
from apps.config.settings import DATABASES, INSTALLED_APPS

_READ = ("apps.utils", "apps.teams", "apps.repositories", "apps.integrations", "apps.pulls", "apps.console")
INSTALLED_APPS = [app for app in INSTALLED_APPS if app in _READ]
_LONGEST_CONNECT_SEC = 2  # whoever reads has the files of this home too, and does not wait for a database that is away
DATABASES["default"]["OPTIONS"]["connect_timeout"] = _LONGEST_CONNECT_SEC
