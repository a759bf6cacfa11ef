"""Track viewers and what each may see, read for all of them at once every second instead of on each request.

Otherwise fifty pages asking every second would query the database two hundred times about who they are. An ended
session and a lost membership are noticed within a second, whatever process caused them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

import orjson
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_out
from django.contrib.sessions.models import Session
from django.db import connection
from django.dispatch import receiver
from django.http import HttpRequest

from apps.console.web.sight import Sight
from apps.teams.models import Membership
from apps.utils import clock

_READ_EVERY = 1.0
_ASKED_WITHIN = 30.0
"""Seconds after which an inactive session is no longer read."""
_MOST = 2_000
"""Sessions read at once; any beyond that are read one by one, as for any page."""

_READ = f"""
    SELECT sessions.session_key, users.password, users.is_staff,
        (SELECT coalesce(json_object_agg(team_id, role), '{{}}')::text
         FROM {Membership._meta.db_table} WHERE user_id = users.id)
    FROM unnest(%(sessions)s::varchar[], %(users)s::bigint[]) AS kept (session_key, user_id)
    JOIN {Session._meta.db_table} AS sessions ON sessions.session_key = kept.session_key AND expire_date > %(now)s
    JOIN {get_user_model()._meta.db_table} AS users ON users.id = kept.user_id AND users.is_active
"""  # noqa: S608  # only tables' names are put in


@dataclass(slots=True)
class _Looker:
    """A session's user, valid while they keep this password, and what they may see."""

    user_id: int
    password: str
    sight: Sight
    asked_at: float


class Lookers:
    """The sessions that ask repeatedly, in one process."""

    def __init__(self) -> None:
        self._kept: dict[str, _Looker] = {}
        self._read_at = -inf
        self._lock = threading.Lock()

    def sight_of(self, request: HttpRequest) -> Sight | None:
        """Return what the requester may see, at most a second old; None if they are not signed in."""
        session = session_of(request)
        if session is not None:
            self.refresh()
            if (known := self.known(session)) is not None:
                return known
        user: Any = request.user
        if not user.is_authenticated:
            return None
        sight = Sight.of(user)
        if session is not None and len(self._kept) < _MOST:
            with self._lock:
                self._kept[session] = _Looker(user.pk, user.password, sight, time.monotonic())
        return sight

    def known(self, session: str) -> Sight | None:
        """Return what a session was last known to see and note that it asked; None if it has ended or is new."""
        with self._lock:
            looker = self._kept.get(session)
            if looker is None:
                return None
            looker.asked_at = time.monotonic()
            return looker.sight

    def refresh(self) -> None:
        """Read what all of them may see, unless that was done within the last second."""
        with self._lock:
            now = time.monotonic()
            if now - self._read_at < _READ_EVERY:
                return
            asking = {key: looker for key, looker in self._kept.items() if now - looker.asked_at < _ASKED_WITHIN}
            found = _read(asking) if asking else {}
            self._kept = {key: looker for key, looker in asking.items() if key in found and found[key][0] == looker.password}
            for key, looker in self._kept.items():
                looker.sight = found[key][1]
            self._read_at = now

    def forget(self, session: str) -> None:
        """Read again who has a session."""
        with self._lock:
            self._kept.pop(session, None)


lookers = Lookers()
"""This process's viewers."""


def session_of(request: HttpRequest) -> str | None:
    """Return the key of a request's session, or None."""
    return request.COOKIES.get(settings.SESSION_COOKIE_NAME) or None


@receiver(user_logged_out)
def _signed_out(request: HttpRequest, **_: object) -> None:
    """End a session at once when somebody signs out here; other processes notice within a second."""
    if (session := session_of(request)) is not None:
        lookers.forget(session)


def _read(asking: Mapping[str, _Looker]) -> dict[str, tuple[str, Sight]]:
    """Return the password and sight of users with valid sessions, by session."""
    values: dict[str, Any] = {
        "sessions": list(asking),
        "users": [each.user_id for each in asking.values()],
        "now": clock.now(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_READ, values)
        rows = cursor.fetchall()
    return {
        key: (password, Sight.by(is_staff=is_staff, roles={int(team): role for team, role in orjson.loads(roles).items()}))
        for key, password, is_staff, roles in rows
    }
