"""What every error of the tree promises to those who show, count and retry it."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from apps.integrations.errors import GitHubError, Moved, Parked, RateLimited, SyncError


def _tree(kind: type[SyncError] = SyncError) -> Iterator[type[SyncError]]:
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ == SyncError.__module__:
            yield from _tree(child)


TREE = list(_tree())


def test_every_code_is_stable_text_of_its_own() -> None:
    """Codes are told apart, and look like codes."""
    codes = [kind.error_type for kind in TREE]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z_]+", code) for code in codes)


@pytest.mark.parametrize("kind", TREE)
def test_every_error_says_what_to_do(kind: type[SyncError]) -> None:
    """Advice is a whole sentence."""
    assert kind.advice.endswith(".")
    assert kind.advice[0].isupper()


def test_the_docstring_draws_the_whole_tree() -> None:
    """Who reads the module's head has seen every error."""
    import apps.integrations.errors as module

    assert all(re.search(rf"\b{kind.__name__}\b", module.__doc__ or "") for kind in TREE)


@pytest.mark.parametrize(
    "error",
    [
        GitHubError("no", http_status=500, request_id="A1", retry_after=3.0, points_cost=1),
        RateLimited("no", reset_at=datetime(2026, 1, 1, tzinfo=UTC), http_status=403),
        Moved("no", location="https://api.github.com/repositories/1"),
        Parked(datetime(2026, 1, 1, tzinfo=UTC), "primary"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_evidence_survives_pickling(error: SyncError) -> None:
    """Celery carries errors from process to process."""
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own bytes
    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))


def test_a_parked_wait_says_until_when() -> None:
    """The sentence names the limit and the time."""
    assert str(Parked(datetime(2026, 1, 1, tzinfo=UTC), "primary")) == (
        "GitHub's primary limit holds until 2026-01-01T00:00:00Z"
    )


def test_a_person_is_told_no_secret() -> None:
    """Not even one that a server has sent back to us."""
    told = GitHubError("400: bad header Authorization: Bearer ghp_0123456789abcdef0123").in_full()
    assert "ghp_" not in told
    assert told.startswith("400: bad header")
