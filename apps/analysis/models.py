"""Analyses of stored pull requests: whether they were AI-assisted, and a team's metrics by week."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.pulls.models import PullRequest
from apps.teams.models import Team


class Analysis(models.Model):
    """Whether a pull request was AI-assisted, with which tools, and the text that shows it."""

    pull_request = models.OneToOneField(PullRequest, on_delete=models.CASCADE, related_name="analysis")
    is_ai_assisted = models.BooleanField()
    tools = ArrayField(models.TextField())
    evidence = models.TextField(help_text="the first match of each tool, and where it was found")
    of_update = models.DateTimeField(help_text="the updated_at that the pull request had when it was analyzed")

    class Meta:
        verbose_name_plural = "analyses"

    def __str__(self) -> str:
        return ", ".join(self.tools) or "no assistance found"


class WeeklyMetrics(models.Model):
    """Medians and shares of the pull requests that a team merged in one week (Monday to Sunday, UTC)."""

    team_id: int
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="weekly_metrics")
    week = models.DateField(help_text="the week's Monday")
    merged = models.IntegerField()
    cycle_time_hours = models.FloatField(null=True, help_text="median, from the first commit to the merge")
    review_time_hours = models.FloatField(null=True, help_text="median, from opening to the first review by somebody else")
    size = models.FloatField(null=True, help_text="median of lines added plus lines deleted")
    ai_assisted_share = models.FloatField(null=True, help_text="of those merged, 0 to 1")

    class Meta:
        verbose_name_plural = "weekly metrics"
        constraints = [models.UniqueConstraint(fields=["team", "week"], name="one_row_per_team_and_week")]

    def __str__(self) -> str:
        return f"{self.team_id} {self.week}"
