"""GitHub's GraphQL API as pages of complete pull requests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from msgspec.structs import replace

from apps import catalog
from apps.integrations.errors import (
    GitHubError,
    InvalidAnswer,
    PartialAnswer,
    QueryFailed,
    QueryTimeout,
    TooCostly,
    UndefinedField,
)
from apps.integrations.github import answers, queries
from apps.integrations.github.answers import Answer
from apps.integrations.github.nested_lists import UnfinishedPages
from apps.integrations.github.nodes import Actor, Connection, PageInfo, PullRequestPage, Response
from apps.integrations.github.page_sizes import MOST_LISTS_BESIDE_A_PAGE, batch_ladder, page_ladder
from apps.integrations.github.queries import GraphQLRequest
from apps.integrations.github.transport import Transport
from apps.integrations.lane import Turns
from apps.integrations.services.calls import Call, Calls, Ended, Known

V = TypeVar("V")

_TOO_MUCH = (QueryTimeout, QueryFailed, TooCostly, PartialAnswer)
"""Errors that a smaller request may cure."""
_MOST_UNFINISHED_PAGES = 4
"""The most pages held in memory, which would be read again if this attempt died."""


@dataclass(slots=True)
class Dialect:
    """What a server's GraphQL does not know, as far as it has said; an older Enterprise Server has 32-bit numbers."""

    has_full_database_ids: bool = True


