"""What one repository's sync stores equals what GitHub has, whatever happens there meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from apps.catalog import RepoSynced
from apps.github_simulator.testing import SimulatedGitHub, simulator
from apps.integrations.errors import GitHubError, IncompleteHistory, InvalidAnswer, PartialAnswer, SyncError
from apps.integrations.models import RepoSync
from apps.pulls.models import PullRequest
from apps.repositories.models import TrackedRepository
from apps.utils import clock
from telemetry.testing import Capture
from tests.integrations.syncing import attempt, begin, held, stored, synced, tracked

NAME = "synthetic/repo-0"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def github() -> Iterator[SimulatedGitHub]:
    """Sixty pull requests, among them lists over a hundred and everybody who may be deleted."""
    with simulator(synthetic=60) as simulated:
        yield simulated


def _sent(github: SimulatedGitHub) -> tuple[int, int]:
    stats = github.stats()
    return sum(stats["requests"].values()), stats["points"]


def test_a_whole_history_is_stored_as_github_has_it(github: SimulatedGitHub) -> None:
    """Ghosts, deleted forks and lists over a hundred included; every count is the same one."""
    repository = tracked(github, NAME)
    row = synced(repository)
    assert stored(repository) == held(github, NAME)
    assert (row.state, row.disposition, row.gaps) == ("completed", "synced", [])
    assert row.prs_done == row.prs_total == len(held(github, NAME))


def test_what_changes_while_we_page_is_stored_as_it_is_at_the_end(github: SimulatedGitHub) -> None:
    """Edited before and after it was read, opened, force-pushed, reviewed, deleted: after the first page."""
    repository = tracked(github, NAME)

    def meanwhile(request: int) -> None:
        if request == 2:
            github.touch(NAME, 58, title="Read already")
            github.touch(NAME, 3, title="Not read yet")
            github.add_pull_request(NAME, title="Opened meanwhile")
            github.force_push(NAME, 57, messages=["Other"], files=["other.py"])
            github.keep_reviews(NAME, 40, 2)
            github.remove_pull_request(NAME, 5)

    row = synced(repository, before_request=meanwhile)
    assert stored(repository) == held(github, NAME)
    assert row.prs_done == row.prs_total == len(held(github, NAME))


def test_what_is_deleted_at_github_is_deleted_here(github: SimulatedGitHub) -> None:
    """With its reviews, commits and files, also when it was stored long before."""
    repository = tracked(github, NAME)

    def meanwhile(request: int) -> None:
        if request == 2:
            github.remove_pull_request(NAME, 59)

    synced(repository, before_request=meanwhile)
    assert stored(repository) == held(github, NAME)
    github.remove_pull_request(NAME, 12)
    TrackedRepository.objects.update(covered_from=None)
    synced(TrackedRepository.objects.get())
    assert stored(repository) == held(github, NAME)


def test_a_pull_request_deleted_while_its_lists_are_read_is_met_no_more(github: SimulatedGitHub) -> None:
    """The attempt fails, the repository is not taken for gone, and the next attempt is complete."""
    row = begin(tracked(github, NAME))

    def meanwhile(request: int) -> None:
        if request == 2:
            github.remove_pull_request(NAME, 40)

    with pytest.raises(PartialAnswer):
        attempt(row, before_request=meanwhile)
    attempt(row)
    assert stored(row.repository) == held(github, NAME)


def test_more_files_than_github_lists_are_a_recorded_gap(github: SimulatedGitHub) -> None:
    """The first 3,000 are stored, and the row says how many there are."""
    repository = tracked(github, NAME)
    github.set_files(NAME, 60, [f"src/{index:05}.py" for index in range(3_050)])
    row = synced(repository, since=datetime.now(UTC) - timedelta(hours=1))
    assert stored(repository)[60] == held(github, NAME)[60]
    assert row.gaps == [{"pull_request": 60, "list": "files", "stored": 3_000, "total": 3_050}]
    later = datetime.now(UTC) + timedelta(hours=1)
    assert synced(TrackedRepository.objects.get(), since=later).gaps == []


CURED_AT_ONCE = [
    {"fault": "query_timeout"},
    {"fault": "primary_limit", "reset_in": 30},
    {"fault": "data_null_string"},
    {"fault": "secondary_limit", "status": 200},
    {"fault": "limit_page", "status": 403},
    {"fault": "primary_limit_variant", "reset_in": 30},
    {"fault": "gateway_timeout", "delay_ms": 1_000},
    {"fault": "secondary_limit", "status": 403, "retry_after": 3},
    {"fault": "resource_limits"},
    {"fault": "secondary_limit", "status": 429},
    {"fault": "null_nodes"},
]
CURED_BY_THE_NEXT_ATTEMPT = [
    {"fault": "primary_limit", "reset_in": 300},
    {"fault": "server_error"},
    {"fault": "html_page"},
    {"fault": "invalid_json"},
    {"fault": "cut_body"},
    {"fault": "connection_reset"},
    {"fault": "bad_gateway_page"},
    {"fault": "unavailable", "status": 503, "html": True, "retry_after": 7},
    {"fault": "accepted"},
    {"fault": "conflict"},
]


@pytest.mark.parametrize("faults", [CURED_AT_ONCE, CURED_BY_THE_NEXT_ATTEMPT], ids=["at-once", "by-the-next-attempt"])
def test_no_fault_leaves_a_hole(faults: list[dict[str, object]], github: SimulatedGitHub) -> None:
    """Every second GraphQL request meets one: waited for, asked for less, or read from the cursor on by another attempt."""
    name = github.add_synthetic(180, seed=1).name_with_owner
    repository = tracked(github, name)
    github.add_faults(*({"match": {"api": "graphql"}, "nth": 2 * n, **fault} for n, fault in enumerate(faults, start=1)))
    row = begin(repository)
    with clock.using(clock.SteppedClock(datetime.now(UTC))) as stepped:
        while row.state != RepoSync.State.COMPLETED:
            with suppress(SyncError):
                attempt(row)
            row.refresh_from_db()
            stepped.sleep(300)
    assert stored(repository) == held(github, name)
    assert [seen.fault for seen in github.requests() if seen.fault] == [fault["fault"] for fault in faults]
    assert row.attempt in ([1] if faults is CURED_AT_ONCE else range(2, 2 + len(faults)))  # an attempt may meet two


def test_pages_shrink_to_one_and_grow_again(github: SimulatedGitHub, captrace: Capture) -> None:
    """Files are left to a second pass on the way; the rows are the same."""
    repository = tracked(github, NAME)
    github.add_faults({"fault": "query_timeout", "match": {"operation": "PullRequests"}, "times": 5})
    synced(repository)
    sizes = [
        span.attributes["sync.page.size"] for span in captrace.spans if span.attributes.get("query_name") == "PullRequests"
    ]
    assert sizes[:6] == [25, 12, 6, 6, 3, 1]
    assert max(int(str(size)) for size in sizes[6:]) > 6
    assert stored(repository) == held(github, NAME)


def test_lines_tell_of_every_tenth_and_of_each_pull_request(captrace: Capture) -> None:
    """In per cent of what is expected, with what GitHub has of each list; of two repositories each its own."""
    for seed, total in enumerate((25, 32)):
        with simulator(synthetic=total, seed=seed) as github:
            name = f"synthetic/repo-{seed}"
            repository = tracked(github, name)
            captrace.clear()
            synced(repository)
            of_github = {number: tuple(map(len, one[5:])) for number, one in held(github, name).items()}
        told = captrace.find_lines(event="sync.repo.progress")
        assert [(line["prs_done"], line["prs_total"], line["pct"]) for line in told] == [
            (done, total, round(100 * done / total, 1)) for done in range(10, total + 1, 10)
        ]
        assert {(line["team_id"], line["repo_id"]) for line in told} == {(repository.team_id, repository.pk)}
        lines = captrace.find_lines(event="sync.pr.processed")
        assert {line["pr_number"]: (line["reviews"], line["commits"], line["files"]) for line in lines} == of_github
        ids = dict(PullRequest.objects.filter(repository=repository).values_list("number", "github_id"))
        assert {line["pr_number"]: line["pr_id"] for line in lines} == ids


def test_every_request_of_every_attempt_is_counted(github: SimulatedGitHub) -> None:
    """The row says what the simulator has seen: REST and GraphQL, answered, refused and failed."""
    repository = tracked(github, NAME)
    github.add_faults(
        {"fault": "query_timeout", "match": {"operation": "PullRequests"}, "points": 2},
        {"fault": "query_timeout", "match": {"operation": "PullRequestLists"}},
        {"fault": "server_error", "match": {"operation": "PullRequests"}, "nth": 3},
    )
    before = _sent(github)
    row = begin(repository)
    with pytest.raises(GitHubError):
        attempt(row)
    attempt(row)
    row.refresh_from_db()
    assert row.requests == _sent(github)[0] - before[0]


def test_progress_alone_forgives_failures(github: SimulatedGitHub) -> None:
    """A page of the window does; the closing query, which begins again in each attempt, would let it fail for ever."""
    row = begin(tracked(github, NAME))
    RepoSync.objects.update(failures=3)
    seen: list[int] = []

    def look(_request: int) -> None:
        row.refresh_from_db()
        seen.append(row.failures)
        if row.paged:
            RepoSync.objects.update(failures=5)

    attempt(row, before_request=look)
    row.refresh_from_db()
    assert (seen[0], seen[-1], row.failures) == (3, 0, 5)


def test_a_history_that_stays_short_is_read_again_once_and_fails(github: SimulatedGitHub) -> None:
    """One pull request less is stored than GitHub counts: an error, not a loop, and nothing counts as covered."""

    def lose_one(_request: int) -> None:
        PullRequest.objects.filter(number=1).delete()

    repository = tracked(github, NAME)
    row = begin(repository)
    before = _sent(github)[0]
    with pytest.raises(IncompleteHistory, match="59 pull requests are stored, but GitHub counts 60") as caught:
        attempt(row, before_request=lose_one)
    assert not caught.value.retryable
    assert _sent(github)[0] - before < 30
    repository.refresh_from_db()
    assert repository.covered_from is None
    row.refresh_from_db()
    assert row.prs_done == 60


@pytest.mark.parametrize(("listed", "is_circle"), [(1_060, False), (1_061, True)])
def test_pages_that_lead_in_a_circle_over_many_attempts_fail(listed: int, is_circle: bool, github: SimulatedGitHub) -> None:
    """Each would go on at the last one's cursor, and its page forgive what failed before: for ever."""
    row = begin(tracked(github, NAME))
    RepoSync.objects.update(prs_done=listed)
    with (
        pytest.raises(IncompleteHistory, match="counts 60 pull requests and has listed 1121") if is_circle else nullcontext()
    ):
        attempt(row)


