"""What leaves the process is made plain, clean and bounded here, value by value; what cannot be is replaced alone."""

from telemetry._boundary.spans import clean_attributes, clean_span
from telemetry._boundary.texts import LIMIT, text, visible
from telemetry._boundary.values import Plain, attribute, key, line_value, message_of, plain

__all__ = [
    "LIMIT",
    "Plain",
    "attribute",
    "clean_attributes",
    "clean_span",
    "key",
    "line_value",
    "message_of",
    "plain",
    "text",
    "visible",
]
