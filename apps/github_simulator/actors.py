"""Users, bots and organizations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from apps.github_simulator.identity import WebPage, node_id, stable_number

ActorType = Literal["User", "Bot", "Organization", "Mannequin"]

_NODE_PREFIX: dict[ActorType, str] = {"User": "U", "Bot": "BOT", "Organization": "O", "Mannequin": "M"}


@dataclass(frozen=True, slots=True)
class Actor(WebPage):
    """A user, bot or organization."""

    login: str
    typename: ActorType = "User"

    @property
    def database_id(self) -> int:
        """The numeric id."""
        return stable_number(self.login.lower())

    @property
    def id(self) -> str:
        """The global node id."""
        return node_id(_NODE_PREFIX[self.typename], self.login)

    @property
    def name(self) -> str:
        """The display name, which here is the login."""
        return self.login

    @property
    def resource_path(self) -> str:
        """The path of the profile page."""
        return f"/apps/{self.login}" if self.typename == "Bot" else f"/{self.login}"

    @property
    def avatar_url(self) -> str:
        """The address of the profile picture."""
        return f"https://avatars.githubusercontent.com/u/{self.database_id}?v=4"


def actor(login: str) -> Actor:
    """Return the account called `login`; GraphQL names a bot without its `[bot]` suffix."""
    name = login.removesuffix("[bot]")
    return Actor(name, "User" if name == login else "Bot")