def test_a_repository_tracked_by_both_of_its_names_is_complete_under_each(github: SimulatedGitHub) -> None:
    """The old name leads to the new one, and stays ours: the new one is taken."""
    old = tracked(github, NAME)
    github.rename(NAME, "synthetic/new-name")
    new = tracked(github, "synthetic/new-name")
    assert [synced(one).disposition for one in (old, new)] == ["renamed", "synced"]
    assert stored(old) == stored(new) == held(github, "synthetic/new-name")


def _no_answer(_number: int) -> None:
    raise InvalidAnswer("Half an answer", http_status=200)


@pytest.mark.parametrize(
    ("stays", "told"),
    [(True, ("archived", "archived: GitHub takes no more changes to it")), (False, ("synced", ""))],
)
def test_what_an_earlier_attempt_found_archived_is_not_renamed(
    stays: bool, told: tuple[str, str], github: SimulatedGitHub
) -> None:
    """Nor archived once it is open again."""
    row = begin(tracked(github, NAME))
    github.archive(NAME)
    with pytest.raises(InvalidAnswer):
        attempt(row, before_request=_no_answer)
    row.refresh_from_db()
    assert row.note == "archived: GitHub takes no more changes to it"
    github.archive(NAME, archived=stays)
    attempt(row)
    row.refresh_from_db()
    assert (row.disposition, row.note) == told


