"""The root of the error tree, and how errors are put into words."""

from __future__ import annotations

from typing import ClassVar

from apps.utils.text import storable
from telemetry.redaction import redact


class SyncError(Exception):
    """A sync could not do what it was asked to do."""

    error_type: ClassVar[str] = "sync_error"
    retryable: ClassVar[bool] = False
    advice: str = "Run it again; if it fails the same way, look at its trace."

    def in_full(self) -> str:
        """Return what happened and what to do, in sentences for a person."""
        return sentences(message_of(self), self.advice)


def message_of(error: BaseException) -> str:
    """Return what `error` says, fit to store and show: a server may repeat what we sent, secrets included."""
    return storable(redact(str(error)))


def sentences(message: str, advice: str) -> str:
    """Return `message` as a sentence, followed by `advice`."""
    return f"{message.rstrip('. ')}. {advice}"
