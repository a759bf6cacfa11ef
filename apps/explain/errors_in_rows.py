"""Find rows with an error that maps to a code: the rule of `errors_as_codes` as a database condition.

It is evaluated on each query, for runs that are not explained yet. What only took time, such as a slow answer, is in no
row.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Q

from apps.explain import codes
from apps.explain.codes import Code
from apps.explain.errors_as_codes import (
    ERROR_TYPES,
    OF_A_BROKER,
    OF_A_SLOW_DATABASE,
    OF_DATABASE,
    OF_THE_HARD_LIMIT,
    code_of,
)
from apps.integrations.errors import AttemptDied

_DIED = AttemptDied.error_type
_HARD_LIMIT = Q(error_type=_DIED, error_msg__regex=OF_THE_HARD_LIMIT.pattern)
_OF_THE_DATABASE = Q(error_type__in=OF_DATABASE)
_BROKER = _OF_THE_DATABASE & Q(error_msg__iregex=OF_A_BROKER.pattern)
_SLOW = _OF_THE_DATABASE & ~_BROKER & Q(error_msg__iregex=OF_A_SLOW_DATABASE.pattern)
_SPECIAL: Mapping[Code, Q] = {
    codes.TIME_LIMIT: _HARD_LIMIT,
    codes.BROKER_UNAVAILABLE: _BROKER,
    codes.DATABASE_SLOW: _SLOW,
    codes.DATABASE_UNAVAILABLE: _OF_THE_DATABASE & ~_BROKER & ~_SLOW,
    codes.PROGRAM_ERROR: ~Q(error_type="") & ~Q(error_type__in=[*ERROR_TYPES, *OF_DATABASE]),
}
_TYPES = {code: [each for each in ERROR_TYPES if code_of(each) is code] for code in codes.CODES}

FOUND: tuple[Code, ...] = tuple(
    code for code in codes.CODES if code is not codes.UNKNOWN and (_TYPES[code] or code in _SPECIAL)
)
"""The codes that an error in a row can map to."""


def has_error_of(code: Code) -> Q:
    """Return the condition that the error of a row, a run's or a repository's, maps to a code."""
    found = Q(error_type__in=_TYPES[code]) | _SPECIAL.get(code, Q(pk__in=()))
    return found & ~_HARD_LIMIT if code is codes.WORKER_DIED else found
