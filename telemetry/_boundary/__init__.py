"""What leaves the process is made plain, clean and bounded here, value by value; what cannot be is replaced alone.

Spans are cleaned by `spans` and measured by `sizes`, which alone need OpenTelemetry.
"""

from telemetry._boundary.errors import message_of, record_of, traceback_in, traceback_of
from telemetry._boundary.objects import class_name, key_of, text_of, words
from telemetry._boundary.texts import LIMIT, key, text, visible, visible_json
from telemetry._boundary.values import Plain, attribute, line_value, plain

__all__ = [
    "LIMIT",
    "Plain",
    "attribute",
    "class_name",
    "key",
    "key_of",
    "line_value",
    "message_of",
    "plain",
    "record_of",
    "text",
    "text_of",
    "traceback_in",
    "traceback_of",
    "visible",
    "visible_json",
    "words",
]
