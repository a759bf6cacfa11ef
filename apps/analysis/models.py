"""What the analysis decided."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.pulls.models import PullRequest


class Analysis(models.Model):
    """Whether a pull request was AI-assisted, with which tools, and the text that says so."""

    pull_request = models.OneToOneField(PullRequest, on_delete=models.CASCADE, related_name="analysis")
    is_ai_assisted = models.BooleanField()
    tools = ArrayField(models.TextField())
    evidence = models.TextField(help_text="the first match of each tool, and where it stands")
    of_update = models.DateTimeField(help_text="the pull request's updated_at that was analyzed")

    class Meta:
        verbose_name_plural = "analyses"

    def __str__(self) -> str:
        return ", ".join(self.tools) or "no assistance found"