def test_what_an_earlier_attempt_found_renamed_stays_so(github: SimulatedGitHub) -> None:
    """A later one asks by the new name, which says nothing of the old one."""
    row = begin(tracked(github, NAME))
    github.rename(NAME, "synthetic/new-name")
    with pytest.raises(InvalidAnswer):
        attempt(row, before_request=_no_answer)
    github.archive("synthetic/new-name")
    attempt(row)
    row.refresh_from_db()
    assert (row.disposition, row.note) == ("renamed", f"renamed: {NAME} is now synthetic/new-name")


def test_two_runs_over_one_repository_do_not_disturb_each_other(github: SimulatedGitHub) -> None:
    """Both write the same pages at the same time, and both are complete."""
    repository = tracked(github, NAME)
    rows = [begin(repository), begin(repository)]
    with ThreadPoolExecutor() as threads:
        assert [done.prs_synced for done in threads.map(_attempt_and_leave, rows)] == [60, 60]
    assert stored(repository) == held(github, NAME)


def _attempt_and_leave(row: RepoSync) -> RepoSynced:
    try:
        return attempt(row)
    finally:
        connection.close()


def test_an_empty_repository_is_complete(github: SimulatedGitHub) -> None:
    """Nothing of nothing; and again, though nothing says up to when it is stored."""
    for number in list(github.repository(NAME).pull_requests):
        github.remove_pull_request(NAME, number)
    repository = tracked(github, NAME)
    for row in (synced(repository), synced(repository)):
        assert (row.state, row.prs_done, row.prs_total) == ("completed", 0, 0)


