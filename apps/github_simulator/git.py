"""The parts of a pull request that come from git: commits and changed files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha1
from typing import Literal

from apps.github_simulator.actors import Actor, node_id

PatchStatus = Literal["ADDED", "CHANGED", "COPIED", "DELETED", "MODIFIED", "RENAMED"]


_CO_AUTHOR = re.compile(r"^co-authored-by: *(?P<name>[^<\n]+?) *<(?P<email>[^>\n]*)>", re.IGNORECASE | re.MULTILINE)


def object_id(*parts: object) -> str:
    """Return a git object id of forty hex digits, always the same for the same parts."""
    return sha1(":".join(str(part) for part in parts).encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class GitActor:
    """The author of a commit as recorded in git; `user` is None if no GitHub account has the email address."""

    typename = "GitActor"
    name: str
    user: Actor | None
    date: str
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit."""

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
    def committer(self) -> GitActor:
        """The committer, who is always the author."""
        return self.author

    @property
    def authors(self) -> list[GitActor]:
        """The author, followed by the co-authors named in the message's trailers."""
        named = (
            GitActor(match["name"], None, self.authored_date, match["email"]) for match in _CO_AUTHOR.finditer(self.message)
        )
        return [self.author, *named]

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


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file changed by a pull request."""

    typename = "PullRequestChangedFile"
    path: str
    additions: int
    deletions: int
    change_type: PatchStatus = "MODIFIED"
