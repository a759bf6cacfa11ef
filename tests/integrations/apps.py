"""A GitHub App with a key of its own, for tests that use its installations."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pytest_django import Settings

from apps.github_simulator.testing import GitHubApp, Installation

APP_ID = "4711"


@dataclass(frozen=True, slots=True)
class Key:
    """An RSA key's two halves in PEM."""

    private: str
    public: str


@cache
def key(number: int) -> Key:
    """Return a key, the same for the same number."""
    del number
    made = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    private = made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = made.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return Key(private.decode(), public.decode())


def app(*installations: Installation, **more: Any) -> GitHubApp:
    """Return a simulated app that knows the first key."""
    return GitHubApp(app_id=APP_ID, slug="syncer", public_key=key(0).public, installations=installations, **more)


def configure(settings: Settings, url: str, *, number: int = 0) -> None:
    """Let the settings name the app at `url`, with the key of that number."""
    settings.SYNCTRACE_API_URLS = [url]
    settings.SYNCTRACE_GITHUB_APP_ID = APP_ID
    settings.SYNCTRACE_GITHUB_APP_PRIVATE_KEY = key(number).private
