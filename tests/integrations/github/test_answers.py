"""Answers become typed nodes, or the one error that they are."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.integrations.errors import GitHubError, InvalidAnswer, NotFound, PartialAnswer, ServerError
from apps.integrations.github import answers
from apps.integrations.github.nodes import PageInfo, RateLimit, RepositoryInfo, Response, TokenHolder
from apps.integrations.github.queries import ListRequest
from tests.integrations.github.answers import (
    COMMIT,
    EVIL,
    REVIEW,
    a_file,
    a_list,
    a_page,
    a_pull_request,
    answer,
    paths_in,
    whole_document,
)
from tests.integrations.recorded import recorded


def _rest(body: bytes, **headers: str) -> Response:
    return Response(status=200, headers=headers, body=body)


def test_a_page_holds_typed_pull_requests_with_their_cursors() -> None:
    """Numbers over 32 bits, aware times, nested lists."""
    node = a_pull_request(1, reviews=a_list([REVIEW]), commits=a_list([COMMIT], total=101, end="k"))
    read = answers.read_pull_requests(answer(a_page(node)))
    (edge,) = read.value[0].edges
    assert (edge.cursor, edge.node.database_id) == ("c1", 10_000_000_001)
    assert edge.node.updated_at == datetime(2026, 1, 30, tzinfo=UTC)
    assert edge.node.reviews.nodes[0].submitted_at == datetime(2026, 1, 2, tzinfo=UTC)
    assert edge.node.reviews.nodes[0].database_id == 3_000_000_000
    assert edge.node.commits.nodes[0].commit.author is not None
    assert edge.node.commits.nodes[0].commit.author.name == "Mona"
    assert (edge.node.commits.total_count, edge.node.commits.page_info.end_cursor) == (101, "k")
    assert read.cost == 1


def test_what_github_may_leave_out_is_none() -> None:
    """Deleted accounts and forks, unsubmitted reviews, unknown files, commits without an author."""
    nobody = {"commit": {**COMMIT["commit"], "author": None}}
    review = {**REVIEW, "submittedAt": None, "commit": None, "fullDatabaseId": None}
    node = a_pull_request(
        1, author=None, headRepository=None, files=None, reviews=a_list([review]), commits=a_list([nobody])
    )
    (found,) = answers.read_pull_requests(answer(a_page(node))).value[0].nodes
    assert (found.author, found.head_repository, found.files) == (None, None, None)
    assert found.commits.nodes[0].commit.author is None
    first = found.reviews.nodes[0]
    assert (first.author, first.submitted_at, first.commit, first.database_id) == (None, None, None, None)


def test_counts_are_there_where_they_were_asked_for() -> None:
    """The window's size and the newest change."""
    data = a_page(a_pull_request(1), window={"issueCount": 7})
    data["repository"]["newest"] = {"nodes": [{"updatedAt": "2026-01-31T00:00:00Z"}]}
    page, _ = answers.read_pull_requests(answer(data)).value
    assert (page.window_count, page.newest_updated_at) == (7, datetime(2026, 1, 31, tzinfo=UTC))


@pytest.mark.parametrize(
    ("headers", "asked_at"),
    [
        ({}, None),
        ({"date": "garbage"}, None),
        ({"date": "Sat, 31 Jan 2026 12:00:08 GMT"}, datetime(2026, 1, 31, 12, 0, 0, 500_000, tzinfo=UTC)),
    ],
)
def test_a_page_says_when_it_was_asked_for(headers: dict[str, str], asked_at: datetime | None) -> None:
    """By GitHub's clock, which says when it answered, if it does."""
    body = orjson.dumps({"data": a_page(a_pull_request(1))})
    page, _ = answers.read_pull_requests(Response(status=200, headers=headers, body=body, seconds=7.5)).value
    assert page.asked_at == asked_at


def test_an_empty_repository_is_an_empty_page() -> None:
    """No pull request, no newest change, and no error."""
    data = a_page(window={"issueCount": 0})
    data["repository"]["newest"] = {"nodes": []}
    page, _ = answers.read_pull_requests(answer(data)).value
    assert (page.edges, page.window_count, page.newest_updated_at) == ((), 0, None)
    assert page.page_info == PageInfo(has_next_page=False, end_cursor="c0")


@pytest.mark.parametrize(
    "data",
    [
        a_page(None),
        a_page(a_pull_request(1, reviews=None)),
        a_page(a_pull_request(1, commits=a_list([None]))),
        a_page(a_pull_request(1, title=None)),
        a_page({**a_pull_request(1), "number": None}),
        {**a_page(), "repository": None},
    ],
    ids=["pull request", "list", "member", "text", "number", "repository"],
)
def test_a_null_without_an_error_is_no_empty_page(data: object) -> None:
    """GitHub's partial data is refused whole, with its evidence."""
    with pytest.raises(PartialAnswer, match="null") as caught:
        answers.read_pull_requests(answer(data))
    assert (caught.value.http_status, caught.value.request_id) == (200, "A1")


