"""Map errors to codes: ours by their place in the error tree, others' by their names. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from apps.explain import codes
from apps.explain.codes import Code
from apps.integrations import errors
from apps.integrations.errors import SyncError

_OF_ERROR: Mapping[type[SyncError], Code] = {
    errors.GitHubError: codes.GITHUB_ERRORS,
    errors.RateLimited: codes.PRIMARY_LIMIT,
    errors.SecondaryLimited: codes.SECONDARY_LIMIT,
    errors.QueryTimeout: codes.GITHUB_SLOW,
    errors.PartialAnswer: codes.INCOMPLETE_AT_GITHUB,
    errors.Unreachable: codes.GITHUB_UNREACHABLE,
    errors.ProxyRefused: codes.MISCONFIGURED,
    errors.CertificatesMissing: codes.MISCONFIGURED,
    errors.InvalidAnswer: codes.ANSWER_INVALID,
    errors.Unauthorized: codes.TOKEN_REFUSED,
    errors.Forbidden: codes.FORBIDDEN,
    errors.SsoRequired: codes.SSO_REQUIRED,
    errors.IpNotAllowed: codes.IP_NOT_ALLOWED,
    errors.NotFound: codes.NOT_FOUND,
    errors.Moved: codes.NOT_FOUND,
    errors.IncompleteHistory: codes.INCOMPLETE_AT_GITHUB,
    errors.AttemptDied: codes.WORKER_DIED,
    errors.OutOfTime: codes.TIME_LIMIT,
    errors.InvalidApiUrl: codes.MISCONFIGURED,
    errors.Cancelled: codes.CANCELLED,
    errors.LaneLost: codes.LANE_BUSY,
}
"""Of an error's class and its bases, the nearest entry counts."""
_OF_AN_APP = (errors.AppRefused, errors.InstallationSuspended, errors.InstallationGone)
"""Errors for which GitHub issues no token at all, each with its own advice."""
_OF_OTHERS: Mapping[str, Code] = {
    "ImproperlyConfigured": codes.MISCONFIGURED,
    "SoftTimeLimitExceeded": codes.TIME_LIMIT,
    "TimeLimitExceeded": codes.TIME_LIMIT,
    "WorkerLostError": codes.WORKER_DIED,
    "died": codes.WORKER_DIED,
}
OF_DATABASE = frozenset({"OperationalError", "InterfaceError"})
OF_A_BROKER = re.compile(r"kombu|redis|valkey|amqp", re.IGNORECASE)
OF_A_SLOW_DATABASE = re.compile(r"statement timeout|lock timeout|deadlock detected", re.IGNORECASE)
OF_THE_HARD_LIMIT = re.compile(r"hard time limit")


def _tree(kind: type[SyncError] = SyncError) -> Iterator[type[SyncError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _tree(each)


_OURS: Mapping[str, type[SyncError]] = {kind.error_type: kind for kind in _tree()}
ERROR_TYPES = (*_OURS, *_OF_OTHERS)
"""The error types that map to a code whatever their message, except the database's."""


def code_of(error_type: str, message: str = "", stack: str = "") -> Code:
    """Return the code for an error's type, its message and, if known, where it was raised."""
    kind = _OURS.get(error_type)
    if kind is not None:
        if kind is errors.AttemptDied and OF_THE_HARD_LIMIT.search(message):
            return codes.TIME_LIMIT
        if kind in _OF_AN_APP:
            return codes.TOKEN_REFUSED
        return next((_OF_ERROR[each] for each in kind.__mro__ if each in _OF_ERROR), codes.UNKNOWN)
    if error_type in OF_DATABASE:
        if OF_A_BROKER.search(f"{message} {stack}"):
            return codes.BROKER_UNAVAILABLE
        return codes.DATABASE_SLOW if OF_A_SLOW_DATABASE.search(message) else codes.DATABASE_UNAVAILABLE
    return _OF_OTHERS.get(error_type, codes.PROGRAM_ERROR)


def is_final(error_type: str) -> bool:
    """Return whether no attempt follows an error of that type, however few have failed."""
    kind = _OURS.get(error_type)
    return error_type not in OF_DATABASE if kind is None else not (kind.retryable or kind is errors.AttemptDied)


def words_of(code: Code, error_type: str) -> str:
    """Return the advice in the error's own declaration if it is more precise than its code's; else ""."""
    kind = _OURS.get(error_type)
    own = kind is not None and kind not in _OF_ERROR and code is not codes.UNKNOWN
    return str(kind.advice) if own and kind is not None else ""
