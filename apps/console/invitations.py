"""Invite people by a link that works once, for a while, and lets its reader choose a password."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.urls import reverse

from apps.console.models import Invitation
from apps.teams.models import Membership, Team
from apps.utils import clock


class InvitationGoneError(Exception):
    """The link was used, has expired, or never existed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """An invitation and its link, which only the invited person should see: the database has only the link's hash."""

    invitation: Invitation
    link: str


def invite(
    *,
    username: str,
    team: Team | None = None,
    role: str = Membership.Role.MEMBER,
    is_staff: bool = False,
    lasts: timedelta = timedelta(days=2),
    web_url: str = "",
) -> Invited:
    """Store an invitation, replacing any that the user has, and return it with its link."""
    token = secrets.token_urlsafe(32)
    now = clock.now()
    with transaction.atomic():
        Invitation.objects.filter(username=username, used_at=None).delete()
        invitation = Invitation.objects.create(
            username=username,
            token_hash=_hash(token),
            team=team,
            role=role,
            is_staff=is_staff,
            created_at=now,
            expires_at=now + lasts,
        )
    address = reverse("invitation", kwargs={"token": token})
    return Invited(invitation=invitation, link=f"{web_url or settings.SYNCTRACE_WEB_URL}{address}")


def find_invitation(token: str) -> Invitation:
    """Return the invitation whose link has that token; raise `InvitationGoneError` if it no longer works."""
    usable = Invitation.objects.filter(token_hash=_hash(token), used_at=None, expires_at__gt=clock.now())
    found = usable.select_related("team").first()
    if found is None:
        raise InvitationGoneError
    return found


def accept(token: str, *, password: str) -> User:
    """Use up the invitation and return its user, who now has that password and the invitation's memberships.

    Raises `InvitationGoneError` if it no longer works; of two simultaneous readers, only one succeeds.
    """
    with transaction.atomic():
        found = find_invitation(token)
        if not Invitation.objects.filter(pk=found.pk, used_at=None).update(used_at=clock.now()):
            raise InvitationGoneError
        user, _ = User.objects.get_or_create(username=found.username)
        user.set_password(password)
        if found.is_staff:
            user.is_staff = user.is_superuser = True
        user.is_active = True
        user.save()
        if found.team is not None:
            Membership.objects.update_or_create(user=user, team=found.team, defaults={"role": found.role})
    return user


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
