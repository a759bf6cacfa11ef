"""Sign-in attempts, counted; invitations that work once; and the causes that explaining runs has found."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from apps.integrations.models import PipelineRun
from apps.teams.models import Membership, Team


class SignInAttempts(models.Model):
    """How often sign-in was recently tried with one user name or from one address."""

    key = models.CharField(max_length=64, primary_key=True, help_text="a hash: a name may be a password, mistyped")
    since = models.DateTimeField(db_index=True)
    count = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.count} since {self.since:%H:%M:%S}Z"


class Invitation(models.Model):
    """A link that lets a new user, or one who has lost their password, choose a password once."""

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


class RunCauses(models.Model):
    """The causes found by explaining an ended run: for searching runs by cause, never as proof."""

    run_id: int
    run = models.OneToOneField(PipelineRun, primary_key=True, on_delete=models.CASCADE, related_name="causes")
    codes = ArrayField(models.CharField(max_length=40), null=True, help_text="the decisive one first; null: not explained")
    had_spans = models.BooleanField(help_text="whether its spans could be read then")
    of_rules = models.CharField(max_length=16, help_text="which rules found them: by others it is explained again")
    explained_at = models.DateTimeField()

    class Meta:
        indexes = [GinIndex(fields=["codes"], name="runs_by_cause")]

    def __str__(self) -> str:
        return f"run {self.run_id}: {', '.join(self.codes or ()) or 'no cause'}"
