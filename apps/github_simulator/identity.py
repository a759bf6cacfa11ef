"""Ids and web addresses, which everything at GitHub has."""

from __future__ import annotations

import base64
import zlib
from abc import ABC, abstractmethod
from hashlib import sha1

_WEB = "https://github.com"


def node_id(prefix: str, *parts: object) -> str:
    """Return an opaque global id in GitHub's format, always the same for the same parts."""
    text = ":".join(str(part) for part in parts)
    return f"{prefix}_{base64.urlsafe_b64encode(text.encode()).decode().rstrip('=')}"


def object_id(*parts: object) -> str:
    """Return a git object id (40 hex digits), always the same for the same parts."""
    return sha1(":".join(str(part) for part in parts).encode(), usedforsecurity=False).hexdigest()


def stable_number(text: str) -> int:
    """Return a nine-digit number derived from `text`."""
    return 100_000_000 + zlib.crc32(text.encode()) % 100_000_000


class WebPage(ABC):
    """Something that has a page on github.com."""

    __slots__ = ()

    @property
    @abstractmethod
    def resource_path(self) -> str:
        """The page's path."""

    @property
    def url(self) -> str:
        """The page's address."""
        return _WEB + self.resource_path
