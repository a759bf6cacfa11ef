"""Fetch, map, store: one repository's window of pull requests, complete, or an error that says what is missing.

The window goes by ``updatedAt``, newest first, the order GitHub pages in. A page's rows and its cursor commit together, so
an attempt that dies at any request is resumed by the next one at the cursor, and the rows come out the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from apps import catalog
from apps.integrations.errors import IncompleteHistory
from apps.integrations.models import RepoSync
from apps.integrations.runs import attempts
from apps.integrations.runs.attempts import Attempt
from apps.integrations.services.github_clients import Clients
from apps.integrations.services.github_protocol import PullRequestNode
from apps.integrations.services.pull_request_mapping import page_rows
from apps.integrations.services.pull_request_store import (
    StoredPage,
    count_stored,
    delete_pull_requests,
    gaps,
    store_page,
    stored_numbers,
)
from apps.repositories.models import BEGINNING, TrackedRepository
from telemetry import emit
from telemetry.model import Event

OVERLAP = timedelta(minutes=1)
"""How far before the watermark an incremental sync reads again: GitHub's replicas may lag."""
_PROGRESS_EVERY = 10
_CLOSING_PASSES = 3


def sync_pull_requests(*, row: RepoSync, attempt: Attempt, clients: Clients) -> catalog.RepoSynced:
    """The window of ``row`` is stored and its row complete; every page is committed as it comes."""
    return _Sync(row, attempt, clients).run()


