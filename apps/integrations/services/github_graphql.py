"""GitHub's GraphQL API as pages of complete pull requests; every call is a span and a line, taken in its account's turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TypeVar

from apps import catalog
from apps.integrations.errors import GitHubError, InvalidAnswer, LaneLost, PartialAnswer, QueryTimeout, TooCostly
from apps.integrations.lane import Turn, Turns
from apps.integrations.services import github_protocol as protocol
from apps.integrations.services.github_protocol import (
    Actor,
    Connection,
    GraphQLAnswer,
    GraphQLRequest,
    PullRequestNode,
    PullRequestPage,
    Response,
)
from apps.integrations.services.github_transport import GitHubTransport
from apps.integrations.services.page_sizes import batch_ladder, page_ladder
from apps.integrations.services.pull_request_lists import UnfinishedLists
from telemetry import observe

R = TypeVar("R")

_TOO_MUCH = (QueryTimeout, TooCostly, PartialAnswer)
"""What a smaller request may cure."""


class GitHubGraphQL:
    """One account's GraphQL client, for one attempt.

    Raises `GitHubError` for what GitHub answers instead of data, and `Parked` for a wait too long to sleep. ``requests``
    and ``points`` count what its calls took, failed ones too where GitHub says so.
    """

    def __init__(self, *, transport: GitHubTransport, lane: Turns, page_size: int = 25) -> None:
        self._transport = transport
        self._lane = lane
        self._pages = page_ladder(page_size)
        self._batches = batch_ladder()
        self.requests = 0
        self.points = 0

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
    ) -> PullRequestPage:
        """The page behind ``after``, the last updated first, each pull request with all its reviews, commits and files.

        Where GitHub does not list all of them, ``len(nodes) < total_count`` says so. The page ends where ``updated_since``
        does: what is older is left out and nothing follows. ``with_counts`` asks for the window's size and the
        repository's newest change too. The page is as large as GitHub has lately been able to answer.
        """
        before = self.points
        page, with_files = self._page(
            full_name,
            after=after,
            updated_since=updated_since,
            updated_before=updated_before,
            with_counts=with_counts,
        )
        page = _within(page, updated_since, after)
        _check_goes_on(page, after)
        nodes = self._completed([node for _, node in page.items], with_files=with_files)
        items = tuple(zip((cursor for cursor, _ in page.items), nodes, strict=True))
        return replace(page, items=items, cost=None if page.cost is None else self.points - before)

    def updated_since(self, full_name: str, since: datetime) -> Iterator[PullRequestPage]:
        """The pages of all that was updated at ``since`` or later, from the newest on."""
        after = None
        while True:
            page = self.pull_requests(full_name, after=after, updated_since=since)
            yield page
            if not page.has_next_page:
                return
            after = page.end_cursor

    def numbers(self, full_name: str) -> frozenset[int]:
        """The numbers of all pull requests that the repository has."""
        numbers: set[int] = set()
        after = None
        while True:
            request = protocol.pull_request_numbers_request(full_name, after=after)
            page = self._ask(request, protocol.read_pull_request_numbers).value
            numbers.update(page.nodes)
            _check_goes_on(page, after)
            after = page.end_cursor
            if page.has_next_page:
                continue
            if len(numbers) < page.total_count:
                raise PartialAnswer(f"GitHub listed {len(numbers)} pull requests and counts {page.total_count}")
            return frozenset(numbers)

    def viewer(self) -> Actor:
        """Whose token it is."""
        return self._ask(protocol.viewer_request(), protocol.read_viewer).value

    def _page(
        self,
        full_name: str,
        *,
        after: str | None,
        updated_since: datetime | None,
        updated_before: datetime | None,
        with_counts: bool,
    ) -> tuple[PullRequestPage, bool]:
        """The first page that GitHub can answer, going down in size, and whether it holds files."""
        while True:
            size = self._pages.size
            request = protocol.pull_requests_request(
                full_name,
                first=size.first,
                after=after,
                with_files=size.with_files,
                with_counts=with_counts,
                updated_since=updated_since,
                updated_before=updated_before,
            )
            started = time.monotonic()
            try:
                answer = self._ask(
                    request, protocol.read_pull_requests, page_size=size.first, nodes=lambda page: len(page.items)
                )
            except _TOO_MUCH:
                if not self._pages.shrink():
                    raise
                continue
            self._pages.succeeded(seconds=time.monotonic() - started)
            return answer.value, size.with_files

    def _completed(self, nodes: Sequence[PullRequestNode], *, with_files: bool) -> list[PullRequestNode]:
        """``nodes`` with every list read to the end that GitHub gives it, many lists a request."""
        lists = UnfinishedLists(nodes, with_files=with_files)
        while True:
            size = self._batches.size
            wanted = lists.next_batch(size.lists)
            if not wanted:
                return lists.completed()
            request = protocol.lists_request(wanted, first=size.first)
            started = time.monotonic()
            try:
                answer = self._ask(request, partial(protocol.read_lists, lists=wanted))
            except _TOO_MUCH:
                if not self._batches.shrink():
                    raise
                continue
            self._batches.succeeded(seconds=time.monotonic() - started)
            lists.add(wanted, answer.value)

    def _ask(
        self,
        request: GraphQLRequest,
        read: Callable[[Response], GraphQLAnswer[R]],
        *,
        page_size: int | None = None,
        nodes: Callable[[R], int] | None = None,
    ) -> GraphQLAnswer[R]:
        """The answer to ``request``, sent in a turn of the account's lane."""

        def send(turn: Turn) -> GraphQLAnswer[R]:
            turn.confirm()
            operation = catalog.GraphQLCall(query_name=request.query_name, page_size=page_size, lane_wait_ms=turn.waited_ms)
            with observe(operation, waited_ms=turn.waited_ms) as call:
                remaining = None
                try:
                    self.requests += 1
                    response = self._transport.graphql(request.body, send_before=turn.send_before)
                    limit = protocol.limit_from_headers(response.headers)
                    turn.learned(limit)
                    remaining = None if limit is None else limit.remaining
                    answer = read(response)
                except LaneLost:
                    self.requests -= 1  # it was not sent
                    call.cancelled()
                    raise
                except GitHubError as error:
                    self.points += error.points_cost or 0
                    call.failed(
                        error,
                        catalog.GraphQLAnswered(
                            points_cost=error.points_cost,
                            status=error.status,
                            remaining=remaining,
                            status_code=error.http_status,
                        ),
                    )
                    raise
                turn.learned(answer.limit)
                self.points += answer.cost or 0
                call.completed(
                    catalog.GraphQLAnswered(
                        points_cost=answer.cost,
                        status="ok",
                        nodes=None if nodes is None else nodes(answer.value),
                        remaining=None if answer.limit is None else answer.limit.remaining,
                        status_code=response.status,
                    )
                )
            return answer

        return self._lane.call(send, resource="graphql")


def _check_goes_on(page: PullRequestPage | Connection[int], after: str | None) -> None:
    """The page behind this one is another one; asked for by the same cursor, it would be asked for for ever."""
    if page.has_next_page and page.end_cursor in (None, after):
        raise InvalidAnswer("The answer says that a page follows, and not behind which cursor", http_status=200)


def _within(page: PullRequestPage, since: datetime | None, after: str | None) -> PullRequestPage:
    """``page`` as far as it was updated at ``since`` or later; where it goes further, nothing follows it."""
    if since is None or not page.items or page.items[-1][1].updated_at >= since:
        return page
    items = tuple((cursor, node) for cursor, node in page.items if node.updated_at >= since)
    return replace(page, items=items, has_next_page=False, end_cursor=items[-1][0] if items else after)
