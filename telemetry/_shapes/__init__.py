"""The shapes of secrets, as data: tokens recognizable by themselves, and secrets recognizable by their context."""

from telemetry._shapes.names import is_secret_name
from telemetry._shapes.shape import REDACTED, Shape, lower
from telemetry._shapes.surroundings import BEHEADED, SURROUNDED, WORDS
from telemetry._shapes.tokens import TOKENS

__all__ = ["BEHEADED", "REDACTED", "SURROUNDED", "TOKENS", "WORDS", "Shape", "is_secret_name", "lower"]
