"""Secrets of every shape; each contains the canary, which may be seen nowhere."""

from __future__ import annotations

CANARY = "c4n4ry"

_LONG = CANARY + "0123456789abcdefABCDEF01234567"

SECRETS = [
    f"ghp_{_LONG}",
    f"gho_{_LONG}",
    f"ghu_{_LONG}",
    f"ghs_{_LONG}",
    f"ghr_{_LONG}",
    f"github_pat_11{_LONG}_{_LONG}",
    f"eyJhbGciOiJIUzI1NiJ9.{_LONG}.{_LONG}",
    f"Authorization: Bearer {_LONG}",
    f"authorization: token {_LONG}",
    f"Authorization: Basic {_LONG}==",
    f'{{"Authorization": "Basic {_LONG}=="}}',
    f"https://user:{CANARY}@example.org/path",
    f"postgresql://synctrace:{CANARY}@db:5432/synctrace",
    f"GET /user?access_token={CANARY}&page=2",
    f"access_token%3D{CANARY}%26page%3D2",
    f'{{"access_token": "{CANARY}", "page": 2}}',
    f'"{{\\"client_secret\\": \\"{CANARY}\\"}}"',
    f"client_secret={CANARY}",
    f"{{'client_secret': '{CANARY}'}}",
    f"password={CANARY}",
    f"-----BEGIN RSA PRIVATE KEY-----\nMIIE{CANARY}\n{CANARY}==\n-----END RSA PRIVATE KEY-----",
    f"-----BEGIN OPENSSH PRIVATE KEY-----\n{CANARY}",
]
