"""Complete pages whose nested lists still lack members. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from typing import get_args

from msgspec import structs

from apps.integrations.github.answers import AnyList, Lists
from apps.integrations.github.nodes import ListName, PullRequestNode, PullRequestPage
from apps.integrations.github.queries import ListRequest

_NAMES: tuple[ListName, ...] = get_args(ListName)


class UnfinishedPages:
    """Pages in the order they were read, kept until all their lists are finished."""

    def __init__(self) -> None:
        self._pages: deque[_UnfinishedPage] = deque()

    def __len__(self) -> int:
        """Return how many pages there are."""
        return len(self._pages)

    def add(self, page: PullRequestPage, *, with_files: bool) -> None:
        """Add a page that includes the first members of each list, but files only if `with_files`."""
        self._pages.append(_UnfinishedPage(page, with_files=with_files))

    def lists(self) -> list[ListRequest]:
        """Return the lists to ask for, the oldest page's first."""
        return list(dict.fromkeys(wanted for page in self._pages for wanted in page.waiting))

    def join(self, found: Lists) -> None:
        """Add what was read of some lists; those that continue are asked for again."""
        for page in self._pages:
            page.join(found)

    def finished(self) -> Iterator[PullRequestPage]:
        """Remove and yield the oldest pages, up to the first unfinished one."""
        while self._pages and not self._pages[0].waiting:
            yield self._pages.popleft().complete()


class _UnfinishedPage:
    """A page, its lists as far as they have been read, and the requests for the rest of them."""

    def __init__(self, page: PullRequestPage, *, with_files: bool) -> None:
        self._page = page
        self._lists: dict[tuple[str, ListName], AnyList] = {}
        self._passed: dict[tuple[str, ListName], set[str | None]] = {}
        self.waiting: list[ListRequest] = []
        for node in page.nodes:
            for name in _NAMES:
                so_far: AnyList | None = getattr(node, name)
                if so_far is not None and so_far.page_info.has_next_page:
                    self._lists[node.id, name] = so_far
                    after = so_far.page_info.end_cursor
                    wanted = ListRequest(pull_request_id=node.id, name=name, after=after, number=node.number)
                    self.waiting.append(wanted)
            if not with_files:
                self.waiting.append(ListRequest(pull_request_id=node.id, name="files", after=None, number=node.number))

    def join(self, found: Lists) -> None:
        waiting, self.waiting = self.waiting, []
        for wanted in waiting:
            if wanted not in found:
                self.waiting.append(wanted)
            elif (members := found[wanted]) is not None:
                self._join(wanted, members)

    def _join(self, wanted: ListRequest, members: AnyList) -> None:
        info = members.page_info
        key: tuple[str, ListName] = (wanted.pull_request_id, wanted.name)
        more = info.has_next_page and bool(members.nodes)
        so_far = self._lists.get(key)
        if so_far is not None:
            members = structs.replace(members, nodes=so_far.nodes + members.nodes, flaws=so_far.flaws + members.flaws)
        self._lists[key] = members
        # An empty page, or a cursor already passed, ends a list whatever it says, or it would never end.
        passed = self._passed.setdefault(key, {None})
        passed.add(wanted.after)
        if more and info.end_cursor not in passed:
            self.waiting.append(replace(wanted, after=info.end_cursor))

    def complete(self) -> PullRequestPage:
        """Return the page with everything added to its lists."""
        edges = tuple(structs.replace(edge, node=self._complete(edge.node)) for edge in self._page.edges)
        flaws = tuple(flaw for members in self._lists.values() for flaw in members.flaws)
        return structs.replace(self._page, edges=edges, flaws=self._page.flaws + flaws)

    def _complete(self, node: PullRequestNode) -> PullRequestNode:
        lists = {name: self._lists[node.id, name] for name in _NAMES if (node.id, name) in self._lists}
        return structs.replace(node, **lists) if lists else node
