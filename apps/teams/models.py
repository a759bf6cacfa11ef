"""Teams, and who belongs to them."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, validate_slug
from django.db import models

MOST_HOURS = 8_760
"""The longest promise: a year."""


class Team(models.Model):
    """People who sync the same repositories."""

    slug = models.SlugField(
        unique=True, validators=[validate_slug], help_text="its name in commands: letters, digits, - and _"
    )
    name = models.CharField(max_length=200)
    share = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1)],
        help_text="how much of the workers, and of accounts used by several teams, it gets: 2 is twice as much as 1",
    )
    fresh_hours = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_HOURS)],
        help_text="its promise: what is stored is at most so many hours old; empty for SYNC_FRESH_HOURS",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name

    @property
    def promised_hours(self) -> int:
        """How old the stored data may be: the team's own promise, or the default."""
        return self.fresh_hours or settings.SYNC_FRESH_HOURS


class Membership(models.Model):
    """A user's membership in a team."""

    class Role(models.TextChoices):
        """What a member may do; an owner also connects accounts and invites others."""

        OWNER = "owner"
        MEMBER = "member"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "team"], name="one_membership_per_user_and_team")]

    def __str__(self) -> str:
        return f"{self.user}: {self.role} of {self.team}"
