"""What is wrong with the choices of an application, where no type checker has seen it, or could."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from telemetry._settings.environment import InvalidSettingError
from telemetry._suggestion import suggestion

_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9_]*_", re.ASCII)
_LISTS = ("context", "excluded_urls", "redact_patterns")


def check(choices: Mapping[str, Any], known: Collection[str], prefix: str) -> None:
    """Raise for a choice by a name that is not `known`, a TypeError, and for a value that would mean something else.

    `prefix` is what the names of telemetry's own variables begin with, where an application chooses nothing else.
    """
    for name in choices:
        if name not in known:
            raise TypeError(
                f"there is no choice {name!r}{suggestion(name, known)}: there are {', '.join(known)}; "
                f"all else is set by variables such as {prefix}LOG_LEVEL"
            )
    _check_prefix(choices.get("prefix", prefix))
    if not isinstance(home := choices.get("home", Path()), Path | None):
        raise InvalidSettingError("home", home, f"it must be a pathlib.Path, such as Path({home!r})")
    for name in _LISTS:
        given = choices.get(name, ())
        if isinstance(given, str) or not isinstance(given, Collection):  # a text is a sequence of letters to type checkers
            raise InvalidSettingError(name, given, f"it must be a list of texts, such as [{str(given)!r}]")
    for pattern in choices.get("excluded_urls", ()):
        try:
            re.compile(pattern)
        except re.error:
            raise InvalidSettingError("excluded_urls", pattern, "it must be regular expressions") from None


def _check_prefix(prefix: Any) -> None:
    if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):  # without one, HOME would be the user's own
        raise InvalidSettingError("prefix", prefix, "it must be letters that end with an underscore, such as SHOP_")