ODD = [
    ("title", '"half \\ud83d"', "title", "text"),
    ("body", '"\\udc00"', "body", "text"),
    ("message", '"a\\u0000b"', "commits.commit.message", "text"),
    ("authoredDate", '"0000-01-01T00:00:00Z"', "commits.commit.authoredDate", "date"),
    ("createdAt", '"12026-01-01T00:00:00Z"', "createdAt", "date"),
    ("additions", "null", "additions", "number"),
    ("fullDatabaseId", "null", "fullDatabaseId", "number"),
]


@pytest.mark.parametrize(("field", "value", "place", "reason"), ODD, ids=[field for field, *_ in ODD])
def test_an_odd_value_in_every_pull_request_of_a_page_spoils_itself_alone(
    field: str, value: str, place: str, reason: str, github: SimulatedGitHub, captrace: Capture
) -> None:
    """In one attempt: every pull request is stored, and the row says of which the value is not as GitHub has it."""
    name = github.add_synthetic(60, seed=3).name_with_owner
    repository, other = tracked(github, name), tracked(github, NAME, slug="others")
    github.add_faults({"fault": "odd_value", "match": {"operation": "PullRequests"}, "field": field, "json": value})
    row, next_row = synced(repository), synced(other)
    assert set(stored(repository)) == set(held(github, name))
    gaps = [gap for gap in row.gaps if gap["field"] == place]
    assert {gap["reason"] for gap in gaps} == {reason}
    assert 0 < len({gap["pull_request"] for gap in gaps}) <= 25
    assert (row.attempt, next_row.gaps) == (1, [])
    assert [line["event"] for line in captrace.lines if line["level"] == "error"] == []


