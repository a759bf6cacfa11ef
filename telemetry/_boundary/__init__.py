"""What leaves the process is made plain, clean and bounded here, value by value; what cannot be is replaced alone."""

from telemetry._boundary.errors import message_of, record_of, traceback_of
from telemetry._boundary.sizes import shrunk, size_of
from telemetry._boundary.spans import clean_attributes, clean_resource, clean_span
from telemetry._boundary.texts import LIMIT, key, text, visible, visible_json
from telemetry._boundary.values import Plain, attribute, key_of, line_value, plain, text_of

__all__ = [
    "LIMIT",
    "Plain",
    "attribute",
    "clean_attributes",
    "clean_resource",
    "clean_span",
    "key",
    "key_of",
    "line_value",
    "message_of",
    "plain",
    "record_of",
    "shrunk",
    "size_of",
    "text",
    "text_of",
    "traceback_of",
    "visible",
    "visible_json",
]