@pytest.mark.parametrize(
    "data",
    [
        {},
        "null",
        None,
        [],
        a_page(a_pull_request(1, updatedAt="yesterday")),
        a_page(a_pull_request(1, updatedAt="2026-01-01T00:00:00")),
        a_page(a_pull_request(1, updatedAt=7)),
        a_page({**a_pull_request(1), "number": 2**31}),
        a_page(a_pull_request(1, state="MERGED_BY_SOMEBODY")),
        a_page(a_pull_request(1, title=1)),
    ],
)
def test_data_of_another_shape_is_invalid(data: object) -> None:
    """What no column of ours could hold, too: no error of a library leaves this room."""
    with pytest.raises(InvalidAnswer):
        answers.read_pull_requests(answer(data))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"data": {"repository": "\xff"}}',
        b'{"data": {"repository": "\\ud800"}}',
        b'{"data": {"repository": ' + b"[" * 200_000 + b"]" * 200_000 + b"}}",
        b'{"data": {"repository": {}, "rateLimit": "\xff"}}',
        b'{"data": {"repository": NaN}}',
    ],
    ids=["nothing", "cut", "not UTF-8", "half a character", "deep", "a budget that is not UTF-8", "not a number"],
)
def test_what_is_no_json_is_invalid(body: bytes) -> None:
    """However it is broken, and however deep."""
    for read in (answers.read_pull_requests, answers.read_viewer, answers.read_user, answers.read_repositories):
        with pytest.raises(InvalidAnswer):
            read(_rest(body))


@given(path=st.sampled_from(paths_in(whole_document())), evil=st.just("missing") | EVIL)
def test_one_wrong_value_anywhere_is_a_declared_error_or_nothing(path: tuple[Any, ...], evil: object) -> None:
    """Nothing else is ever raised for an answer."""
    document = whole_document()
    container: Any = document
    for key in path[:-1]:
        container = container[key]
    if evil == "missing":
        del container[path[-1]]
    else:
        container[path[-1]] = evil
    with suppress(GitHubError):
        answers.read_pull_requests(Response(status=200, headers={}, body=orjson.dumps(document)))


@given(st.recursive(EVIL, lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["data", "errors", "id"]), inner)))
def test_any_document_is_a_declared_error_or_an_answer(document: object) -> None:
    """For each API."""
    response = Response(status=200, headers={}, body=orjson.dumps(document))
    for read in (
        answers.read_pull_requests,
        answers.read_pull_request_numbers,
        answers.read_viewer,
        answers.read_user,
        answers.read_repositories,
        answers.read_rate_limits,
    ):
        with suppress(GitHubError):
            read(response)


def test_an_error_in_the_answer_is_raised_by_reading_it() -> None:
    """Nobody can forget to look."""
    with pytest.raises(NotFound):
        answers.read_pull_requests(recorded("not_found"))


def test_an_error_with_a_nul_is_the_error_that_it_is() -> None:
    """Nothing in it is to be mended."""
    body = rb'{"message": "Bad \u0000 gateway"}'
    with pytest.raises(ServerError):
        answers.read_pull_requests(Response(status=502, headers={"content-type": "application/json"}, body=body))


def test_a_server_without_limits_reports_no_cost() -> None:
    """GitHub Enterprise Server may have limits switched off."""
    read = answers.read_pull_requests(answer({**a_page(), "rateLimit": None}))
    assert (read.cost, read.limits) == (None, ())


def test_each_list_comes_back_to_who_asked_for_it() -> None:
    """Aliases are matched by number; unknown files are None."""
    lists = [
        ListRequest(pull_request_id="PR_1", name="files", after="c"),
        ListRequest(pull_request_id="PR_2", name="reviews", after=None),
        ListRequest(pull_request_id="PR_3", name="files", after=None),
    ]
    data = {
        "list0": {"files": a_list([a_file("a")])},
        "list1": {"reviews": a_list([REVIEW])},
        "list2": {"files": None},
        "rateLimit": None,
    }
    found = answers.read_lists(answer(data), lists=lists).value
    assert list(found) == lists
    files, reviews, unknown = found.values()
    assert files is not None
    assert reviews is not None
    assert [files.nodes[0].path, reviews.nodes[0].state, unknown] == ["a", "APPROVED", None]
    page, beside = answers.read_pull_requests(answer({**a_page(a_pull_request(1)), **data}), lists=lists).value
    assert (len(page.nodes), beside) == (1, found)


