"""Slow down password guessing: count attempts by account and by address, in the database that all processes share."""

from __future__ import annotations

from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from django.db import connection
from django.db.models import F
from django.utils.crypto import salted_hmac

from apps.console.models import SignInAttempts
from apps.utils import clock

WINDOW = timedelta(minutes=15)
MOST_BY_ACCOUNT = 10
MOST_BY_ADDRESS = 50
"""An office, or everybody behind one proxy, has one address."""

_COUNT = f"""
    INSERT INTO {SignInAttempts._meta.db_table} AS known (key, since, count) VALUES (%(key)s, %(now)s, 1)
    ON CONFLICT (key) DO UPDATE SET
        count = CASE WHEN known.since < %(old)s THEN 1 ELSE known.count + 1 END,
        since = CASE WHEN known.since < %(old)s THEN excluded.since ELSE known.since END
    RETURNING count, since
"""  # noqa: S608  # only our own table's name is put in


class TooManyAttemptsError(Exception):
    """Nobody may try this account, or from this address, before `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"Too many attempts: try again after {until:%H:%M} UTC")
        self.until = until


def count_attempt(*, account: str, address: str) -> None:
    """Count an attempt before its password is checked, so that many simultaneous ones are counted too.

    Raises `TooManyAttemptsError` if there were too many.
    """
    now = clock.now()
    SignInAttempts.objects.filter(since__lt=now - WINDOW).delete()
    limits = {_account_key(account): MOST_BY_ACCOUNT, _address_key(address): MOST_BY_ADDRESS}
    with connection.cursor() as cursor:
        for key, most in sorted(limits.items()):  # in a fixed order, or two attempts could wait for each other
            cursor.execute(_COUNT, {"key": key, "now": now, "old": now - WINDOW})
            count, since = cursor.fetchone()
            if count > most:
                raise TooManyAttemptsError(since + WINDOW)


def forget_attempts(*, account: str, address: str) -> None:
    """Undo the count for a user whose password was right."""
    SignInAttempts.objects.filter(key=_account_key(account)).delete()
    SignInAttempts.objects.filter(key=_address_key(address), count__gt=0).update(count=F("count") - 1)


def _account_key(account: str) -> str:
    return _hashed("account", account.casefold())


def _address_key(address: str) -> str:
    """Return the key of an address: for IPv6 its prefix, since a user has all addresses under one."""
    try:
        parsed = ip_address(address)
    except ValueError:  # a Unix socket's
        return _hashed("address", address)
    return _hashed("address", str(ip_network((parsed, 64), strict=False) if isinstance(parsed, IPv6Address) else parsed))


def _hashed(kind: str, text: str) -> str:
    return salted_hmac(f"apps.console.guessing.{kind}", text, algorithm="sha256").hexdigest()
