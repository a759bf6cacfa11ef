"""Pull requests with their reviews, commits and changed files, as GitHub last reported them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from apps.repositories.models import TrackedRepository

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager


class PullRequest(models.Model):
    """A pull request; the `*_total` columns are GitHub's own counts, which show whether its lists are complete."""

    reviews: RelatedManager[Review]
    commits: RelatedManager[Commit]
    files: RelatedManager[ChangedFile]
    repository = models.ForeignKey(TrackedRepository, on_delete=models.CASCADE, related_name="pull_requests")
    github_id = models.BigIntegerField(null=True, help_text="GitHub's fullDatabaseId; null, as in all numbers: not said")
    number = models.IntegerField()
    title = models.TextField()
    body = models.TextField()
    state = models.CharField(max_length=10)
    is_draft = models.BooleanField()
    url = models.TextField()
    author = models.TextField(null=True, help_text="null: a deleted account")
    author_kind = models.TextField(null=True)
    merged_by = models.TextField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    merged_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    merge_commit_oid = models.TextField(null=True)
    base_ref = models.TextField()
    head_ref = models.TextField()
    head_repository = models.TextField(null=True, help_text="null: a deleted fork")
    additions = models.IntegerField(null=True)
    deletions = models.IntegerField(null=True)
    changed_files = models.IntegerField(null=True)
    reviews_total = models.IntegerField()
    commits_total = models.IntegerField()
    files_total = models.IntegerField(null=True, help_text="null: GitHub could not compute the changes")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["repository", "number"], name="one_pull_request_per_number"),
        ]
        indexes = [
            models.Index(fields=["repository", "updated_at"]),
            models.Index(
                fields=["repository", "merged_at"],
                name="pulls_merged_of_repository",
                condition=models.Q(merged_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.number} {self.title}"


class Review(models.Model):
    """A review of a pull request."""

    pull_request = models.ForeignKey(PullRequest, on_delete=models.CASCADE, related_name="reviews")
    node_id = models.TextField(help_text="GitHub's node id")
    github_id = models.BigIntegerField(null=True)
    author = models.TextField(null=True)
    author_kind = models.TextField(null=True)
    state = models.CharField(max_length=20)
    body = models.TextField()
    submitted_at = models.DateTimeField(null=True)
    commit_oid = models.TextField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pull_request", "node_id"], name="one_review_per_node")]

    def __str__(self) -> str:
        return f"{self.state} by {self.author}"


class Commit(models.Model):
    """A commit of a pull request."""

    pull_request = models.ForeignKey(PullRequest, on_delete=models.CASCADE, related_name="commits")
    oid = models.TextField()
    message = models.TextField()
    author_login = models.TextField(null=True)
    author_name = models.TextField(null=True)
    authored_at = models.DateTimeField(null=True, help_text="null: outside the years 1 to 9999, which git allows")
    committed_at = models.DateTimeField(null=True)
    additions = models.IntegerField(null=True)
    deletions = models.IntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pull_request", "oid"], name="one_commit_per_oid")]

    def __str__(self) -> str:
        return self.oid[:10]


class ChangedFile(models.Model):
    """A file that a pull request changes."""

    pull_request = models.ForeignKey(PullRequest, on_delete=models.CASCADE, related_name="files")
    path = models.TextField()
    additions = models.IntegerField(null=True)
    deletions = models.IntegerField(null=True)
    change_type = models.CharField(max_length=20)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pull_request", "path"], name="one_file_per_path")]

    def __str__(self) -> str:
        return self.path
