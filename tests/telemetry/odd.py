"""Values that break what is not careful, and values with a secret somewhere inside."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock, Mock
from urllib.parse import urlparse, urlsplit
from uuid import UUID

from tests.telemetry.canary import SECRETS

SECRET = SECRETS[0]


class Mute:
    """Something without a text."""

    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


class MuteError(Exception):
    """An error without a text."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


def _raising(name: str) -> property:
    def fail(_: object) -> Any:
        raise RuntimeError(f"no {name}")

    return property(fail, lambda _error, _value: None)


class _Nameless(type):
    """A class of classes without a name."""

    __name__: Any = _raising("name")


class NamelessError(Exception, metaclass=_Nameless):
    """An error of a class without a name."""


class Nameless(metaclass=_Nameless):
    """Something of a class without a name, and without a text."""

    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


class SpeechlessError(Exception):
    """An error that answers nothing."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(f"no {name}")


class FrozenError(Exception):
    """An error that nothing can be kept with."""

    def __setattr__(self, name: str, value: object) -> None:
        raise RuntimeError(f"no {name}")


def _without(name: str) -> Exception:
    odd: type[Exception] = type("OddError", (Exception,), {name: _raising(name)})
    return odd("spilt")


class Classless:
    """Something that `isinstance` cannot ask."""

    @property
    def __class__(self) -> type:
        raise RuntimeError("no class")

    @__class__.setter
    def __class__(self, _: type) -> None: ...


class Unhashable(str):
    """A text that can neither be hashed nor made a text."""

    __slots__ = ()

    def __hash__(self) -> int:
        raise RuntimeError("no hash")

    def __str__(self) -> str:
        raise RuntimeError("no words")


class Speaking:
    """Something whose text is of a class of its own."""

    def __str__(self) -> str:
        return Unhashable("words")


class Endless(Sequence[int]):
    """A sequence that ends nowhere."""

    def __len__(self) -> int:
        return 2**62

    def __getitem__(self, index: Any) -> Any:
        return index


class Broken(Mapping[str, int]):
    """A mapping that cannot be read."""

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("no keys")

    def __getitem__(self, key: str) -> int:
        raise RuntimeError("no values")


class Pretending:
    """Something that says it is of another class."""

    def __init__(self, other: type) -> None:
        self._other = other

    @property
    def __class__(self) -> type:
        return self._other

    @__class__.setter
    def __class__(self, _: type) -> None: ...


class Timeless(datetime):
    """A moment that is written as none."""

    def isoformat(self, *_: Any, **__: Any) -> Any:
        return 5


class Talking(date):
    """A day that is written as a secret."""

    def isoformat(self) -> str:
        return SECRET


class Nowhere(tzinfo):
    """A zone that nobody knows the offset of."""

    def utcoffset(self, _: object) -> timedelta:
        raise RuntimeError("no offset")

    def dst(self, _: object) -> timedelta:
        raise RuntimeError("no summer")

    def tzname(self, _: object) -> str:
        raise RuntimeError("no name")


class Doubtful:
    """Something that is neither true nor false, as arrays are."""

    def __bool__(self) -> bool:
        raise ValueError("ambiguous")


@dataclass
class Login:
    """A record with a secret in it."""

    user: str
    password: str
    note: object = None


@dataclass(slots=True)
class Unfinished:
    """A record of which a field was never set, and one is for nobody's eyes."""

    user: str
    pin: str = field(default="hunter2", repr=False)
    late: str = field(init=False)


Pair = namedtuple("Pair", ["user", "password"])  # noqa: PYI024  # it is the untyped one that has no types to go by


class Colour(Enum):
    """Somebody's enum."""

    RED = SECRET


def nested(depth: int) -> list[Any]:
    """Return a list in a list in a list."""
    found: list[Any] = []
    for _ in range(depth):
        found = [found]
    return found


def circle() -> dict[str, Any]:
    """Return a mapping that holds itself."""
    found: dict[str, Any] = {"n": 1}
    found["self"] = found
    return found


PRETENDED = (bool, int, float, str, bytes, list, tuple, dict, set, datetime, date, ValueError, Enum, type(None))