def test_a_hidden_pull_request_is_a_gap_and_the_others_are_stored(github: SimulatedGitHub, captrace: Capture) -> None:
    """It is hidden whenever it is asked for; the history is complete but for it, and nothing that was stored is deleted."""
    name = github.add_synthetic(60, seed=4).name_with_owner
    repository, everything = tracked(github, name), held(github, name)
    hidden = sorted(everything, key=lambda number: (everything[number][0][3], number), reverse=True)[2]
    oldest_first = sorted(github.repository(name).pull_requests.values(), key=lambda one: (one.created_at, one.database_id))
    place = [one.number for one in oldest_first].index(hidden)
    github.add_faults(
        {"fault": "sso_partial", "match": {"operation": "PullRequests", "continued": False}, "indexes": [2], "times": None},
        {"fault": "sso_partial", "match": {"operation": "PullRequestNumbers"}, "indexes": [place], "times": None},
    )
    row = synced(repository)
    assert stored(repository) == {number: one for number, one in everything.items() if number != hidden}
    (gap,) = [gap for gap in row.gaps if gap["field"] == "pullRequests"]
    assert (gap["pull_request"], gap["reason"]) == (None, "hidden")
    assert (row.state, row.disposition, row.attempt) == ("completed", "synced", 1)
    assert "partial" in {line["status"] for line in captrace.lines if line["event"] == "sync.api.graphql"}


def test_what_was_hidden_for_a_moment_is_no_gap(github: SimulatedGitHub) -> None:
    """Everything was read in the end."""
    name = github.add_synthetic(40, seed=7).name_with_owner
    repository = tracked(github, name)
    github.add_faults({"fault": "sso_partial", "match": {"operation": "PullRequests"}, "indexes": [30, 31]})
    github.add_faults({"fault": "sso_partial", "match": {"operation": "PullRequests"}, "indexes": [0, 5]})
    row = synced(repository)
    assert (stored(repository), row.gaps) == (held(github, name), [])


def test_what_is_hidden_from_a_later_sync_is_a_gap_though_it_is_stored(github: SimulatedGitHub) -> None:
    """It may have changed since; what was stored of it stays."""
    name = github.add_synthetic(40, seed=7).name_with_owner
    repository = tracked(github, name)
    synced(repository)
    github.add_faults({"fault": "sso_partial", "match": {"operation": "PullRequests"}, "indexes": [0], "times": None})
    repository.refresh_from_db()
    row = synced(repository)
    assert [(gap["pull_request"], gap["reason"]) for gap in row.gaps] == [(None, "hidden")]
    assert stored(repository) == held(github, name)


def test_what_is_missing_beside_a_hidden_pull_request_is_still_missed(github: SimulatedGitHub) -> None:
    """That one is hidden excuses no other."""
    name = github.add_synthetic(40, seed=6).name_with_owner
    repository = tracked(github, name)
    github.add_faults(
        {"fault": "sso_partial", "match": {"operation": "PullRequests", "continued": False}, "indexes": [2], "times": None}
    )
    row = begin(repository)

    def lose_one(request: int) -> None:
        if request > 1:
            PullRequest.objects.filter(repository=repository, number__lt=request).delete()

    with pytest.raises(IncompleteHistory):
        attempt(row, before_request=lose_one)


def test_a_server_without_long_numbers_is_asked_for_short_ones(github: SimulatedGitHub, captrace: Capture) -> None:
    """Once refused, in a whole sync: every other request is put in its words, and everything is stored."""
    repository = tracked(github, NAME)
    github.add_faults({"fault": "undefined_field", "times": None})
    row = synced(repository)
    assert set(stored(repository)) == set(held(github, NAME))
    calls = [span for span in captrace.spans if span.name == "sync.api.graphql"]
    assert [span.attributes.get("error.type") for span in calls if span.outcome == "failed"] == ["undefined_field"]
    assert (row.state, row.attempt) == ("completed", 1)
    captrace.clear()
    synced(repository)
    assert [span.outcome for span in captrace.spans if span.name == "sync.api.graphql" and span.outcome != "completed"] == []
