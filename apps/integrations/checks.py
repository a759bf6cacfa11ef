"""What is wrong with the settings of a GitHub App, for `manage.py check` and every command that checks first."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from apps.integrations.errors import AppRefused
from apps.utils import clock

_ID, _KEY = "SYNCTRACE_GITHUB_APP_ID", "SYNCTRACE_GITHUB_APP_PRIVATE_KEY"


@register()
def check_github_app(**_: Any) -> list[CheckMessage]:
    """Require both an id and a key that can sign, or neither; the key is in no message."""
    app_id, key = settings.SYNCTRACE_GITHUB_APP_ID, settings.SYNCTRACE_GITHUB_APP_PRIVATE_KEY
    if not app_id and not key:
        return []
    from apps.integrations.github.app import proof_of  # it loads ciphers, which commands that only read do without

    if not app_id or not key:
        missing, there = (_KEY, _ID) if app_id else (_ID, _KEY)
        hint = f"Set {missing} to that of the same GitHub App, or unset {there}."
        return [Error(f"{there} is set, and {missing} is not.", hint=hint, id="synctrace.E001")]
    try:
        proof_of(app_id, private_key=key, now=clock.now())
    except AppRefused as error:
        hint = "Make a private key on the GitHub App's page, and give the downloaded file's path, or what it holds."
        return [Error(f"{error}: {_KEY} cannot sign.", hint=hint, id="synctrace.E002")]
    return []
