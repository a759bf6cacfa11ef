"""GitHub accounts that teams have connected, and the repositories that they track through them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from django.db import models
from django.db.models.functions import Lower

from apps.repositories.secrets import decrypt
from apps.teams.models import Team
from apps.utils import clock

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
"""A moment before any repository's history."""


class GitHubConnection(models.Model):
    """A team's access to one GitHub API with one account; its token is encrypted at rest."""

    team_id: int
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="connections")
    api_url = models.URLField(default="https://api.github.com")
    account = models.CharField(max_length=200, help_text="host/login: limits are per account, not per token")
    encrypted_token = models.BinaryField()
    token_fingerprint = models.CharField(
        max_length=64, default="", db_index=True, help_text="recognizes the token: keyed, and tells nothing of it"
    )
    installation_id = models.BigIntegerField(null=True, help_text="of the GitHub App, which makes its tokens; null: pasted")
    token_expires_at = models.DateTimeField(null=True, help_text="when an installation's token ends; it is renewed before")
    created_at = models.DateTimeField(auto_now_add=True)
    access: TokenAccess

    class Meta:
        verbose_name = "GitHub connection"
        constraints = [models.UniqueConstraint(fields=["team", "account"], name="one_connection_per_account")]

    def __str__(self) -> str:
        return f"{self.team_id}: {self.account}"

    def token(self) -> str:
        """Return the decrypted token, to be sent to GitHub and nowhere else."""
        return decrypt(bytes(self.encrypted_token))


@dataclass(frozen=True, slots=True)
class Listed:
    """A repository as GitHub lists it for a token."""

    full_name: str
    is_archived: bool = False
    is_fork: bool = False
    is_private: bool = False


class TokenAccess(models.Model):
    """What a connection's token may do and see, as GitHub last said: for display only, never relied on."""

    connection_id: int
    connection = models.OneToOneField(GitHubConnection, on_delete=models.CASCADE, related_name="access")
    asked_at = models.DateTimeField(help_text="when GitHub named scopes and end")
    scopes = models.JSONField(null=True, help_text="null: GitHub names none, as for fine-grained tokens")
    expires_at = models.DateTimeField(null=True, help_text="null: GitHub does not say")
    organizations = models.JSONField(null=True, help_text="null: the token may not ask")
    hidden_organizations = models.JSONField(default=list, help_text="ids of those that want single sign-on first")
    listed_at = models.DateTimeField(null=True, help_text="when the list was read, or read on; null: not yet")
    repositories = models.JSONField(default=list, help_text="the values of a `Listed` for each")
    continues_at = models.TextField(default="", help_text="the path of the list's next page; empty: it was read to its end")
    refusal = models.TextField(default="", help_text="why the repositories could not be listed, or not to the end")

    class Meta:
        verbose_name = "token's access"
        verbose_name_plural = "tokens' access"

    def __str__(self) -> str:
        return f"{len(self.repositories)} repositories for connection {self.connection_id}"

    @property
    def has_ended(self) -> bool:
        """Whether the token has expired."""
        return self.expires_at is not None and self.expires_at <= clock.now()

    def listed(self) -> list[Listed]:
        """Return the repositories known so far, in GitHub's order."""
        return [Listed(*values) for values in self.repositories]


class TrackedRepository(models.Model):
    """A repository that a team syncs, and the window of its history that is completely stored."""

    team_id: int
    connection_id: int
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="repositories")
    connection = models.ForeignKey(GitHubConnection, on_delete=models.CASCADE, related_name="repositories")
    full_name = models.CharField(max_length=200)
    github_id = models.BigIntegerField(null=True)
    is_archived = models.BooleanField(default=False)
    covered_from = models.DateTimeField(
        null=True, help_text="every pull request updated from here to covered_to is stored; year 1970 for all history"
    )
    covered_to = models.DateTimeField(null=True, help_text="the watermark: GitHub's newest updatedAt at the last start")
    github_count = models.IntegerField(null=True, help_text="pull requests in all, as GitHub counted when a sync ended last")
    stored_count = models.IntegerField(null=True, help_text="pull requests in all that were stored then")
    counted_at = models.DateTimeField(null=True, help_text="when both were counted; null: not since they are kept")
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "tracked repositories"
        constraints = [models.UniqueConstraint("team", Lower("full_name"), name="one_repository_per_team")]

    def __str__(self) -> str:
        return self.full_name

    @property
    def web_url(self) -> str:
        """The repository's page, on GitHub, a tenant's own host or the Enterprise Server of the connection's API."""
        api = urlsplit(self.connection.api_url)
        return f"{api.scheme}://{api.netloc.removeprefix('api.')}/{self.full_name}"

    def has_namesake(self, full_name: str) -> bool:
        """Return whether the team tracks another repository as `full_name`: this one may have been added twice."""
        namesakes = TrackedRepository.objects.filter(team_id=self.team_id, full_name__iexact=full_name)
        return namesakes.exclude(pk=self.pk).exists()

    def covers(self, since: datetime | None) -> bool:
        """Return whether every pull request updated at `since` (None: ever) or later, up to the watermark, is stored."""
        return self.covered_from is not None and self.covered_from <= (since or BEGINNING)

    def cover(self, *, since: datetime | None, before: datetime | None, until: datetime | None) -> None:
        """Extend the covered window by one that has been synced; the caller saves.

        The window goes from `since` (None: the beginning) to `before`, or to `until` if `before` is None. Whatever was
        updated after the window and up to `until` was synced too. If there is a gap between two windows, the later one
        is kept.
        """
        begin = since or BEGINNING
        if before is not None and (self.covered_from is None or self.covered_from > before):
            return
        if before is None and (self.covered_to is None or begin > self.covered_to):
            self.covered_from, self.covered_to = begin, until or self.covered_to
            return
        self.covered_from = min(begin, self.covered_from or begin)
        self.covered_to = max(filter(None, (self.covered_to, until)), default=None)
