"""Users, bots and organizations, and the ids that GitHub gives to every object."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from typing import Literal

WEB = "https://github.com"

ActorType = Literal["User", "Bot", "Organization", "Mannequin"]

_NODE_PREFIX = {"User": "U", "Bot": "BOT", "Organization": "O", "Mannequin": "M"}


def node_id(prefix: str, *parts: object) -> str:
    """Return an opaque global id in GitHub's format, always the same for the same parts."""
    text = ":".join(str(part) for part in parts)
    return f"{prefix}_{base64.urlsafe_b64encode(text.encode()).decode().rstrip('=')}"


def stable_number(text: str) -> int:
    """Return a nine-digit number derived from `text`, always the same for the same text."""
    return 100_000_000 + zlib.crc32(text.encode()) % 100_000_000


@dataclass(frozen=True, slots=True)
class Actor:
    """A user, bot or organization."""

    login: str
    typename: ActorType = "User"

    @property
    def database_id(self) -> int:
        """The numeric id, derived from the login."""
        return stable_number(self.login.lower())

    @property
    def id(self) -> str:
        """The global node id."""
        return node_id(_NODE_PREFIX[self.typename], self.login)

    @property
    def name(self) -> str:
        """The display name, which is the login."""
        return self.login

    @property
    def resource_path(self) -> str:
        """The path of the profile page on GitHub."""
        return f"/apps/{self.login}" if self.typename == "Bot" else f"/{self.login}"

    @property
    def url(self) -> str:
        """The URL of the profile page on GitHub."""
        return WEB + self.resource_path

    @property
    def avatar_url(self) -> str:
        """The URL of the profile picture."""
        return f"https://avatars.githubusercontent.com/u/{self.database_id}?v=4"


def actor(login: str) -> Actor:
    """Return the user or bot with this login.

    A login that ends in `[bot]` is a bot's; the suffix is dropped, as in GitHub's GraphQL API.
    """
    name = login.removesuffix("[bot]")
    return Actor(name, "User" if name == login else "Bot")