class GitHubGraphQL:
    """A GraphQL client of one account, for one attempt.

    Raises `GitHubError` for what GitHub answers instead of data, and `Parked` for a wait too long to sleep through.
    """

    def __init__(
        self,
        *,
        transport: Transport,
        lane: Turns,
        page_size: int = 25,
        known: Known | None = None,
        dialect: Dialect | None = None,
    ) -> None:
        self._transport = transport
        self._dialect = Dialect() if dialect is None else dialect
        self._calls = Calls(lane=lane, known=known)
        self._pages = page_ladder(page_size)
        self._batches = batch_ladder()

    @property
    def requests(self) -> int:
        """How many requests were sent."""
        return self._calls.requests

    @property
    def points(self) -> int:
        """How many points they cost, including failed ones if GitHub says so."""
        return self._calls.points

    @property
    def page_size(self) -> int:
        """How many pull requests the next page asks for."""
        return self._pages.size.first

    def pull_requests(
        self,
        full_name: str,
        *,
        after: str | None = None,
        updated_since: datetime | None = None,
        updated_before: datetime | None = None,
        with_counts: bool = False,
    ) -> Iterator[PullRequestPage]:
        """Yield the pages after `after`, last updated first, each pull request with all its reviews, commits and files.

        If GitHub does not list all of them, `len(nodes) < total_count` shows it. The pages end at `updated_since`:
        older pull requests are left out, and nothing follows. `with_counts` asks for the window's size and the
        repository's newest change with the first page. A page is as large as GitHub has lately been able to answer. A
        few pages that lack members of long lists are held back, while the requests for the next pages also bring those
        members.
        """
        unfinished = UnfinishedPages()
        passed = {None, after}
        goes_on, failure = True, None
        while goes_on or unfinished:
            if goes_on and self._may_read_on(unfinished):
                try:
                    page, with_files = self._page(
                        full_name,
                        unfinished,
                        after=after,
                        updated_since=updated_since,
                        updated_before=updated_before,
                        with_counts=with_counts,
                    )
                except GitHubError as error:  # so the earlier pages are not lost
                    goes_on, failure = False, error
                    continue
                page = _within(page, updated_since, after)
                _check_goes_on(page.page_info, passed)
                unfinished.add(page, with_files=with_files)
                goes_on, after, with_counts = page.page_info.has_next_page, page.page_info.end_cursor, False
            else:
                try:
                    self._continue_lists(unfinished)
                except GitHubError as error:
                    raise error from failure
            yield from unfinished.finished()
        if failure is not None:
            raise failure

    def numbers(self, full_name: str) -> frozenset[int]:
        """Return the numbers of all the repository's pull requests that are not hidden from us."""
        numbers: set[int] = set()
        hidden = 0
        after = None
        passed: set[str | None] = {None}
        while True:
            request = queries.pull_request_numbers_request(full_name, after=after)
            page: Connection[Any] = self._ask(request, answers.read_pull_request_numbers)
            numbers.update(node.number for node in page.nodes)
            hidden += sum(flaw.reason == "hidden" for flaw in page.flaws)
            _check_goes_on(page.page_info, passed)
            after = page.page_info.end_cursor
            if page.page_info.has_next_page:
                continue
            if len(numbers) + hidden < page.total_count:
                raise PartialAnswer(f"GitHub listed {len(numbers)} pull requests and counts {page.total_count}")
            return frozenset(numbers)

    def viewer(self) -> Actor:
        """Return the account that owns the token."""
        return self._ask(queries.viewer_request(), answers.read_viewer)

    def _may_read_on(self, unfinished: UnfinishedPages) -> bool:
        """Return whether the next page may be read together with lists of the unfinished pages."""
        if not unfinished:
            return True
        few = len(unfinished) < _MOST_UNFINISHED_PAGES and len(unfinished.lists()) <= MOST_LISTS_BESIDE_A_PAGE
        return few and not self._pages.is_cautious

    def _page(
        self,
        full_name: str,
        unfinished: UnfinishedPages,
        *,
        after: str | None,
        updated_since: datetime | None,
        updated_before: datetime | None,
        with_counts: bool,
    ) -> tuple[PullRequestPage, bool]:
        """Return the largest page that GitHub can answer now, and whether it includes files.

        Until a size has failed, lists of the unfinished pages are requested with it.
        """
        while True:
            lists = [] if self._pages.is_cautious else unfinished.lists()
            size = self._pages.size.beside(len(lists))
            request = queries.pull_requests_request(
                full_name,
                first=size.first,
                after=after,
                with_files=size.with_files,
                with_counts=with_counts,
                updated_since=updated_since,
                updated_before=updated_before,
                lists=lists,
            )
            started = time.monotonic()
            try:
                page, found = self._ask(
                    request,
                    partial(answers.read_pull_requests, lists=lists),
                    page_size=size.first,
                    count=lambda answer: len(answer[0].edges),
                )
            except _TOO_MUCH:
                if not self._pages.shrink():
                    raise
                continue
            self._pages.succeeded(seconds=time.monotonic() - started)
            unfinished.join(found)
            return page, size.with_files

    def _continue_lists(self, unfinished: UnfinishedPages) -> None:
        """Request more members for lists of the unfinished pages, or fewer next time if GitHub cannot answer."""
        size = self._batches.size
        lists = unfinished.lists()[: size.lists]
        request = queries.lists_request(lists, members=size.members)
        started = time.monotonic()
        try:
            found = self._ask(request, partial(answers.read_lists, lists=lists))
        except _TOO_MUCH:
            if not self._batches.shrink():
                raise
        else:
            self._batches.succeeded(seconds=time.monotonic() - started)
            unfinished.join(found)

    def _ask(
        self,
        request: GraphQLRequest,
        read: Callable[[Response], Answer[V]],
        *,
        page_size: int | None = None,
        count: Callable[[V], int] | None = None,
    ) -> V:
        """Return the answer to `request`, worded as the server understands it; for a page, `count` counts its items."""
        if self._dialect.has_full_database_ids:
            try:
                return self._ask_as_it_is(request, read, page_size=page_size, count=count)
            except UndefinedField as error:
                if error.field != queries.FULL_DATABASE_ID:
                    raise
                self._dialect.has_full_database_ids = False
        return self._ask_as_it_is(queries.for_older_server(request), read, page_size=page_size, count=count)

    def _ask_as_it_is(
        self,
        request: GraphQLRequest,
        read: Callable[[Response], Answer[V]],
        *,
        page_size: int | None,
        count: Callable[[V], int] | None,
    ) -> V:
        def operation(lane_wait_ms: float) -> catalog.GraphQLCall:
            return catalog.GraphQLCall(query_name=request.query_name, page_size=page_size, lane_wait_ms=lane_wait_ms)

        def result(ended: Ended[V]) -> catalog.GraphQLAnswered:
            return catalog.GraphQLAnswered(
                points_cost=ended.points_cost,
                status=ended.status,
                nodes=None if count is None or ended.value is None else count(ended.value),
                remaining=ended.remaining,
                status_code=ended.status_code,
            )

        return self._calls.make(
            Call(
                resource="graphql",
                operation=operation,
                send=lambda send_before: self._transport.graphql(request.body, send_before=send_before),
                read=read,
                result=result,
            )
        )


def _check_goes_on(info: PageInfo, passed: set[str | None]) -> None:
    """Raise InvalidAnswer if the next page was already read, which would never end; otherwise note it as passed."""
    if info.has_next_page and info.end_cursor in passed:
        raise InvalidAnswer(
            "The answer says that a page follows, but names no cursor, or one that was already used", http_status=200
        )
    passed.add(info.end_cursor)


def _within(page: PullRequestPage, since: datetime | None, after: str | None) -> PullRequestPage:
    """Return the part of `page` that was updated at `since` or later; if that is not all, nothing follows."""
    if since is None or not page.edges or page.edges[-1].node.updated_at >= since:
        return page
    edges = tuple(edge for edge in page.edges if edge.node.updated_at >= since)
    end = edges[-1].cursor if edges else after
    return replace(page, edges=edges, page_info=PageInfo(has_next_page=False, end_cursor=end))
