"""The parts of a pull request that come from git: commits and changed files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from apps.github_simulator.actors import Actor
from apps.github_simulator.identity import node_id

PatchStatus = Literal["ADDED", "CHANGED", "COPIED", "DELETED", "MODIFIED", "RENAMED"]


_CO_AUTHOR = re.compile(r"^co-authored-by: *(?P<name>[^<\n]+?) *<(?P<email>[^>\n]*)>", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class GitActor:
    """The author of a commit as git records them; `user` is None when no GitHub account has their address."""

    typename = "GitActor"
    name: str
    user: Actor | None
    date: str
    email: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One commit of a pull request."""

    typename = "Commit"
    oid: str
    message: str
    author: GitActor
    authored_date: str
    committed_date: str
    additions: int
    deletions: int

    @property
    def id(self) -> str:
        """The global node id."""
        return node_id("C", self.oid)

    @property
    def authors(self) -> list[GitActor]:
        """The author, followed by everyone in a Co-authored-by trailer."""
        co_authors = (
            GitActor(name=match["name"], user=None, date=self.authored_date, email=match["email"])
            for match in _CO_AUTHOR.finditer(self.message)
        )
        return [self.author, *co_authors]

    @property
    def abbreviated_oid(self) -> str:
        """The first seven digits of the object id."""
        return self.oid[:7]

    @property
    def message_headline(self) -> str:
        """The first line of the message."""
        return self.message.partition("\n")[0]

    @property
    def message_body(self) -> str:
        """The message without its first line."""
        return self.message.partition("\n")[2].lstrip("\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFile:
    """One file changed by a pull request."""

    typename = "PullRequestChangedFile"
    path: str
    additions: int
    deletions: int
    change_type: PatchStatus = "MODIFIED"
