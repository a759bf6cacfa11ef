"""Encrypt secrets at rest with the first of SYNCTRACE_ENCRYPTION_KEYS, and decrypt or recognize them with any."""

from __future__ import annotations

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.crypto import salted_hmac


def encrypt(secret: str) -> bytes:
    """Return `secret` encrypted (Fernet: AES-128-CBC and HMAC-SHA256)."""
    return _fernet().encrypt(secret.encode())


def decrypt(stored: bytes) -> str:
    """Return the decrypted secret; raise ImproperlyConfigured if no key fits."""
    try:
        return _fernet().decrypt(stored).decode()
    except InvalidToken as error:
        raise ImproperlyConfigured(
            "No key of SYNCTRACE_ENCRYPTION_KEY decrypts a stored token. Add the key it was encrypted with "
            "(several keys are separated by commas, the newest first), or connect the account again."
        ) from error


def fingerprint(secret: str) -> str:
    """Return a fingerprint that does not reveal `secret`: its HMAC-SHA256, with a key derived from the first."""
    return fingerprints(secret)[0]


def fingerprints(secret: str) -> list[str]:
    """Return the secret's fingerprints under every key; it is stored under one of them."""
    keys = settings.SYNCTRACE_ENCRYPTION_KEYS
    return [salted_hmac(__name__, secret, secret=key, algorithm="sha256").hexdigest() for key in keys]


def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.SYNCTRACE_ENCRYPTION_KEYS])
