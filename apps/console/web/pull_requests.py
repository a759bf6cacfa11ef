"""List a repository's pull requests: which, in which order, whether AI-assisted, and on what evidence."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.http import QueryDict

from apps.analysis.evidence import Evidence, evidence_in
from apps.analysis.models import Analysis
from apps.console.web.asking import Asked
from apps.console.web.paging import Paged, paged
from apps.pulls.models import PullRequest

LOOKED_AT = 20_000
"""How many pull requests one page examines for matches, so that it is quick however few there are."""
STATES: Mapping[str, str] = {"open": "OPEN", "merged": "MERGED", "closed": "CLOSED"}
ORDERS: Mapping[str, tuple[str, ...]] = {
    "newest first": ("-number",),
    "oldest first": ("number",),
    "recently updated": ("-updated_at", "-number"),
    "least recently updated": ("updated_at", "number"),
    "recently merged": ("-merged_at", "-number"),
    "least recently merged": ("merged_at", "number"),
}
ASSISTED: Mapping[str, bool] = {"AI-assisted": True, "nothing found": False}
_NUMBER = re.compile(r"#?(\d{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequestFilter(Asked):
    """Which pull requests; empty or invalid values do not restrict."""

    text: str = ""
    state: str = ""
    assisted: str = ""
    order: str = ""

    @property
    def order_or_usual(self) -> str:
        """The requested order, or the default."""
        return self.order if self.order in ORDERS else next(iter(ORDERS))

    @property
    def is_search(self) -> bool:
        """Whether it restricts the list."""
        return bool(self.text or self.state or self.assisted)

    @property
    def merged_alone(self) -> bool:
        """Whether it is ordered by merge, which only merged ones have."""
        return "merged" in self.order_or_usual

    def of_pull_requests(self, rows: QuerySet[PullRequest]) -> QuerySet[PullRequest]:
        """Return the matching pull requests."""
        if self.state in STATES:
            rows = rows.filter(state=STATES[self.state])
        if self.assisted in ASSISTED:
            rows = rows.filter(analysis__is_ai_assisted=ASSISTED[self.assisted])
        if number := _NUMBER.fullmatch(self.text):
            return rows.filter(number=int(number[1]))
        return rows.filter(Q(title__icontains=self.text) | Q(author__icontains=self.text)) if self.text else rows


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequestLine:
    """A pull request as a list shows it."""

    pull_request: PullRequest
    tools: Sequence[str]
    evidence: Sequence[Evidence]
    says: str
    """What is known if no tool's mark was found, or what has changed since."""

    @property
    def address(self) -> str:
        """Return its page on GitHub, or "" if a browser should not go there."""
        url = self.pull_request.url
        return url if url.startswith(("https://", "http://")) else ""


def newest_of(rows: QuerySet[PullRequest], *, most: int) -> list[PullRequestLine]:
    """Return the newest of a repository's pull requests."""
    return [_line(row) for row in _shown(rows).order_by("-number")[:most]]


def page_of(
    rows: QuerySet[PullRequest], asked: PullRequestFilter, query: QueryDict
) -> tuple[Paged[PullRequest], list[PullRequestLine]]:
    """Return the requested page of a repository's pull requests, and its lines."""
    every = _shown(rows.filter(merged_at__isnull=False) if asked.merged_alone else rows)
    most = LOOKED_AT if asked.is_search else None
    page = paged(asked.of_pull_requests(every), query, by=ORDERS[asked.order_or_usual], every=every, most=most)
    return page, [_line(row) for row in page.rows]


def _shown(rows: QuerySet[PullRequest]) -> QuerySet[PullRequest]:
    """Return the rows with only what a line shows, without the long descriptions."""
    return rows.select_related("analysis").only(*_SHOWN)


_SHOWN = (
    *("number", "title", "state", "is_draft", "url", "author", "created_at", "updated_at", "merged_at"),
    *("additions", "deletions", "analysis__tools", "analysis__evidence", "analysis__of_update"),
)


def _line(row: PullRequest) -> PullRequestLine:
    analysis: Analysis | None = getattr(row, "analysis", None)
    if analysis is None:
        return PullRequestLine(pull_request=row, tools=(), evidence=(), says="not looked at yet")
    says = "" if analysis.tools else "nothing found"
    if analysis.of_update != row.updated_at:
        says = f"{says}, changed since".removeprefix(", ")
    return PullRequestLine(pull_request=row, tools=analysis.tools, evidence=evidence_in(analysis.evidence), says=says)