@pytest.mark.parametrize("found", [None, {}, {"reviews": None}, {"reviews": a_list([None])}], ids=str)
def test_a_list_that_must_be_there_and_is_not_is_an_error(found: object) -> None:
    """Files alone may be unknown."""
    lists = [ListRequest(pull_request_id="PR_1", name="reviews", after=None)]
    with pytest.raises((PartialAnswer, InvalidAnswer)):
        answers.read_lists(answer({"list0": found}), lists=lists)


def test_rest_documents_become_types() -> None:
    """A remaining budget of 0 on a success is no error."""
    info = answers.read_repository(recorded("repository_rest"), asked_for="octocat/hello-world").value
    assert info == RepositoryInfo(id=1296269, full_name="octocat/Hello-World", archived=False, private=False)


def test_an_old_name_is_marked_as_renamed() -> None:
    """Case alone is no other name."""
    info = answers.read_repository(recorded("repository_rest"), asked_for="octocat/old").value
    assert info.renamed_from == "octocat/old"


def test_an_installation_s_list_is_unwrapped() -> None:
    """Beside it GitHub says how many there are."""
    document = b'{"total_count": 1, "repositories": [{"id": 1, "full_name": "o/n", "archived": false, "private": true}]}'
    assert [info.full_name for info in answers.read_repositories(_rest(document)).value] == ["o/n"]


def test_a_rest_error_is_raised_by_reading_it() -> None:
    """As with GraphQL."""
    with pytest.raises(GitHubError):
        answers.read_user(recorded("forbidden_rest"))


@pytest.mark.parametrize(
    ("headers", "scopes", "expires_at"),
    [
        ({}, None, None),
        ({"x-oauth-scopes": ""}, (), None),
        ({"x-oauth-scopes": "repo, read:org"}, ("repo", "read:org"), None),
        (
            {"github-authentication-token-expiration": "2026-01-31 12:00:00 UTC"},
            None,
            datetime(2026, 1, 31, 12, tzinfo=UTC),
        ),
        (
            {"github-authentication-token-expiration": "2026-01-31 12:00:00 -0500"},
            None,
            datetime(2026, 1, 31, 17, tzinfo=UTC),
        ),
        ({"github-authentication-token-expiration": "one day"}, None, None),
    ],
)
def test_a_token_s_holder_is_told_with_the_token(
    headers: dict[str, str], scopes: tuple[str, ...] | None, expires_at: datetime | None
) -> None:
    """Login and kind; scopes and an end where GitHub names them: no scopes are another thing than none named."""
    read = answers.read_user(_rest(b'{"login": "octocat", "type": "User", "id": 1}', **headers))
    assert read.value == TokenHolder(login="octocat", kind="User", scopes=scopes, expires_at=expires_at)


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
    assert answers.next_page(_rest(b"[]", link=link)) == following


def test_a_next_page_without_an_address_is_invalid() -> None:
    """It is not the last page."""
    with pytest.raises(InvalidAnswer):
        answers.next_page(_rest(b"[]", link='<https://[::1>; rel="next"'))


def test_organizations_left_out_of_a_list_are_named() -> None:
    """GitHub says so in a header alone."""
    headers = {"x-github-sso": "partial-results; organizations=21955855,20582480"}
    assert answers.hidden_organizations(_rest(b"[]", **headers)) == ("21955855", "20582480")
    assert answers.hidden_organizations(_rest(b"[]")) == ()


@pytest.mark.parametrize("block", ["", [], {}, {"cost": None}, {"cost": -1}, {"cost": 1, "remaining": "many"}], ids=str)
def test_a_budget_that_makes_no_sense_spoils_no_answer(block: object) -> None:
    """The page is what was asked for; what is left is then not known."""
    read = answers.read_pull_requests(answer({**a_page(a_pull_request(1)), "rateLimit": block}))
    assert (len(read.value[0].edges), read.limits) == (1, ())


@given(
    st.dictionaries(st.text(max_size=3), EVIL | st.fixed_dictionaries(dict.fromkeys(("limit", "remaining", "reset"), EVIL)))
)
def test_a_listed_budget_that_makes_no_sense_spoils_no_other(others: dict[str, object]) -> None:
    """Nor what an old server does not say: how much of it is used."""
    whole = {"limit": 60, "remaining": 59, "reset": 1_767_225_600}
    listed = {**others, "core": whole, "null": None, "search": {**whole, "reset": "soon"}, "graphql": {**whole, "used": 7}}
    limits = {limit.resource: limit for limit in answers.read_rate_limits(_rest(orjson.dumps({"resources": listed}))).limits}
    assert limits["core"] == RateLimit(
        limit=60, remaining=59, used=0, reset_at=datetime(2026, 1, 1, tzinfo=UTC), resource="core"
    )
    assert limits["graphql"].used == 7
    assert not {"null", "search"} & limits.keys()
