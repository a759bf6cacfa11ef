"""What the pages of repositories say: how fresh and complete each is, its runs, its pull requests and their evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from itertools import chain
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.console.web import paging, pull_requests
from apps.integrations.models import RepoSync
from apps.pulls.models import PullRequest
from apps.repositories.models import TrackedRepository
from apps.utils import clock
from tests.console.web.conftest import text_of
from tests.console.web.histories import make_pull_request, synced
from tests.console.web.people import People, make_run
from tests.integrations.histories import DAY

pytestmark = pytest.mark.django_db
_HOUR = timedelta(hours=1)
_LOST = {"state": "failed", "disposition": "failed", "error_type": "unauthorized", "error_msg": "401: Bad credentials"}


def _html(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def _listed(page: str) -> list[str]:
    """The names of the repositories in a page's list."""
    return re.findall(r'href="/repositories/\d+/" data-row>([^<]+)<', page)


def _numbers(page: str) -> list[int]:
    """The numbers of the pull requests in a page's list."""
    return [int(number) for number in re.findall(r'id="pull-(\d+)"', page)]


def _walk(client: Client, address: str) -> Iterator[str]:
    """Each page of a list, from the top."""
    while True:
        page = _html(client, address)
        yield page
        following = re.search(r'rel="next" href="([^"]+)"', page)
        if following is None:
            return
        address = unescape(following[1])


def _five(people: People) -> None:
    """A repository in each state; those of another team are nobody's here."""
    synced(people, "core/a-on-time")
    synced(people, "core/b-late", ago=30 * _HOUR)
    synced(people, "core/c-delayed", ago=40 * _HOUR)
    make_run(people.team, {"full_name": "core/c-delayed", "state": "running", "prs_done": 3})
    synced(people, "core/d-refused", ago=2 * _HOUR)
    make_run(people.team, {"full_name": "core/d-refused", **_LOST}, state="failed")
    make_run(people.team, {"full_name": "core/e-down", **_LOST, "error_type": "server_error"}, state="failed")
    account = TrackedRepository.objects.get(full_name="core/a-on-time").connection
    TrackedRepository.objects.create(team=people.team, connection=account, full_name="core/f-never")
    make_run(people.other_team, {"full_name": "other/secret", **_LOST})


def test_repositories_stand_worst_first_with_a_sentence_and_what_to_do(people: People, owner: Client) -> None:
    """The same words on the list, on Home and on the team's page."""
    _five(people)
    late = ["core/b-late", "core/d-refused", "core/e-down", "core/c-delayed", "core/f-never"]
    assert _listed(_html(owner, "/repositories/")) == [*late, "core/a-on-time"]
    assert _listed(_html(owner, "/")) == _listed(_html(owner, "/teams/core/")) == late
    for address in ("/repositories/", "/", "/teams/core/"):
        page = text_of(owner, address)
        assert "needs you 2 failed 1 delayed 1 never synced 1 on time 1" in page
        assert "6 h late, and nothing is under way. Start a sync: python manage.py sync core/b-late --team core" in page
        assert "failed: 401: Bad credentials. What is stored is 2 h old, within the promise. The token was refused." in page
        assert "16 h late. Run " in page
        assert "is under way: syncing." in page


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("state=needs+you", ["b-late", "d-refused"]),
        ("state=on+time&team=core", ["a-on-time"]),
        ("text=LATE", ["b-late"]),
        ("team=other", []),
        ("state=nonsense&order=name", ["a-on-time", "b-late", "c-delayed", "d-refused", "e-down", "f-never"]),
        ("order=oldest+first", ["e-down", "f-never", "c-delayed", "b-late", "d-refused", "a-on-time"]),
        ("order=newest+first", ["a-on-time", "d-refused", "b-late", "c-delayed", "f-never", "e-down"]),
        ("order=nonsense&text=%00&before=nonsense", ["b-late", "d-refused", "e-down", "c-delayed", "f-never", "a-on-time"]),
    ],
)
def test_repositories_are_found_and_sorted_by_what_the_address_says(
    people: People, owner: Client, query: str, names: list[str]
) -> None:
    """What is not understood asks for nothing."""
    _five(people)
    assert _listed(_html(owner, f"/repositories/?{query}")) == [f"core/{name}" for name in names]