class _Sync:
    """One attempt's way through one repository; what must survive it stands on its row."""

    def __init__(self, row: RepoSync, attempt: Attempt, clients: Clients) -> None:
        self.row, self.attempt, self.clients = row, attempt, clients
        self.repository: TrackedRepository = row.repository
        self.disposition = RepoSync.Disposition.SYNCED

    def run(self) -> catalog.RepoSynced:
        self._look_up()
        if not self.row.paged:
            self._page()
        total = self._close()
        if self._is_short(total):
            self._begin_again()
            self._page()
            total = self._close()
            if self._is_short(total):
                stored = count_stored(self.repository.pk)
                raise IncompleteHistory(f"{stored} pull requests are stored, GitHub counts {total}")
        if self.row.since is None and count_stored(self.repository.pk) > total:
            self._forget_deleted()
        return self._complete()

    def _look_up(self) -> None:
        """The repository's present name and state are known, and what of the window is stored already."""
        info = self.clients.rest.repository(self.repository.full_name)
        note = self.row.note
        if info.renamed_from is not None:
            note = f"renamed: {info.renamed_from} is now {info.full_name}"
            if not self.repository.has_namesake(info.full_name):
                self.repository.full_name = info.full_name
        if note:
            self.disposition = RepoSync.Disposition.RENAMED
        elif info.archived:
            self.disposition, note = RepoSync.Disposition.ARCHIVED, "archived: GitHub takes no more changes to it"
        changed = ["full_name", "github_id", "is_archived"]
        if self.repository.github_id not in (None, info.id):  # another one has taken its name: nothing of that is known
            self.repository.covered_from = self.repository.covered_to = None
            changed += ["covered_from", "covered_to"]
        self.repository.github_id, self.repository.is_archived = info.id, info.archived
        self.repository.save(update_fields=changed)
        if self.row.cursor is None and not self.row.paged:
            self.row.cursor = self.row.start_cursor
            self.row.since = self._since()
        self.row.note = note
        self._keep(note=note, since=self.row.since, cursor=self.row.cursor)

    def _since(self) -> datetime | None:
        """Where reading may stop: the window's start, or the watermark where everything before it is stored."""
        start, repository = self.row.run.since, self.repository
        if self.row.run.before is None and repository.covers(start) and repository.covered_to is not None:
            watermark = repository.covered_to - OVERLAP
            return watermark if start is None else max(start, watermark)
        return start

    def _page(self) -> None:
        """Every pull request of the window has been met once, or will be met by the closing query."""
        row = self.row
        first = row.newest_updated_at is None
        while True:
            page = self.clients.graphql.pull_requests(
                self.repository.full_name,
                after=row.cursor,
                updated_since=row.since,
                updated_before=row.run.before,
                with_counts=first,
            )
            if first:
                row.newest_updated_at = page.newest_updated_at
                row.prs_total = page.window_count
                first = False
            row.cursor, row.paged = page.end_cursor or row.cursor, not page.has_next_page
            self._store([node for _, node in page.items if self._is_inside(node)], counted=True)
            if row.paged:
                return

    def _begin_again(self) -> None:
        """The window is to be read from its newest pull request on."""
        self.row.cursor, self.row.paged, self.row.prs_done = None, False, 0
        self._keep(cursor=None, paged=False, prs_done=0)

    def _close(self) -> int:
        """What was updated since this sync began is read again; GitHub's count of all pull requests.

        A backfill also reads what was updated since the recent run: it has left its window, and that run has not met it.
        """
        began = self.row.newest_updated_at or BEGINNING
        if self.row.run.before is not None and self.repository.covered_to is not None:
            began = min(began, self.repository.covered_to)
        total = 0
        for _ in range(_CLOSING_PASSES):
            total = self._read_since(began)
            if not self._is_short(total):
                break
        return total

    def _forget_deleted(self) -> None:
        """What GitHub no longer has is no longer stored: a pull request that somebody deleted there."""
        before = stored_numbers(self.repository.pk)  # what is opened and stored meanwhile is not among them
        delete_pull_requests(self.repository.pk, before - self.clients.graphql.numbers(self.repository.full_name))

    def _is_short(self, total: int) -> bool:
        """Whether pull requests are missing of a whole history, of which GitHub counts ``total``."""
        return self.row.since is None and count_stored(self.repository.pk) < total

    def _read_since(self, began: datetime) -> int:
        """Everything updated since is stored; GitHub's count of all pull requests."""
        total = 0
        for page in self.clients.graphql.updated_since(self.repository.full_name, began):
            self._store([node for _, node in page.items], counted=False)
            total = page.total_count
        return total

    def _is_inside(self, node: PullRequestNode) -> bool:
        before, since = self.row.run.before, self.row.since
        return (since is None or node.updated_at >= since) and (before is None or node.updated_at < before)

    def _store(self, nodes: Sequence[PullRequestNode], *, counted: bool) -> None:
        """The nodes' rows and this row's cursor are committed together; their lines follow."""
        row, done = self.row, self.row.prs_done
        after = done + len(nodes) if counted else done

        def commit() -> None:
            further = {"failures": 0} if counted else {}  # a closing query begins again in each attempt
            self._keep(
                cursor=row.cursor,
                paged=row.paged,
                prs_done=after,
                prs_total=row.prs_total,
                newest_updated_at=row.newest_updated_at,
                wait_reason="",
                **further,
            )

        if not nodes:
            commit()
            return
        stored = store_page(
            repository_id=self.repository.pk, rows=page_rows(nodes, repository_id=self.repository.pk), commit=commit
        )
        row.prs_done = after
        self._tell(stored, done, counted=counted)

    def _tell(self, stored: StoredPage, done: int, *, counted: bool) -> None:
        row = self.row
        events: list[Event] = []
        for offset, pull_request in enumerate(stored.pull_requests, start=1):
            events.append(
                catalog.PullRequestProcessed(
                    pr_id=pull_request.github_id,
                    pr_number=pull_request.number,
                    reviews=pull_request.reviews,
                    commits=pull_request.commits,
                    files=pull_request.files,
                )
            )
            if counted and (done + offset) % _PROGRESS_EVERY == 0:
                events.append(
                    catalog.RepoProgress(
                        team_id=row.run.team_id,
                        repo_id=row.repository_id,
                        prs_done=done + offset,
                        prs_total=row.prs_expected,
                        pct=_percent(done + offset, row.prs_expected),
                    )
                )
        emit(*events)

    def _keep(self, **changes: object) -> None:
        """The row carries ``changes`` and what this attempt has cost so far."""
        attempts.update(self.attempt, **self.clients.spent(), **changes)

    def _complete(self) -> catalog.RepoSynced:
        """The row is complete, and the repository covers its window; the counts are now those of what is stored."""
        row, run = self.row, self.row.run
        done = count_stored(self.repository.pk, since=row.since, before=run.before)
        with transaction.atomic():
            repository = TrackedRepository.objects.select_for_update().get(pk=self.repository.pk)
            repository.cover(since=row.since, before=run.before, until=row.newest_updated_at)
            repository.save(update_fields=["covered_from", "covered_to"])
            attempts.complete(
                self.attempt,
                disposition=self.disposition,
                prs_done=done,
                prs_total=done,
                gaps=gaps(repository.pk, since=run.since),  # also of what a closing query met: it has left the window
                **self.clients.spent(),
            )
        return catalog.RepoSynced(prs_synced=done)


def _percent(done: int, expected: int | None) -> float | None:
    return None if not expected else round(100 * done / expected, 1)
