"""The nested lists that a page left unfinished, and how their later pages are joined to them. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

from msgspec import structs

from apps.integrations.github.answers import AnyList
from apps.integrations.github.nodes import ListName, PullRequestNode
from apps.integrations.github.queries import ListRequest

_NAMES: tuple[ListName, ...] = get_args(ListName)


class UnfinishedLists:
    """What is still to be asked for of `nodes`; `with_files` says whether their page asked for files at all."""

    def __init__(self, nodes: Sequence[PullRequestNode], *, with_files: bool) -> None:
        self._nodes = nodes
        self._lists: defaultdict[str, dict[str, AnyList]] = defaultdict(dict)
        self._waiting: list[ListRequest] = []
        for node in nodes:
            for name in _NAMES:
                so_far: AnyList | None = getattr(node, name)
                if so_far is not None and so_far.page_info.has_next_page:
                    self._lists[node.id][name] = so_far
                    self._wait(node, name, after=so_far.page_info.end_cursor)
            if not with_files:
                self._wait(node, "files", after=None)

    def next_batch(self, most: int) -> list[ListRequest]:
        """Return up to `most` lists to ask for now, which wait until they are added; none if all are finished."""
        return self._waiting[:most]

    def add(self, asked: Sequence[ListRequest], pages: Sequence[AnyList | None]) -> None:
        """Join `pages`, the answers to `asked`, to their lists; a list that goes on waits again, at the end."""
        del self._waiting[: len(asked)]
        for wanted, page in zip(asked, pages, strict=True):
            if page is None:  # GitHub cannot tell this list
                continue
            lists = self._lists[wanted.pull_request_id]
            so_far = lists.get(wanted.name)
            lists[wanted.name] = page if so_far is None else structs.replace(page, nodes=so_far.nodes + page.nodes)
            # A page without members, or followed by itself, ends a list whatever it says: it would be asked for for ever.
            info = page.page_info
            if info.has_next_page and page.nodes and info.end_cursor not in (None, wanted.after):
                self._waiting.append(replace(wanted, after=info.end_cursor))

    def completed(self) -> list[PullRequestNode]:
        """Return the pull requests in their order, each with what was added to its lists."""
        return [structs.replace(node, **self._lists[node.id]) if node.id in self._lists else node for node in self._nodes]

    def _wait(self, node: PullRequestNode, name: ListName, *, after: str | None) -> None:
        self._waiting.append(ListRequest(pull_request_id=node.id, name=name, after=after))
