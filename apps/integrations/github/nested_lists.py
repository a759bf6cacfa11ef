"""The nested lists that a page left unfinished, and how their later pages join them. No I/O."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from apps.integrations.github.answers import AnyList
from apps.integrations.github.nodes import Connection, PullRequestNode
from apps.integrations.github.queries import ListName, ListRequest


class UnfinishedLists:
    """What is still to be asked for of ``nodes``; ``with_files`` says whether their page asked for files at all."""

    def __init__(self, nodes: Sequence[PullRequestNode], *, with_files: bool) -> None:
        self._nodes = nodes
        self._lists: defaultdict[str, dict[ListName, Connection[Any]]] = defaultdict(dict)
        self._waiting: list[ListRequest] = []
        for node in nodes:
            begun: dict[ListName, AnyList | None] = {
                "reviews": node.reviews,
                "commits": node.commits,
                "files": node.files,
            }
            for name, so_far in begun.items():
                if so_far is not None and so_far.has_next_page:
                    self._lists[node.id][name] = so_far
                    self._waiting.append(ListRequest(node.id, name, so_far.end_cursor))
            if not with_files:
                self._waiting.append(ListRequest(node.id, "files", None))

    def next_batch(self, most: int) -> list[ListRequest]:
        """Up to ``most`` lists to ask for now, which wait until they are added; none when all are finished."""
        return self._waiting[:most]

    def add(self, asked: Sequence[ListRequest], pages: Sequence[AnyList | None]) -> None:
        """``pages``, the answers to ``asked``, are joined to their lists; what goes on waits again, at the end."""
        del self._waiting[: len(asked)]
        for wanted, page in zip(asked, pages, strict=True):
            if page is None:  # GitHub cannot tell this list
                continue
            lists = self._lists[wanted.pull_request_id]
            so_far = lists.get(wanted.name)
            before: tuple[Any, ...] = () if so_far is None else so_far.nodes
            lists[wanted.name] = Connection(before + page.nodes, page.total_count, page.has_next_page, page.end_cursor)
            # A page without members, or with itself behind it, ends a list whatever it says: it would be asked for for ever.
            if page.has_next_page and page.nodes and page.end_cursor not in (None, wanted.after):
                self._waiting.append(replace(wanted, after=page.end_cursor))

    def completed(self) -> list[PullRequestNode]:
        """The pull requests in their order, each with what was added to its lists."""
        return [_with_lists(node, self._lists[node.id]) if node.id in self._lists else node for node in self._nodes]


def _with_lists(node: PullRequestNode, lists: dict[ListName, Connection[Any]]) -> PullRequestNode:
    return replace(
        node,
        reviews=lists.get("reviews", node.reviews),
        commits=lists.get("commits", node.commits),
        files=lists.get("files", node.files),
    )
