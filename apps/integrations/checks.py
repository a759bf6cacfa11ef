"""Check the settings of a GitHub App, for `manage.py check` and every command that runs checks first."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from apps.integrations.errors import AppRefused
from apps.utils import clock

_KEY = "SYNCTRACE_GITHUB_APP_PRIVATE_KEY"


@register()
def check_github_app(**_: Any) -> list[CheckMessage]:
    """Check that the key, if there is one, can sign, without showing it. The settings themselves check the id."""
    app_id, key = settings.SYNCTRACE_GITHUB_APP_ID, settings.SYNCTRACE_GITHUB_APP_PRIVATE_KEY
    if not key:
        return []
    from apps.integrations.github.app import proof_of  # it loads ciphers, which commands that only read can do without

    try:
        proof_of(app_id, private_key=key, now=clock.now())
    except AppRefused as error:
        hint = "Make a private key on the GitHub App's page, and give the downloaded file's path, or what it holds."
        return [Error(f"{error}: {_KEY} cannot sign.", hint=hint, id="synctrace.E001")]
    return []
