"""What was read need not be read again, and windows join without a hole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from apps.github_simulator.testing import SimulatedGitHub, simulator
from apps.integrations import onboarding_pipeline as pipeline
from apps.integrations.errors import ServerError
from apps.integrations.github import answers
from apps.integrations.models import PipelineRun, RepoSync
from apps.integrations.runs.steps import Step
from apps.repositories.models import TrackedRepository
from apps.utils import clock
from telemetry.testing import Capture
from tests.integrations.syncing import attempt, begin, held, stored, synced, tracked

NAME = "synthetic/repo-0"


@pytest.fixture
def github() -> Iterator[SimulatedGitHub]:
    """Sixty pull requests, one every three hours."""
    with simulator(synthetic=60) as simulated:
        yield simulated


def _read(captrace: Capture) -> list[int]:
    return [line["pr_number"] for line in captrace.lines if line["event"] == "sync.pr.processed"]


@pytest.mark.django_db(transaction=True)
def test_a_second_sync_reads_only_what_changed(github: SimulatedGitHub, captrace: Capture) -> None:
    """From the watermark less a minute on: one page, and the closing query."""
    repository = tracked(github, NAME)
    synced(repository)
    github.touch(NAME, 3, title="Edited")
    github.force_push(NAME, 7)
    captrace.clear()
    row = synced(repository)
    assert set(_read(captrace)) == {3, 7, 60}
    assert (row.requests, row.prs_done, row.prs_total) == (3, 3, 3)
    assert stored(repository) == held(github, NAME)


@pytest.mark.django_db(transaction=True)
def test_a_window_that_begins_after_the_watermark_is_read_no_further(github: SimulatedGitHub) -> None:
    """What lies between the two is nobody's to read."""
    repository = tracked(github, NAME)
    synced(repository)
    now = clock.now()
    for days, reads_from in ((5, timedelta(days=3, minutes=1)), (1, timedelta(days=1))):
        TrackedRepository.objects.update(covered_to=now - timedelta(days=3))
        repository.refresh_from_db()
        assert synced(repository, since=now - timedelta(days=days)).since == now - reads_from


@pytest.mark.django_db(transaction=True)
def test_what_github_s_replicas_told_late_is_read(github: SimulatedGitHub) -> None:
    """An update up to a minute before the watermark, of which the sync that set it saw nothing."""
    repository = tracked(github, NAME)
    synced(repository)
    watermark = TrackedRepository.objects.get().covered_to
    assert watermark is not None
    github.touch(NAME, 3, at=watermark - timedelta(seconds=50), title="Edited")
    synced(repository)
    assert stored(repository) == held(github, NAME)


