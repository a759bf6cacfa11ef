"""What is known of an error by its code alone, as rows and lines keep it."""

from __future__ import annotations

from apps.integrations.errors.base import SyncError


def advice_for(error_type: str) -> str | None:
    """Return what to do about an error of which only the code is known, or None if the code is not one of ours."""
    return next((kind.advice for kind in _kinds() if kind.error_type == error_type), None)


def passing_types() -> frozenset[str]:
    """Return the codes of the errors that may pass by themselves: the same work may succeed later."""
    return frozenset(kind.error_type for kind in _kinds() if kind.retryable)


def _kinds() -> list[type[SyncError]]:
    """Return every kind of error, general ones before their own kinds."""
    kinds = [SyncError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    return kinds
