"""Answers become typed nodes, or the one error that they are."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from apps.integrations.errors import GitHubError, InvalidAnswer, NotFound, PartialAnswer
from apps.integrations.github import answers
from apps.integrations.github.nodes import Actor, RepositoryInfo, Response
from apps.integrations.github.queries import ListRequest
from tests.integrations.github.answers import a_file, a_list, a_page, a_pull_request, answer
from tests.integrations.recorded import recorded

REVIEW = {
    "id": "PRR_1",
    "fullDatabaseId": "3000000000",
    "author": None,
    "state": "APPROVED",
    "body": "Fine.",
    "submittedAt": "2026-01-02T00:00:00Z",
    "commit": {"oid": "abc"},
}
COMMIT = {
    "commit": {
        "oid": "abc",
        "message": "Change",
        "authoredDate": "2026-01-01T00:00:00+02:00",
        "committedDate": "2026-01-01T00:00:00Z",
        "additions": 1,
        "deletions": 0,
        "author": {"name": "Mona", "user": None},
    }
}


def test_a_page_holds_typed_pull_requests_with_their_cursors() -> None:
    """Numbers over 32 bits, aware times, nested lists."""
    node = a_pull_request(1, reviews=a_list([REVIEW]), commits=a_list([COMMIT], total=101, end="k"))
    page = answers.read_pull_requests(answer(a_page(node))).value
    cursor, pull_request = page.items[0]
    assert (cursor, pull_request.full_database_id) == ("c1", 10_000_000_001)
    assert pull_request.updated_at == datetime(2026, 1, 30, tzinfo=UTC)
    assert pull_request.reviews.nodes[0].submitted_at == datetime(2026, 1, 2, tzinfo=UTC)
    assert pull_request.commits.nodes[0].author_name == "Mona"
    assert (pull_request.commits.total_count, pull_request.commits.end_cursor) == (101, "k")
    assert page.cost == 1


def test_what_github_may_leave_out_is_none() -> None:
    """Deleted accounts and forks, unsubmitted reviews, unknown files, commits without an author."""
    nobody = {"commit": {**COMMIT["commit"], "author": None}}
    review = {**REVIEW, "submittedAt": None, "commit": None, "fullDatabaseId": None}
    node = a_pull_request(
        1, author=None, headRepository=None, files=None, reviews=a_list([review]), commits=a_list([nobody])
    )
    _, pull_request = answers.read_pull_requests(answer(a_page(node))).value.items[0]
    assert (pull_request.author, pull_request.head_repository, pull_request.files) == (None, None, None)
    assert pull_request.commits.nodes[0].author_login is None
    first = pull_request.reviews.nodes[0]
    assert (first.author, first.submitted_at, first.commit_oid, first.full_database_id) == (None, None, None, None)


def test_counts_are_there_where_they_were_asked_for() -> None:
    """The window's size and the newest change."""
    data = a_page(a_pull_request(1), window={"issueCount": 7})
    data["repository"]["newest"] = {"nodes": [{"updatedAt": "2026-01-31T00:00:00Z"}]}
    page = answers.read_pull_requests(answer(data)).value
    assert (page.window_count, page.newest_updated_at) == (7, datetime(2026, 1, 31, tzinfo=UTC))


def test_an_empty_repository_is_an_empty_page() -> None:
    """No pull request, no newest change, and no error."""
    data = a_page(window={"issueCount": 0})
    data["repository"]["newest"] = {"nodes": []}
    page = answers.read_pull_requests(answer(data)).value
    assert (page.items, page.window_count, page.newest_updated_at, page.has_next_page) == ((), 0, None, False)


@pytest.mark.parametrize(
    "data",
    [
        a_page(None),
        a_page(a_pull_request(1, reviews=None)),
        a_page(a_pull_request(1, commits=a_list([None]))),
        {**a_page(), "repository": None},
    ],
    ids=["pull request", "list", "member", "repository"],
)
def test_a_null_without_an_error_is_no_empty_page(data: object) -> None:
    """GitHub's partial data is refused whole, with its evidence."""
    with pytest.raises(PartialAnswer) as caught:
        answers.read_pull_requests(answer(data))
    assert (caught.value.http_status, caught.value.request_id) == (200, "A1")


