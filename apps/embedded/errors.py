"""The error of the embedded servers."""

from __future__ import annotations


class EmbeddedServerError(Exception):
    """The embedded servers cannot run here; the message says what to do."""


OWN_SERVERS = "set DATABASE_URL and CELERY_BROKER_URL to servers of your own"