@pytest.mark.parametrize("apart", [timedelta(minutes=-5), timedelta(0), timedelta(minutes=5), None])
@pytest.mark.django_db(transaction=True)
def test_a_pull_request_of_the_future_hides_no_later_change(
    apart: timedelta | None, github: SimulatedGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a server whose clock was wrong for a while: what changes today is read by this sync's end, and by the next.

    Whether GitHub's clock is ahead of ours or behind, or it does not say.
    """
    gone_by = timedelta(0) if apart is None else apart
    monkeypatch.setattr(answers, "date_of", lambda _headers: None if apart is None else clock.now() + apart)
    repository = tracked(github, NAME)
    github.touch(NAME, 9, at=clock.now() + timedelta(days=20_000), title="Of the future")

    def meanwhile(request: int) -> None:
        if request == 2:
            github.touch(NAME, 58, at=clock.now() + gone_by, title="Read already")

    synced(repository, before_request=meanwhile)
    assert stored(repository) == held(github, NAME)
    github.touch(NAME, 3, at=clock.now() + gone_by, title="Edited")
    synced(TrackedRepository.objects.get())
    assert stored(repository) == held(github, NAME)


@pytest.mark.django_db(transaction=True)
def test_a_repository_that_took_the_name_of_another_is_read_whole(github: SimulatedGitHub) -> None:
    """What was covered was the other's: nothing of this one is older than a watermark, and what it never had goes."""
    repository = tracked(github, NAME)
    synced(repository)
    github.remove(NAME)
    github.rename(github.add_synthetic(30, seed=7).name_with_owner, NAME)
    synced(repository)
    assert stored(repository) == held(github, NAME)


@pytest.mark.django_db(transaction=True)
def test_an_interrupted_sync_advances_no_watermark(github: SimulatedGitHub) -> None:
    """The newest pages are stored and the older ones are not: the next attempt reads on, and only then it moves."""
    repository = tracked(github, NAME)
    synced(repository)
    before = TrackedRepository.objects.get().covered_to
    for number in range(1, 31):
        github.touch(NAME, number, title=f"Edited {number}")

    def fail(request: int) -> None:
        if request == 2:
            raise ServerError("cut")

    row = begin(repository)
    with pytest.raises(ServerError):
        attempt(row, before_request=fail)
    assert TrackedRepository.objects.get().covered_to == before
    attempt(row)
    after = TrackedRepository.objects.get().covered_to
    assert before is not None
    assert after is not None
    assert after > before
    assert stored(repository) == held(github, NAME)


@pytest.mark.django_db(transaction=True)
def test_a_larger_window_reads_what_the_smaller_left_out(github: SimulatedGitHub) -> None:
    """From a day to two to all history; how many GitHub counts in all is kept beside how many are stored."""
    repository = tracked(github, NAME)
    now = datetime.now(UTC)
    for since, count in ((now - timedelta(days=1), 8), (now - timedelta(days=2), 16), (None, 60)):
        row = synced(repository, since=since)
        assert row.prs_done == row.prs_total == len(stored(repository)) == count
        counted = TrackedRepository.objects.get()
        assert (counted.github_count, counted.stored_count) == (60, count)
        assert counted.counted_at is not None
        assert row.started_at is not None
        assert row.started_at < counted.counted_at <= clock.now()
    assert stored(repository) == held(github, NAME)
    assert TrackedRepository.objects.get().covers(None)


@pytest.mark.django_db(transaction=True)
def test_a_backfill_begins_where_the_recent_run_stopped(github: SimulatedGitHub) -> None:
    """No pull request is read in both, and none that moves between them in neither."""
    repository = tracked(github, NAME)
    first = begin(repository, since=datetime.now(UTC) - timedelta(days=1), backfill=pipeline.Backfill(None))
    attempt(first)
    now = datetime.now(UTC)
    github.touch(NAME, 5, at=now, title="Edited")  # it has left the second window between the phases
    github.touch(NAME, 6, at=now + timedelta(seconds=2), title="Edited")  # and another later
    second = _backfill_of(first)
    seen = len(github.requests())
    attempt(second)
    pages = [each.variables["after"] for each in github.requests()[seen:] if each.operation == "PullRequests"]
    first.refresh_from_db()
    assert pages[0] == first.cursor
    assert stored(repository) == held(github, NAME)
    second.refresh_from_db()
    assert first.prs_done + second.prs_done == 60 - 2  # those were read by the closing query alone
    assert TrackedRepository.objects.get().covers(None)


@pytest.mark.django_db(transaction=True)
def test_a_backfill_of_what_is_empty_by_then_is_complete(github: SimulatedGitHub) -> None:
    """Everything was deleted at GitHub since the recent run, and is deleted here."""
    repository = tracked(github, NAME)
    first = begin(repository, since=datetime.now(UTC) - timedelta(days=1), backfill=pipeline.Backfill(None))
    attempt(first)
    for number in list(github.repository(NAME).pull_requests):
        github.remove_pull_request(NAME, number)
    attempt(_backfill_of(first))
    assert stored(repository) == held(github, NAME) == {}


@pytest.mark.django_db(transaction=True)
def test_a_window_counts_what_is_in_it_alone(github: SimulatedGitHub, captrace: Capture) -> None:
    """One that has to begin at the newest pull request meets those after its end too: the closing query reads them, once."""
    repository = tracked(github, NAME)
    now = datetime.now(UTC)
    first = begin(repository, since=now - timedelta(days=1), backfill=pipeline.Backfill(now - timedelta(days=3)))
    attempt(first)
    second = _backfill_of(first)
    RepoSync.objects.filter(pk=second.pk).update(start_cursor=None)
    captrace.clear()
    attempt(second)
    second.refresh_from_db()
    assert (second.prs_done, first.run.since) == (16, second.run.before)
    newest = [number for number in _read(captrace) if number > 60 - 8]
    assert sorted(newest) == sorted(set(newest))
    assert captrace.lines[-1]["event"] == "sync.pr.processed"


@pytest.mark.django_db(transaction=True)
def test_what_is_stored_already_needs_no_phase_2(github: SimulatedGitHub) -> None:
    """The recent run ends, and says nothing of a background."""
    repository = tracked(github, NAME)
    synced(repository)
    row = begin(repository, since=datetime.now(UTC) - timedelta(days=1), backfill=pipeline.Backfill(None))
    attempt(row)
    assert _through_recent(row) == []
    assert not PipelineRun.objects.filter(follows=row.run).exists()


def _backfill_of(row: RepoSync) -> RepoSync:
    _through_recent(row)
    return RepoSync.objects.get(run__follows=row.run)


def _through_recent(row: RepoSync) -> list[Step]:
    """The steps that follow the recent run's own, whose tasks have nothing to do here."""
    pipeline.advance(row.run_id)
    pipeline.complete_phase(row.run_id, "llm_processing")
    return pipeline.complete_phase(row.run_id, "computing_metrics")
