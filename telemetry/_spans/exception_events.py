"""An exception as an event of its span, in the words of OpenTelemetry's semantic conventions."""

from __future__ import annotations

from telemetry._boundary import class_name, message_of, traceback_of

NAME = "exception"


def exception_attributes(error: BaseException, *, escaped: bool = False) -> dict[str, str]:
    """Return what the event says, without secrets and bounded."""
    return {
        "exception.type": class_name(error, qualified=True),
        "exception.message": message_of(error),
        "exception.stacktrace": traceback_of(error),
        "exception.escaped": str(escaped),
    }