@pytest.mark.parametrize("data", [{}, "null", None, [], a_page(a_pull_request(1, updatedAt="yesterday"))], ids=str)
def test_data_of_another_shape_is_invalid(data: object) -> None:
    """A KeyError of ours never leaves the protocol."""
    with pytest.raises(InvalidAnswer):
        answers.read_pull_requests(answer(data))


def test_an_error_in_the_answer_is_raised_by_reading_it() -> None:
    """Nobody can forget to look."""
    with pytest.raises(NotFound):
        answers.read_pull_requests(recorded("not_found"))


def test_a_server_without_limits_tells_no_cost() -> None:
    """GitHub Enterprise Server may have limits switched off."""
    read = answers.read_pull_requests(answer({**a_page(), "rateLimit": None}))
    assert (read.cost, read.limit, read.value.cost) == (None, None, None)


def test_batched_lists_come_back_in_the_order_they_were_asked_for() -> None:
    """Aliases are matched by number; unknown files are None."""
    lists = [ListRequest("PR_1", "files", "c"), ListRequest("PR_2", "reviews", None), ListRequest("PR_3", "files", None)]
    data = {
        "list0": {"files": a_list([a_file("a")])},
        "list1": {"reviews": a_list([REVIEW])},
        "list2": {"files": None},
        "rateLimit": None,
    }
    files, reviews, unknown = answers.read_lists(answer(data), lists).value
    assert files is not None
    assert reviews is not None
    assert [len(files.nodes), len(reviews.nodes), unknown] == [1, 1, None]


def test_rest_documents_become_types() -> None:
    """A remaining budget of 0 on a success is no error."""
    info = answers.read_repository(recorded("repository_rest"), asked_for="octocat/hello-world")
    assert info == RepositoryInfo(1296269, "octocat/Hello-World", archived=False, private=False)


def test_an_old_name_is_told_as_a_rename() -> None:
    """Case alone is none."""
    info = answers.read_repository(recorded("repository_rest"), asked_for="octocat/old")
    assert info.renamed_from == "octocat/old"


def test_a_rest_error_is_raised_by_reading_it() -> None:
    """As with GraphQL."""
    with pytest.raises(GitHubError):
        answers.read_user(recorded("forbidden_rest"))


def test_a_user_is_an_actor() -> None:
    """Login and kind."""
    response = Response(200, {}, b'{"login": "octocat", "type": "User", "id": 1}')
    assert answers.read_user(response) == Actor("octocat", "User")


@pytest.mark.parametrize(
    ("link", "following"),
    [
        ("", None),
        ('<https://api.github.com/user/repos?per_page=2&page=1>; rel="prev"', None),
        (
            '<https://h/api/v3/user/repos?page=1>; rel="prev", <https://h/api/v3/user/repos?page=3>; rel="next"',
            "/api/v3/user/repos?page=3",
        ),
    ],
)
def test_the_next_page_s_address_loses_its_host(link: str, following: str | None) -> None:
    """A header cannot send the token elsewhere."""
    assert answers.next_page(Response(200, {"link": link}, b"[]")) == following


def test_organizations_left_out_of_a_list_are_named() -> None:
    """GitHub says so in a header alone."""
    headers = {"x-github-sso": "partial-results; organizations=21955855,20582480"}
    assert answers.hidden_organizations(Response(200, headers, b"[]")) == ("21955855", "20582480")
    assert answers.hidden_organizations(Response(200, {}, b"[]")) == ()


def test_a_budget_that_makes_no_sense_spoils_no_answer() -> None:
    """The page is what was asked for; what is left is then not known."""
    blocks: list[object] = ["", [], {}, {"cost": None}, {"cost": 1, "remaining": "many"}]
    for block in blocks:
        read = answers.read_pull_requests(answer({**a_page(a_pull_request(1)), "rateLimit": block}))
        assert (len(read.value.items), read.limit) == (1, None)
