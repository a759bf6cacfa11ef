"""What is known of an error from its code alone, as rows and lines keep it."""

from __future__ import annotations

from apps.integrations.errors.base import SyncError


def advice_for(error_type: str) -> str | None:
    """Return what to do about an error known only by its code, or None if the code is not ours."""
    return next((kind.advice for kind in _kinds() if kind.error_type == error_type), None)


def passing_types() -> frozenset[str]:
    """Return the codes of errors that may pass by themselves, so that the same work may succeed later."""
    return frozenset(kind.error_type for kind in _kinds() if kind.retryable)


def _kinds() -> list[type[SyncError]]:
    """Return every class of error, each before its subclasses."""
    kinds = [SyncError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    return kinds
