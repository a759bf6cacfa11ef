"""Any object as one text, whatever its class does when it is asked for one."""

from __future__ import annotations

from telemetry import _health
from telemetry._boundary.texts import key, text, text_of_bytes


def key_of(name: object) -> str:
    """Return what stands as a key, which may be any object, as one short text."""
    return key(name if type(name) is str else text_of(name))


def text_of(value: object) -> str:
    """Return the text of any object, not yet clean, also where its `__str__` fails."""
    try:
        if isinstance(value, bytes | bytearray):
            return text_of_bytes(value)
        return str.__str__(str(value))  # its own class of texts may have a hash or a length of its own
    except Exception as problem:  # noqa: BLE001  # somebody's __str__
        _health.pass_on(problem)
        return unprintable(value)


def words(value: object) -> str:
    """Return what should be a text as one that may leave, whatever it is."""
    return text(value if type(value) is str else text_of(value))


def class_name(value: object, *, qualified: bool = False) -> str:
    """Return the name of an object's class, short and clean; if `qualified`, behind its module's unless that is builtins."""
    kind = type(value)
    try:
        if not qualified:
            return key_of(kind.__name__)
        module = kind.__module__
        return key_of(kind.__qualname__ if module in (None, "builtins") else f"{module}.{kind.__qualname__}")
    except Exception as problem:  # noqa: BLE001  # somebody's class of classes
        _health.pass_on(problem)
        return "object"


def unprintable(value: object) -> str:
    """Return what is said in place of an object that cannot be shown."""
    return f"[unprintable {class_name(value)}]"
