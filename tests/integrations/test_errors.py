"""What every error of the tree promises to those who show, count and retry it."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from apps.integrations import errors
from apps.integrations.errors import (
    GitHubError,
    Moved,
    Parked,
    RateLimited,
    SecondaryLimited,
    SyncError,
    advice_for,
    limit_in_words,
    passing_types,
    sentences,
)

PACKAGE = f"{errors.__name__}."


def _tree(kind: type[SyncError] = SyncError) -> Iterator[type[SyncError]]:
    yield kind
    for child in kind.__subclasses__():
        if child.__module__.startswith(PACKAGE):
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
    """Reading the head of the package shows every error, and the package offers each."""
    assert all(re.search(rf"\b{kind.__name__}\b", errors.__doc__ or "") for kind in TREE)
    assert {kind.__name__ for kind in TREE} <= set(errors.__all__)


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


PASSING = {
    *("rate_limited", "secondary_limited", "parked", "stands_back", "lane_lost", "not_in_time", "not_ready", "conflict"),
    *("server_error", "unreachable", "tls_broken", "certificate_untrusted", "out_of_time"),
    *("query_timeout", "query_failed", "too_costly", "partial_answer", "invalid_answer"),
}


def test_what_may_pass_by_itself_is_tried_again_and_nothing_else() -> None:
    """A limit, a server or a network in trouble, a turn that was lost; no refusal, and nothing that somebody has to mend."""
    assert passing_types() == PASSING
    assert {kind.error_type for kind in TREE if kind.retryable} == PASSING


def test_a_limit_that_others_have_caused_says_so() -> None:
    """What to look for is said in place of waiting alone, and of this error alone."""
    error, another = SecondaryLimited("slow down", retry_after=60.0), SecondaryLimited("slow down")
    error.betray(449)
    assert str(error) == (
        "slow down (from here at most 449 requests were sent in the last minute, one at a time: "
        "something else uses this account too)"
    )
    assert (error.account_is_shared, another.account_is_shared) == (True, False)
    assert "a second installation" in error.advice
    assert another.advice == SecondaryLimited.advice
    assert error.retry_after == 60.0


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("primary", "GitHub's primary limit"),
        ("secondary", "GitHub's secondary limit"),
        ("retry_after", "GitHub's own Retry-After"),
    ],
)
def test_a_limit_has_a_name(reason: str, words: str) -> None:
    """The one that GitHub's documentation has for it."""
    assert limit_in_words(reason) == words


def test_advice_is_found_by_the_code_alone() -> None:
    """As rows keep it; a code of somebody else's has none."""
    assert {kind.error_type: advice_for(kind.error_type) for kind in TREE} == {kind.error_type: kind.advice for kind in TREE}
    assert advice_for("KeyError") is None
    assert sentences("It is gone. ", "Look.") == sentences("It is gone", "Look.") == "It is gone. Look."
