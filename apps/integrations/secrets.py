"""Secrets at rest: encrypted with the first of ``SYNCTRACE_ENCRYPTION_KEYS``, read with any of them."""

from __future__ import annotations

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def encrypt(secret: str) -> bytes:
    """``secret`` as it may be stored (Fernet: AES-128-CBC and HMAC-SHA256)."""
    return _fernet().encrypt(secret.encode())


def decrypt(stored: bytes) -> str:
    """The secret that ``encrypt`` stored; a key that does not fit is an error that says what to do."""
    try:
        return _fernet().decrypt(stored).decode()
    except InvalidToken as error:
        raise ImproperlyConfigured(
            "A stored token cannot be read with SYNCTRACE_ENCRYPTION_KEY: add the key it was written with "
            "(several keys are separated by commas, the newest first), or connect the account again."
        ) from error


def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.SYNCTRACE_ENCRYPTION_KEYS])
