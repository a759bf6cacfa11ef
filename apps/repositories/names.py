"""Names of repositories as people write them: OWNER/NAME, or a pasted address. GitHub's own are not checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from telemetry.redaction import redact

_FULL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}/(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,100}")
_SCP = re.compile(r"[\w.-]+@(?P<host>[\w.-]+):(?P<path>.*)")
"""Git's short form of an ssh address: git@github.com:libuv/libuv.git."""
_HOST_FIRST = re.compile(r"(?P<host>[\w-]+(?:\.[\w-]+)+|[\w-]+(?=:\d))(?::\d+)?(?P<path>/.*)")
_AROUND = " \t\r\n<>\"'`,;"
_GITHUB = "github.com"


class InvalidRepositoryName(ValueError):  # noqa: N818  # the name says what is wrong; "Error" would add nothing
    """A name that no repository can have, or the address of something else."""


@dataclass(frozen=True, slots=True)
class _Address:
    """A path and its host: None if none was named, "" if an address has none."""

    host: str | None
    path: str


def repository_name(text: str, *, api_url: str) -> str:
    """Return the OWNER/NAME that `text` means, possibly the address of a page or clone at the host of `api_url`.

    Raises `InvalidRepositoryName` for anything else.
    """
    address = _address(text.strip(_AROUND))
    shown = repr(redact(re.sub(r"//[^/]*@", "//", text)))  # without a password
    if address.host and address.host not in (hosts := _hosts(api_url)):
        raise InvalidRepositoryName(f"{shown} is an address at {address.host}, and the API is that of {hosts[0]}.")
    parts = [part for part in unquote(address.path).split("/") if part]
    if address.host is not None:
        parts = _below_repos(parts)[:2]
    name = "/".join(parts).removesuffix(".git")
    if address.host == "" or not _FULL_NAME.fullmatch(name):
        raise InvalidRepositoryName(
            f"{shown} is not a repository's name. Write it as OWNER/NAME, like libuv/libuv, or paste its address."
        )
    return name


def _address(text: str) -> _Address:
    if "://" in text:
        try:
            parts = urlsplit(text)
            return _Address(parts.hostname or "", parts.path)
        except ValueError:
            return _Address(None, "")
    text = re.split("[?#]", text, maxsplit=1)[0]
    if found := _SCP.fullmatch(text) or _HOST_FIRST.fullmatch(text):
        return _Address(found["host"].lower(), found["path"])
    return _Address(None, text)


def _below_repos(parts: list[str]) -> list[str]:
    """Return a path's parts without an API prefix such as `repos` or `api/v3/repos`."""
    for prefix in (["api", "v3", "repos"], ["repos"]):
        if parts[: len(prefix)] == prefix:
            return parts[len(prefix) :]
    return parts


def _hosts(api_url: str) -> list[str]:
    """Return the hosts whose addresses denote repositories of this API, that of its pages first."""
    try:
        api = urlsplit(api_url)
    except ValueError:  # users who connect to it say so
        return [_GITHUB]
    host = api.hostname or _GITHUB
    webs = [host.removeprefix("api.")]
    if api.scheme == "http":
        webs.append(_GITHUB)  # a simulator's, which holds what GitHub has
    return [f"{prefix}{web}" for web in webs for prefix in ("", "www.", "ssh.", "api.")]
