"""Who may come in: attempts at signing in, counted, and invitations that work once."""

from __future__ import annotations

from django.db import models

from apps.teams.models import Membership, Team


class SignInAttempts(models.Model):
    """How often somebody tried to sign in, of late, with one user's name or from one address."""

    key = models.CharField(max_length=64, primary_key=True, help_text="a hash: a name may be a password, mistyped")
    since = models.DateTimeField(db_index=True)
    count = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.count} since {self.since:%H:%M:%S}Z"


class Invitation(models.Model):
    """A link that lets one person choose a password, once: a new user, or one who has lost theirs."""

    username = models.CharField(max_length=150)
    token_hash = models.CharField(max_length=64, unique=True)
    team = models.ForeignKey(Team, null=True, on_delete=models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=10, choices=Membership.Role.choices, default=Membership.Role.MEMBER)
    is_staff = models.BooleanField(default=False, help_text="sees every team, and Django's admin")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.username}, until {self.expires_at:%Y-%m-%d %H:%M}Z"
