"""A repository's pull requests, newest first: which of them, whether each was AI-assisted, and by which evidence."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.http import QueryDict

from apps.analysis.evidence import Evidence, evidence_in
from apps.analysis.models import Analysis
from apps.console.web.asking import Asked
from apps.console.web.paging import Paged, number_in, paged
from apps.pulls.models import PullRequest

LOOKED_AT = 20_000
"""Pull requests that one page looks at for those that are asked for: however few there are, it is there at once."""
STATES: Mapping[str, str] = {"open": "OPEN", "merged": "MERGED", "closed": "CLOSED"}
ASSISTED: Mapping[str, bool] = {"AI-assisted": True, "nothing found": False}
_NUMBER = re.compile(r"#?(\d{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequestFilter(Asked):
    """Which pull requests: what is empty or not understood asks for nothing."""

    text: str = ""
    state: str = ""
    assisted: str = ""

    def of_pull_requests(self, rows: QuerySet[PullRequest]) -> QuerySet[PullRequest]:
        """Return those that are asked for."""
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
    """What is known where no tool's mark was found, or what has changed since."""

    @property
    def address(self) -> str:
        """Return its page at GitHub; nothing where a browser should not go there."""
        url = self.pull_request.url
        return url if url.startswith(("https://", "http://")) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequestPage:
    """A page of pull requests, and whether it ends where it does because so many were looked at."""

    lines: Sequence[PullRequestLine]
    newer: int | None
    older: int | None
    goes_on: bool


def newest_of(rows: QuerySet[PullRequest], *, most: int) -> list[PullRequestLine]:
    """Return the newest of a repository's pull requests."""
    return [_line(row) for row in _shown(rows).order_by("-number")[:most]]


def page_of(rows: QuerySet[PullRequest], asked: PullRequestFilter, query: QueryDict) -> PullRequestPage:
    """Return the page of a repository's pull requests that an address asks for."""
    shown = _shown(rows)
    if not asked.as_query():
        return _page(paged(shown, query, by=("-number",)), far=None, is_back=False)
    after = number_in(query, "after")
    far = _far(rows, before=number_in(query, "before"), after=after)
    within = Q() if far is None else Q(number__lte=far) if after is not None else Q(number__gte=far)
    found = paged(asked.of_pull_requests(shown.filter(within)), query, by=("-number",))
    return _page(found, far=far, is_back=after is not None)


def _shown(rows: QuerySet[PullRequest]) -> QuerySet[PullRequest]:
    """Return the rows with what a line shows of them: no descriptions, which are long."""
    return rows.select_related("analysis").only(*_SHOWN)


_SHOWN = (
    *("number", "title", "state", "is_draft", "url", "author", "created_at", "updated_at", "merged_at"),
    *("additions", "deletions", "analysis__tools", "analysis__evidence", "analysis__of_update"),
)


def _far(rows: QuerySet[PullRequest], *, before: int | None, after: int | None) -> int | None:
    """Return the last number that a page looks at; None where it looks at all that follow."""
    if after is not None:
        ahead = rows.filter(number__gt=after).order_by("number")
    else:
        ahead = (rows if before is None else rows.filter(number__lt=before)).order_by("-number")
    last = list(ahead.values_list("number", flat=True)[LOOKED_AT - 1 : LOOKED_AT + 1])
    return last[0] if len(last) > 1 else None


def _page(found: Paged[PullRequest], *, far: int | None, is_back: bool) -> PullRequestPage:
    newer, older = found.newer, found.older
    goes_on = far is not None and (newer if is_back else older) is None
    if goes_on:
        newer, older = (far, older) if is_back else (newer, far)
    return PullRequestPage(lines=[_line(row) for row in found.rows], newer=newer, older=older, goes_on=goes_on)


def _line(row: PullRequest) -> PullRequestLine:
    analysis: Analysis | None = getattr(row, "analysis", None)
    if analysis is None:
        return PullRequestLine(pull_request=row, tools=(), evidence=(), says="not looked at yet")
    says = "" if analysis.tools else "nothing found"
    if analysis.of_update != row.updated_at:
        says = f"{says}, changed since".removeprefix(", ")
    return PullRequestLine(pull_request=row, tools=analysis.tools, evidence=evidence_in(analysis.evidence), says=says)
