"""The private key of a simulated GitHub App: a file, as GitHub's download is one, made where there is none."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)


class AppKeyError(ValueError):
    """A key file cannot be read or made; the message shows nothing of what it holds."""


def public_key_of(file: Path) -> str:
    """Return the public half, in PEM, of the key in `file`, which is made if it does not exist; raises AppKeyError."""
    try:
        if not file.exists():
            _make(file)
        key = load_pem_private_key(file.read_bytes(), password=None)
    except OSError as error:
        raise AppKeyError(f"The app's key {file} cannot be read or made: {error.strerror}.") from error
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise AppKeyError(f"{file} holds no RSA key in PEM: name a file that does not exist, and one is made.")
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _make(file: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as made:
        made.write(pem)
