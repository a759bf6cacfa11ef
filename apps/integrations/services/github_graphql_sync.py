"""Sync one repository's window of pull requests: store it completely, or raise an error that says what is missing.

A window goes by `updatedAt`, newest first, as GitHub pages. A page's rows and its cursor are committed together, so
that after an attempt that died, at whichever request, the next continues at the cursor and arrives at the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.db import transaction

from apps import catalog
from apps.integrations.errors import IncompleteHistory, StandsBack
from apps.integrations.github.nodes import Flaw, PullRequestNode, PullRequestPage
from apps.integrations.models import RepoSync
from apps.integrations.runs import admission, attempts
from apps.integrations.runs.attempts import Attempt
from apps.integrations.services.clients import Clients
from apps.integrations.services.gaps import hides_pull_requests, new_flaws, without_pull_requests
from apps.integrations.services.mapping import page_rows
from apps.pulls.rows import PageRows
from apps.pulls.store import Stored, count_stored, delete_pull_requests, gaps, store_page, stored_numbers
from apps.repositories.models import BEGINNING, TrackedRepository
from apps.utils import clock
from apps.utils.boottime import boottime
from telemetry import emit
from telemetry.model import Event

OVERLAP = timedelta(minutes=1)
"""How far before the watermark an incremental sync reads again, because GitHub's replicas may lag."""
_RENAMED = "renamed: "
"""The beginning of the note on a row whose repository was renamed."""
_PROGRESS_EVERY = 10
_CLOSING_PASSES = 3
_GROWS_MEANWHILE = 1_000
"""By how many pull requests the listing may exceed twice GitHub's count: many may be deleted meanwhile."""


def sync_pull_requests(
    *, row: RepoSync, attempt: Attempt, clients: Clients, hand_over: Callable[[], None] = lambda: None
) -> catalog.RepoSynced:
    """Store the window of `row`, committing page by page, and complete the row.

    `hand_over` is called once, as far as can be told, everything has been asked of GitHub. Raises `StandsBack` after a
    page if others want the attempt's place.
    """
    return _Sync(row, attempt, clients, hand_over).run()