ODD: dict[str, Any] = {
    "cycle": circle(),
    "without a text": Mute(),
    "without a class": Classless(),
    "without a hash": Unhashable("abc"),
    "with a text of its own class": Speaking(),
    "neither true nor false": Doubtful(),
    "nested deeply": nested(3_000),
    "too large a number": 2**70,
    "a number of a million digits": 10**1_000_000,
    "a lone surrogate": "caf\udce9",
    "bytes": b"\xff\x00",
    "a hundred megabytes": b"x" * 100_000_000,
    "a set": {1, 2},
    "not a number": float("nan"),
    "infinity": float("-inf"),
    "numbers that are none": [1.5, float("nan"), {"n": float("inf")}],
    "a uuid": UUID(int=7),
    "a decimal": Decimal("1.5"),
    "a naive moment": datetime(2026, 1, 1),  # noqa: DTZ001  # that is the point
    "a moment that is none in UTC": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))),
    "a day": date(2026, 1, 1),
    "a path": Path("/x"),
    "an error": MuteError(),
    "a class": Login,
    "keys that are no texts": {1: "a", None: "b", (1, 2): "c", Mute(): "d", "1": "e", b"f": "g"},
    "three megabytes": "x" * 3_000_000,
    "long texts without end": ["y" * 20_000] * 2_000,
    "long texts at every depth": {str(n): {"a": "y" * 16_000, "b": ["z" * 16_000] * 5} for n in range(500)},
    "a wide list": list(range(100_000)),
    "a wide mapping": {str(n): n for n in range(100_000)},
    "an endless list": Endless(),
    "of a class without a name": Nameless(),
    "a broken mapping": Broken(),
    **{f"a mock of {each.__name__}": Mock(spec=each) for each in PRETENDED},
    **{f"a magic mock of {each.__name__}": MagicMock(spec=each) for each in PRETENDED},
    **{f"pretending to be {each.__name__}": Pretending(each) for each in PRETENDED},
    "a moment that is written as none": Timeless(2026, 1, 1),
    "a moment of no zone": datetime(2026, 1, 1, tzinfo=Nowhere()),
    "an unfinished record": Unfinished("ann"),
    "moments": [datetime(2026, 1, 1, tzinfo=UTC), date(2026, 1, 1)],
}

ERRORS: dict[str, Exception] = {
    **{
        f"without {name}": _without(name)
        for name in ("__class__", "__dict__", "__traceback__", "__cause__", "__context__", "__notes__", "args", "error_type")
    },
    "without a text": MuteError(),
    "without an answer": SpeechlessError(),
    "without a name": NamelessError("spilt"),
    "with a name without end": type("x" * 100_000, (Exception,), {})(),
    "with a secret for a name": type(SECRET, (Exception,), {})(),
    "with a secret for a module": type("OddError", (Exception,), {"__module__": SECRET})(),
    "with a module that is none": type("OddError", (Exception,), {"__module__": None})(),
    "with notes that are none": type("OddError", (Exception,), {"__notes__": 5})(),
    "frozen": FrozenError("spilt"),
}

HIDDEN: dict[str, Any] = {
    "nested": {"a": [{"b": (SECRET, {"c": SECRET})}]},
    "a set": {SECRET},
    "bytes": SECRET.encode(),
    "a bytearray": bytearray(SECRET.encode()),
    "a memoryview": memoryview(SECRET.encode()),
    "an error": ValueError(f"no {SECRET}"),
    "an error's arguments": OSError(2, SECRET),
    "a record": Login("ann", "hunter2", [SECRET]),
    "a named tuple": Pair("ann", "hunter2"),
    "a day that speaks": Talking(2026, 1, 1),
    "an address in parts": urlsplit("https://ann:hunter2@db.example"),
    "an address in parts, in bytes": urlparse(b"amqp://ann:hunter2@mq/app"),
    "an environment": {"PGPASSWORD": "hunter2", "GITHUBTOKEN": "hunter2", "sig": "hunter2"},
    "a namespace": SimpleNamespace(user="ann", password="hunter2"),
    "an enum": Colour.RED,
    "a path": Path(f"/home/{SECRET}/x"),
    "a key": {SECRET: 1},
    "a secret's name": {"password": "hunter2", "X-Api-Key": "hunter2", "Cookie": "hunter2"},
    "a secret's name of two words": {"accessToken": "hunter2", "clientSecret": "hunter2", "dbPassword": "hunter2"},
    "a secret's name, deep": [{"headers": [{"Authorization": "hunter2"}]}],
    "a secret's name in bytes": {b"Authorization": b"hunter2"},
    "pairs": [("Authorization", "hunter2"), (b"cookie", b"hunter2")],
    "items": {"Authorization": "hunter2"}.items(),
    "names and values": [{"name": "Authorization", "value": "hunter2"}, {"key": "password", "value": "hunter2"}],
    "a user and a password": {"auth": ("ann", "hunter2"), "proxy_auth": ("ann", "hunter2")},
    "a namespace in a namespace": SimpleNamespace(login=SimpleNamespace(token="hunter2")),
    "arguments": ["psql", "--password", "hunter2", "-h", "db"],
    "a list": [[[[SECRET]]]],
    "an object": type("Thing", (), {"__str__": lambda _self: f"Thing({SECRET})"})(),
}
