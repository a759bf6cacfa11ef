"""Users, bots and organizations, and the ids that everything at GitHub has."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from typing import Literal

WEB = "https://github.com"

ActorType = Literal["User", "Bot", "Organization", "Mannequin"]

_NODE_PREFIX = {"User": "U", "Bot": "BOT", "Organization": "O", "Mannequin": "M"}


def node_id(prefix: str, *parts: object) -> str:
    """An opaque global id in GitHub's manner, the same for the same parts."""
    text = ":".join(str(part) for part in parts)
    return f"{prefix}_{base64.urlsafe_b64encode(text.encode()).decode().rstrip('=')}"


def stable_number(text: str) -> int:
    """A number of nine digits that belongs to this text."""
    return 100_000_000 + zlib.crc32(text.encode()) % 100_000_000


@dataclass(frozen=True, slots=True)
class Actor:
    """A user, bot or organization."""

    login: str
    typename: ActorType = "User"

    @property
    def database_id(self) -> int:
        return stable_number(self.login.lower())

    @property
    def id(self) -> str:
        return node_id(_NODE_PREFIX[self.typename], self.login)

    @property
    def name(self) -> str:
        return self.login

    @property
    def resource_path(self) -> str:
        return f"/apps/{self.login}" if self.typename == "Bot" else f"/{self.login}"

    @property
    def url(self) -> str:
        return WEB + self.resource_path

    @property
    def avatar_url(self) -> str:
        return f"https://avatars.githubusercontent.com/u/{self.database_id}?v=4"


def actor(login: str) -> Actor:
    """The account of this login; GitHub's GraphQL names a bot without its `[bot]`."""
    name = login.removesuffix("[bot]")
    return Actor(name, "User" if name == login else "Bot")