@pytest.mark.parametrize("order", ["worst+first", "name", "oldest+first", "newest+first"])
def test_pages_of_repositories_have_each_once(
    people: People, owner: Client, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the order; and the way back has the same ones."""
    _five(people)
    monkeypatch.setattr(paging, "PAGE_SIZE", 2)
    pages = list(_walk(owner, f"/repositories/?order={order}"))
    whole = [_listed(page) for page in pages]
    assert sorted(chain(*whole)) == sorted(
        TrackedRepository.objects.filter(team=people.team).values_list("full_name", flat=True)
    )
    assert [len(page) for page in whole] == [2, 2, 2]
    back = re.search(r'rel="prev" href="([^"]+)"', pages[-1])
    assert back is not None
    assert _listed(_html(owner, unescape(back[1]))) == whole[1]


def test_a_page_goes_on_where_it_ended_though_its_last_row_has_changed(
    people: People, owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repository that left the list of those that need somebody keeps its place in the order."""
    for name in "abcd":
        synced(people, f"core/{name}", ago=30 * _HOUR)
    monkeypatch.setattr(paging, "PAGE_SIZE", 2)
    pages = _walk(owner, "/repositories/?state=needs+you&order=name")
    assert _listed(next(pages)) == ["core/a", "core/b"]
    RepoSync.objects.filter(repository__full_name="core/b").update(started_at=clock.now())
    assert _listed(next(pages)) == ["core/c", "core/d"]


def test_a_repository_says_how_complete_it_is(people: People, owner: Client) -> None:
    """What GitHub counts and what is stored, as one counted them; the window; and what the difference is."""
    repository = synced(people)
    address = f"/repositories/{repository.pk}/"
    page = text_of(owner, address)
    assert "GitHub says 310 pull requests Stored 310 pull requests both counted" in page
    assert "Window all history" in page
    assert "As many as GitHub counts. Gaps None: all that was asked for was given." in page
    rows = TrackedRepository.objects.filter(pk=repository.pk)
    rows.update(stored_count=300)
    assert "GitHub counts 10 more: they came in meanwhile, or are hidden from this token." in text_of(owner, address)
    rows.update(stored_count=313)
    assert "3 more than GitHub counts: a sync of all history finds out whether they are deleted" in text_of(owner, address)
    rows.update(stored_count=40, covered_from=clock.now() - 720 * _HOUR)
    page = text_of(owner, address)
    assert "everything that was updated since" in page
    assert "GitHub counts 270 more: they were last updated before, or are hidden from this token." in page
    assert "Older history too: python manage.py sync core/core-0 --team core --all" in page
    rows.update(stored_count=None, github_count=None, counted_at=None, covered_from=None)
    page = text_of(owner, address)
    assert "GitHub says not known Stored not counted yet Window nothing is known to be complete" in page
    assert "How many pull requests GitHub counts is known once it is synced again. Gaps None is known." in page


def test_gaps_have_their_reasons_and_go_once_they_are_closed(people: People, owner: Client) -> None:
    """Each once, by the run that found it last."""
    of_list = {"pull_request": 7, "list": "files", "stored": 1, "total": 3_500}
    synced(people, ago=3 * _HOUR, gaps=[of_list])
    hidden = {"pull_request": None, "field": "pull_request", "reason": "hidden", "cursor": "c"}
    date = {"pull_request": 8, "field": "merged_at", "reason": "date"}
    repository = synced(people, gaps=[of_list, date, hidden])
    old, new = RepoSync.objects.filter(repository=repository).order_by("pk")
    pull_request = make_pull_request(repository, 7, files_total=3_500)
    address = f"/repositories/{repository.pk}/"
    page = text_of(owner, address)
    assert f"#7 : GitHub counts 3,500 files, and gives no more than 0 of them. Found by run {new.run_id} ." in page
    assert f"#8 : merged_at was not a date in the years 1 to 9999: it was left out. Found by run {new.run_id} ." in page
    assert "a pull request as a whole is hidden from this token, by an organization's rules." in page
    assert f"Found by run {old.run_id} ." not in page
    PullRequest.objects.filter(pk=pull_request.pk).update(files_total=0)
    assert "3,500 files" not in text_of(owner, address)


def test_a_repository_s_runs_come_newest_first_in_pages(people: People, owner: Client) -> None:
    """With what came of it in each."""
    repository = synced(people)
    for _ in range(10):
        synced(people)
    make_run(people.team, {"full_name": "core/core-0", **_LOST}, state="failed", ended_at=clock.now())
    pages = list(_walk(owner, f"/repositories/{repository.pk}/"))
    runs = [re.findall(r'href="/runs/(\d+)/" data-row', page) for page in pages]
    assert [len(page) for page in runs] == [10, 2]
    numbers = [int(number) for number in chain(*runs)]
    assert numbers == sorted(set(numbers), reverse=True)
    assert "401: Bad credentials" in pages[0]


def test_evidence_says_what_was_found_where_and_istext_of(people: People, owner: Client) -> None:
    """Whatever a description holds; a link leads to addresses of the web alone."""
    repository = synced(people)
    evidence = (
        "Claude Code: commit 0123456789\nClaude Code: description: Generated with [Claude Code<script>alert(1)</script>\n"
        "Devin: account devin-ai-integration"
    )
    make_pull_request(repository, 1, tools=("Claude Code", "Devin"), evidence=evidence, title="<b>bold</b>")
    make_pull_request(repository, 2, url="javascript:alert(1)", author=None)
    make_pull_request(repository, 3, tools=None)
    changed = make_pull_request(repository, 4)
    PullRequest.objects.filter(pk=changed.pk).update(updated_at=clock.now())
    for address in (f"/repositories/{repository.pk}/", f"/repositories/{repository.pk}/pull-requests/"):
        html, page = _html(owner, address), text_of(owner, address)
        assert _numbers(html) == [4, 3, 2, 1]
        assert "AI-assisted Claude Code, Devin Claude Code, in the message or the author of commit 0123456789" in page
        assert "Claude Code, in its description Generated with [Claude Code" in page
        assert "Devin, opened by the account devin-ai-integration" in page
        assert "not looked at yet" in page
        assert "nothing found, changed since" in page
        assert "by a deleted account" in page
        assert "<script>alert" not in html
        assert "<b>bold" not in html
        assert "javascript:" not in html


_FOUND = {
    "": [5, 4, 3, 2, 1],
    "state=open": [4],
    "state=merged": [5, 2, 1],
    "assisted=AI-assisted": [5, 2],
    "assisted=nothing+found": [4, 1],
    "assisted=AI-assisted&state=merged&text=SPECIAL": [2],
    "text=special": [2],
    "text=grace": [3],
    "text=%233": [3],
    "text=5": [5],
    "text=%00&state=nonsense&assisted=nonsense&before=nonsense": [5, 4, 3, 2, 1],
    "before=4": [3, 2, 1],
    "after=3": [5, 4],
}


def test_pull_requests_are_found_by_what_the_address_says(people: People, owner: Client) -> None:
    """State, assistance, words of a title, an author, a number; what is not understood asks for nothing."""
    repository = synced(people)
    make_pull_request(repository, 1)
    make_pull_request(repository, 2, tools=("aider",), title="a Special change")
    make_pull_request(repository, 3, tools=None, state="CLOSED", author="Grace")
    make_pull_request(repository, 4, state="OPEN")
    make_pull_request(repository, 5, tools=("aider",))
    address = f"/repositories/{repository.pk}/pull-requests/"
    assert {query: _numbers(_html(owner, f"{address}?{query}")) for query in _FOUND} == _FOUND


def test_a_search_looks_at_so_many_and_goes_on(people: People, owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page is never longer in coming, and says that there may be more; none is left out, and none found twice."""
    monkeypatch.setattr(pull_requests, "LOOKED_AT", 4)
    repository = synced(people)
    for number in range(1, 13):
        make_pull_request(repository, number, tools=("aider",) if number in (1, 10) else ())
    address = f"/repositories/{repository.pk}/pull-requests/?assisted=AI-assisted"
    pages = list(_walk(owner, address))
    assert [_numbers(page) for page in pages] == [[10], [], [1]]
    assert "there may be more" in pages[0]
    assert "Look further" in pages[1]
    assert "looked at is like that" in pages[1]
    assert "Look further" not in pages[2]
    assert _numbers(_html(owner, f"{address}&after=6")) == [10]
    assert _numbers(_html(owner, f"{address}&after=1")) == []


def _six(people: People) -> TrackedRepository:
    """A repository whose pull requests 2 to 5 were merged, 4 and 5 at once; 1 was updated last, 3 and 6 first, at once."""
    repository = synced(people)
    for number, (updated, merged) in enumerate([(9, None), (5, 1), (1, 4), (4, 2), (3, 2), (1, None)], start=1):
        make_pull_request(
            repository,
            number,
            tools=("aider",) if number in (1, 3) else (),
            updated_at=DAY + updated * _HOUR,
            merged_at=None if merged is None else DAY + merged * _HOUR,
        )
    return repository


_SORTED = {
    "": [6, 5, 4, 3, 2, 1],
    "oldest first": [1, 2, 3, 4, 5, 6],
    "recently updated": [1, 2, 4, 5, 6, 3],
    "least recently updated": [3, 6, 5, 4, 2, 1],
    "recently merged": [3, 5, 4, 2],
    "least recently merged": [2, 4, 5, 3],
}


@pytest.mark.parametrize(("order", "numbers"), _SORTED.items())
@pytest.mark.parametrize("size", [1, 2, 5])
def test_pull_requests_are_sorted_over_all_pages_there_and_back(
    people: People, owner: Client, monkeypatch: pytest.MonkeyPatch, order: str, numbers: list[int], size: int
) -> None:
    """Each once, also where several have the same moment; the header that sorts says so, and turns the order round."""
    monkeypatch.setattr(paging, "PAGE_SIZE", size)
    address = f"/repositories/{_six(people).pk}/pull-requests/?{urlencode({'order': order})}"
    pages = list(_walk(owner, address))
    whole = [_numbers(page) for page in pages]
    assert list(chain(*whole)) == numbers
    assert {len(page) for page in whole[:-1]} <= {size}
    for here, above in zip(pages[:0:-1], whole[-2::-1], strict=True):
        back = re.search(r'rel="prev" href="([^"]+)"', here)
        assert back is not None
        assert _numbers(_html(owner, unescape(back[1]))) == above
    header = re.findall(r'aria-sort="(\w+)"><a href="[^"]*\?([^"]+)">(?:Pull request|Updated|Merged)<', pages[0])
    assert [way for way, _ in header] == ["ascending" if order.startswith(("least", "oldest")) else "descending"]
    turned = _html(owner, f"{address.partition('?')[0]}?{unescape(header[0][1])}")
    assert len(_numbers(turned)) == min(size, len(numbers))
    assert _numbers(turned)[0] == numbers[-1]


@pytest.mark.parametrize(("order", "pages"), [("recently updated", [[1], [], [3]]), ("least recently merged", [[], [3]])])
def test_a_search_looks_at_so_many_in_every_order(
    people: People, owner: Client, monkeypatch: pytest.MonkeyPatch, order: str, pages: list[list[int]]
) -> None:
    """And goes on after the last that it has looked at."""
    monkeypatch.setattr(pull_requests, "LOOKED_AT", 2)
    address = f"/repositories/{_six(people).pk}/pull-requests/?{urlencode({'assisted': 'AI-assisted', 'order': order})}"
    assert [_numbers(page) for page in _walk(owner, address)] == pages


def test_the_order_of_merges_has_what_was_merged_and_says_so(people: People, owner: Client) -> None:
    """Also where nothing was."""
    repository = _six(people)
    address = f"/repositories/{repository.pk}/pull-requests/"
    assert "others have no place in it" in text_of(owner, f"{address}?order=recently+merged")
    assert "others have no place in it" not in text_of(owner, f"{address}?order=recently+updated")
    assert "No pull request that was merged is like that." in text_of(owner, f"{address}?order=recently+merged&text=none")
    PullRequest.objects.update(merged_at=None)
    assert "No pull request was merged." in text_of(owner, f"{address}?order=recently+merged")
    PullRequest.objects.all().delete()
    assert "No pull request is stored." in text_of(owner, f"{address}?order=newest+first")


@pytest.mark.parametrize(
    "address",
    [
        *("/repositories/", "/repositories/{}/", "/repositories/{}/pull-requests/?assisted=AI-assisted"),
        "/repositories/{}/pull-requests/?order=least+recently+updated&before={}",
        "/repositories/{}/pull-requests/?order=recently+merged&text=change",
    ],
)
def test_a_page_asks_as_much_for_many_rows_as_for_few(people: People, owner: Client, address: str) -> None:
    """No query a repository, a run, a pull request or a gap; and few in all."""
    gap = {"pull_request": 1, "list": "files", "stored": 1, "total": 3_500}
    repository = synced(people, gaps=[gap])
    make_run(people.team, {"full_name": "core/core-0", "state": "queued"})
    first = make_pull_request(repository, 1, tools=("aider",), evidence="aider: commit c", files_total=9)
    address = address.format(repository.pk, first.pk)
    owner.get(address)
    with CaptureQueriesContext(connection) as few:
        assert owner.get(address).status_code == 200
    for number in range(2, 9):
        synced(people, f"core/more-{number}", gaps=[gap])
        synced(people, gaps=[{**gap, "pull_request": number}])
        make_run(people.team, {"full_name": "core/core-0", "state": "queued"})
        make_run(people.team, {"full_name": f"core/more-{number}", "state": "queued"})
        make_pull_request(repository, number, tools=("aider",), evidence="aider: commit c", files_total=9)
    with CaptureQueriesContext(connection) as many:
        assert owner.get(address).status_code == 200
    assert len(many) == len(few)
    assert len(many) <= 14
    assert [query["sql"] for query in many if '"body"' in query["sql"]] == []  # descriptions are long


def test_a_repository_of_others_is_not_there(people: People, owner: Client) -> None:
    """Nor one whose number no row can have."""
    others = make_run(people.other_team, {"full_name": "other/secret"}).repo_syncs.get().repository_id
    addresses = [f"/repositories/{number}/" for number in (others, 0, 2**63, 10**30)]
    found = [owner.get(address + more).status_code for address in addresses for more in ("", "pull-requests/")]
    assert found == [404] * 8


def test_a_run_s_repositories_and_team_lead_to_their_pages(people: People, owner: Client) -> None:
    """From the run's page, the lists and Home."""
    repository = synced(people)
    run = RepoSync.objects.get(repository=repository).run_id
    assert f'href="/repositories/{repository.pk}/">core/core-0</a>' in _html(owner, f"/runs/{run}/")
    for address in (f"/runs/{run}/", "/runs/", "/"):
        assert 'href="/teams/core/"' in _html(owner, address)
