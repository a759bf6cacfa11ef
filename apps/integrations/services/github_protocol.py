"""GitHub's API without a network: what is sent, what comes back, as pure functions. No I/O."""

from __future__ import annotations

from apps.integrations.services.github_nodes import (
    Actor,
    CommitNode,
    Connection,
    FileNode,
    PullRequestNode,
    PullRequestPage,
    RateLimit,
    RepositoryInfo,
    RepositoryNode,
    RepositoryTotals,
    Response,
    ReviewNode,
)

__all__ = [
    "Actor",
    "CommitNode",
    "Connection",
    "FileNode",
    "PullRequestNode",
    "PullRequestPage",
    "RateLimit",
    "RepositoryInfo",
    "RepositoryNode",
    "RepositoryTotals",
    "Response",
    "ReviewNode",
]