class _Sync:
    """One attempt's progress through one repository; what must survive the attempt is kept on its row."""

    def __init__(self, row: RepoSync, attempt: Attempt, clients: Clients, hand_over: Callable[[], None]) -> None:
        self.row, self.attempt, self.clients, self.hand_over = row, attempt, clients, hand_over
        self.began = boottime()
        self.repository: TrackedRepository = row.repository
        self.disposition = RepoSync.Disposition.SYNCED

    def run(self) -> catalog.RepoSynced:
        self._look_up()
        if not self.row.paged:
            self._read_window()
        total, stored, is_short = self._read_changed_meanwhile()
        if is_short:
            self._begin_again()
            self._read_window()
            total, stored, is_short = self._read_changed_meanwhile()
            if is_short:
                raise IncompleteHistory(f"{stored.in_all} pull requests are stored, but GitHub counts {total}")
        if self.row.since is None and not hides_pull_requests(self.row.gaps) and stored.in_all > total:
            self._delete_gone()
            stored = self._count_stored()
        if self.row.since is None and stored.in_all >= total:
            self.row.gaps = without_pull_requests(self.row.gaps)
        return self._complete(total, stored)

    def _look_up(self) -> None:
        """Learn the repository's current name and state, and how much of the window is already stored."""
        info = self.clients.rest.repository(self.repository.full_name)
        note = self.row.note if self.row.note.startswith(_RENAMED) else ""  # not reported again for the new name
        if info.renamed_from is not None:
            note = f"{_RENAMED}{info.renamed_from} is now {info.full_name}"
            if not self.repository.has_namesake(info.full_name):
                self.repository.full_name = info.full_name
        if note:
            self.disposition = RepoSync.Disposition.RENAMED
        elif info.archived:
            self.disposition, note = RepoSync.Disposition.ARCHIVED, "archived: GitHub takes no more changes to it"
        changed = ["full_name", "github_id", "is_archived"]
        if self.repository.github_id not in (None, info.id):  # another repository has taken its name
            self.repository.covered_from = self.repository.covered_to = None
            changed += ["covered_from", "covered_to"]
        if info.renamed_from is not None or (self.repository.github_id, self.repository.is_archived) != (
            info.id,
            info.archived,
        ):
            self.repository.github_id, self.repository.is_archived = info.id, info.archived
            self.repository.save(update_fields=changed)
        if self.row.cursor is None and not self.row.paged:  # kept with the first page
            self.row.cursor = self.row.start_cursor
            self.row.since = self._since()
        if note != self.row.note:  # a later attempt would not learn of it
            self.row.note = note
            self._update_row(note=note)

    def _since(self) -> datetime | None:
        """Return where reading may stop: at the window's start, or at the watermark if all before it is stored."""
        start, repository = self.row.run.since, self.repository
        if self.row.run.before is None and repository.covers(start) and repository.covered_to is not None:
            watermark = repository.covered_to - OVERLAP
            return watermark if start is None else max(start, watermark)
        return start

    def _read_window(self) -> None:
        """Store the window from the cursor on; pull requests that move meanwhile are left to the closing query."""
        row = self.row
        first = row.newest_updated_at is None
        pages = self.clients.graphql.pull_requests(
            self.repository.full_name,
            after=row.cursor,
            updated_since=row.since,
            updated_before=row.run.before,
            with_counts=first,
        )
        for page in pages:
            if first:
                row.newest_updated_at = self._newest_up_to_now(page)
                row.prs_total = page.window_count
                first = False
            row.cursor, row.paged = page.page_info.end_cursor or row.cursor, not page.page_info.has_next_page
            self._store([node for node in page.nodes if self._is_inside(node)], page.flaws, counted=True)
            if row.prs_done > 2 * page.total_count + _GROWS_MEANWHILE:  # over all attempts: each goes on
                raise IncompleteHistory(
                    f"GitHub counts {page.total_count} pull requests and has listed {row.prs_done}: "
                    "its pages lead in a circle"
                )
            if not row.paged and admission.is_wanted(row, at_work=timedelta(seconds=boottime() - self.began)):
                raise StandsBack(f"{self.repository.full_name} queues again after {row.prs_done} pull requests")

    def _newest_up_to_now(self, page: PullRequestPage) -> datetime | None:
        """Return when a pull request last changed, or now if that is in the future: changes until then must be read.

        Now is the earlier of GitHub's clock and ours, in whole seconds like all of GitHub's times.
        """
        newest = page.newest_updated_at
        if newest is None or newest - self.row.due_at <= OVERLAP:  # the attempt was due, so that moment is past
            return newest
        now = clock.now()
        if newest - now <= OVERLAP:
            return newest
        return min(now, page.asked_at or now).replace(microsecond=0)

    def _begin_again(self) -> None:
        """Go back to the window's newest pull request."""
        self.row.cursor, self.row.paged, self.row.prs_done = None, False, 0
        self._update_row(cursor=None, paged=False, prs_done=0)

    def _read_changed_meanwhile(self) -> tuple[int, Stored, bool]:
        """Store again what was updated since this sync began.

        Return GitHub's count of all pull requests, ours, and whether some are still missing. A backfill also reads what
        was updated since the recent run: that has left the backfill's window, and the recent run has not seen it.
        """
        began = self.row.newest_updated_at or BEGINNING
        if self.row.run.before is not None and self.repository.covered_to is not None:
            began = min(began, self.repository.covered_to)
        passes = 0
        while True:
            total = self._read_since(began)
            stored = self._count_stored()
            is_short, passes = self._is_short(total, stored), passes + 1
            if not is_short or passes == _CLOSING_PASSES:
                return total, stored, is_short

    def _count_stored(self) -> Stored:
        return count_stored(self.repository.pk, since=self.row.since, before=self.row.run.before)

    def _delete_gone(self) -> None:
        """Delete pull requests that are gone from GitHub."""
        before = stored_numbers(self.repository.pk)  # except those opened and stored meanwhile
        delete_pull_requests(self.repository.pk, before - self.clients.graphql.numbers(self.repository.full_name))

    def _is_short(self, total: int, stored: Stored) -> bool:
        """Return whether a full history lacks some of the `total` pull requests that GitHub counts."""
        if self.row.since is not None or stored.in_all >= total:
            return False
        if not hides_pull_requests(self.row.gaps):
            return True
        return bool(self.clients.graphql.numbers(self.repository.full_name) - stored_numbers(self.repository.pk))

    def _read_since(self, began: datetime) -> int:
        """Store everything updated since `began`; return GitHub's count of all pull requests."""
        total = 0
        for page in self.clients.graphql.pull_requests(self.repository.full_name, updated_since=began):
            if not page.page_info.has_next_page:
                self.hand_over()
            self._store(page.nodes, page.flaws, counted=False)
            total = page.total_count
        return total

    def _is_inside(self, node: PullRequestNode) -> bool:
        before, since = self.row.run.before, self.row.since
        return (since is None or node.updated_at >= since) and (before is None or node.updated_at < before)

    def _store(self, nodes: Sequence[PullRequestNode], flaws: Sequence[Flaw], *, counted: bool) -> None:
        """Commit the nodes' rows and their gaps together with the cursor, then write their lines.

        A closing query is not counted: it starts over in each attempt, so it proves no progress.
        """
        row, done = self.row, self.row.prs_done
        rows = page_rows(nodes, repository_id=self.repository.pk)
        progress: dict[str, object] = {"failures": 0, "prs_done": done + len(nodes)} if counted else {}
        if new := new_flaws(flaws, known=row.gaps):
            progress["gaps"] = row.gaps = [*row.gaps, *new]
        with transaction.atomic():
            if nodes:
                store_page(repository_id=self.repository.pk, rows=rows)
            self._update_row(
                since=row.since,
                cursor=row.cursor,
                paged=row.paged,
                prs_total=row.prs_total,
                newest_updated_at=row.newest_updated_at,
                wait_reason="",
                **progress,
            )
        row.prs_done += len(nodes) if counted else 0
        self._log(rows, done, counted=counted)

    def _log(self, rows: PageRows, done: int, *, counted: bool) -> None:
        row = self.row
        counts = rows.counts()
        events: list[Event] = []
        for place, pull_request in enumerate(rows.pull_requests, start=done + 1):
            events.append(
                catalog.PullRequestProcessed(
                    pr_id=pull_request.github_id,
                    pr_number=pull_request.number,
                    reviews=counts["reviews"][pull_request.number],
                    commits=counts["commits"][pull_request.number],
                    files=counts["files"][pull_request.number],
                )
            )
            if counted and place % _PROGRESS_EVERY == 0:
                events.append(
                    catalog.RepoProgress(
                        team_id=row.run.team_id,
                        repo_id=row.repository_id,
                        prs_done=place,
                        prs_total=row.prs_expected,
                        pct=_percent(place, row.prs_expected),
                    )
                )
        emit(*events)

    def _update_row(self, **changes: object) -> None:
        """Write `changes` to the row, and what this attempt has cost so far."""
        attempts.update(self.attempt, **self.clients.spent(), **changes)

    def _complete(self, total: int, stored: Stored) -> catalog.RepoSynced:
        """Complete the row with counts of what is stored, and extend the repository's covered window.

        `total` is GitHub's count of all pull requests, kept alongside ours of the same moment.
        """
        row, run = self.row, self.row.run
        with transaction.atomic():
            repository = TrackedRepository.objects.select_for_update().get(pk=self.repository.pk)
            repository.cover(since=row.since, before=run.before, until=row.newest_updated_at)
            repository.github_count, repository.stored_count = total, stored.in_all
            repository.counted_at = clock.in_statement()
            repository.save(update_fields=["covered_from", "covered_to", "github_count", "stored_count", "counted_at"])
            attempts.complete(
                self.attempt,
                disposition=self.disposition,
                prs_done=stored.in_window,
                prs_total=stored.in_window,
                # Includes what a closing query found, which has left the window.
                gaps=[*row.gaps, *gaps(repository.pk, since=run.since)],
                **self.clients.spent(),
            )
        return catalog.RepoSynced(prs_synced=stored.in_window)


def _percent(done: int, expected: int | None) -> float | None:
    return None if not expected else round(100 * done / expected, 1)
