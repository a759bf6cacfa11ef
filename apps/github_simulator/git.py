"""What a pull request brings along from git: commits and changed files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha1
from typing import Literal

from apps.github_simulator.actors import Actor, node_id

PatchStatus = Literal["ADDED", "CHANGED", "COPIED", "DELETED", "MODIFIED", "RENAMED"]


_CO_AUTHOR = re.compile(r"^co-authored-by: *(?P<name>[^<\n]+?) *<(?P<email>[^>\n]*)>", re.IGNORECASE | re.MULTILINE)


def object_id(*parts: object) -> str:
    """A git object id of forty hex digits, the same for the same parts."""
    return sha1(":".join(str(part) for part in parts).encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class GitActor:
    """Who wrote a commit, as git knows them; `user` is None when no GitHub account has the address."""

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
        return node_id("C", self.oid)

    @property
    def committer(self) -> GitActor:
        return self.author

    @property
    def authors(self) -> list[GitActor]:
        """Its author, and those whom its trailers name."""
        co_authors = (
            GitActor(name=match["name"], user=None, date=self.authored_date, email=match["email"])
            for match in _CO_AUTHOR.finditer(self.message)
        )
        return [self.author, *co_authors]

    @property
    def abbreviated_oid(self) -> str:
        return self.oid[:7]

    @property
    def message_headline(self) -> str:
        return self.message.partition("\n")[0]

    @property
    def message_body(self) -> str:
        return self.message.partition("\n")[2].lstrip("\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFile:
    """One file that a pull request changes."""

    typename = "PullRequestChangedFile"
    path: str
    additions: int
    deletions: int
    change_type: PatchStatus = "MODIFIED"
