"""Environment variables by name, as the kinds of value that settings are made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

T = TypeVar("T")


class InvalidSettingError(ValueError):
    """An environment variable, or a choice, holds a value that cannot be used; the message names it and says what can."""

    def __init__(self, name: str, value: object, cure: str) -> None:
        super().__init__(f"{name} is {value!r}: {cure}")
        self.name = name
        self.value = value
        self.cure = cure


class Environment:
    """A process's environment; an empty variable counts as unset, as OpenTelemetry specifies."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def text(self, name: str) -> str:
        """Return a variable's text without surrounding blanks; "" if it is not set."""
        return self._variables.get(name, "").strip()

    def items(self, name: str) -> tuple[str, ...]:
        """Return the items of a list that is separated by commas."""
        return tuple(item for part in self.text(name).split(",") if (item := part.strip()))

    def value(self, name: str, default: T, parse: Callable[[str], T], allowed: str) -> T:
        """Return what `parse` makes of a variable; `allowed` says what it must be, for when `parse` raises ValueError."""
        text = self.text(name)
        if not text:
            return default
        try:
            return parse(text)
        except ValueError:
            raise InvalidSettingError(name, text, f"it must be {allowed}") from None

    def choice(self, name: str, default: T, choices: Mapping[str, T]) -> T:
        """Return what a variable chooses, in any case of letters."""
        text = self.text(name).lower()
        if not text:
            return default
        if text not in choices:
            raise InvalidSettingError(name, self.text(name), f"it must be one of {', '.join(choices)}")
        return choices[text]

    def flag(self, name: str) -> bool:
        """Return whether a variable is `true`; flags are false by default."""
        return self.choice(name, default=False, choices={"true": True, "false": False})


def count(text: str) -> int:
    """Parse a whole number, 0 or more."""
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number


def positive(text: str) -> int:
    """Parse a whole number above 0."""
    number = int(text)
    if number <= 0:
        raise ValueError(text)
    return number


def share(text: str) -> float:
    """Parse a share from 0 to 1."""
    number = float(text)
    if not 0 <= number <= 1:
        raise ValueError(text)
    return number


def seconds(text: str) -> float:
    """Parse a number of seconds above 0."""
    number = float(text)
    if not 0 < number < float("inf"):
        raise ValueError(text)
    return number


def pattern(text: str) -> str:
    """Return a regular expression as it is, which it must be one to be."""
    try:
        re.compile(text)
    except re.error:
        raise ValueError(text) from None
    return text
