"""One odd value spoils itself alone: it is mended or null, it is recorded, and the page goes on."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.integrations.errors import GitHubError, InvalidAnswer, PartialAnswer, RateLimited, SsoRequired
from apps.integrations.github import answers
from apps.integrations.github.nodes import Flaw, PullRequestNode, PullRequestPage, Response
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


def _read(document: str) -> PullRequestPage:
    return answers.read_pull_requests(
        Response(status=200, headers={}, body=document.encode("utf-8", "surrogateescape"))
    ).value[0]


def _with(path: tuple[Any, ...], raw: str) -> str:
    """Return a page's document with the JSON text `raw` at `path`."""
    document = whole_document()
    container: Any = document
    for key in path[:-1]:
        container = container[key]
    container[path[-1]] = "the value"
    return json.dumps(document).replace('"the value"', raw)


NODE = ("data", "repository", "pullRequests", "edges", 0, "node")
COMMIT_AT = (*NODE, "commits", "nodes", 0, "commit")
REVIEW_AT = (*NODE, "reviews", "nodes", 0)
FILE_AT = (*NODE, "files", "nodes", 0)

TEXTS = [
    (*NODE, "title"),
    (*NODE, "body"),
    (*NODE, "headRefName"),
    (*NODE, "author", "login"),
    (*REVIEW_AT, "body"),
    (*COMMIT_AT, "message"),
    (*COMMIT_AT, "author", "name"),
    (*FILE_AT, "path"),
]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: ".".join(map(str, path[6:])))
@pytest.mark.parametrize(
    ("raw", "mended"),
    [
        (r'"a\ud800b"', "a\ufffdb"),
        (r'"\udc00\ud800"', "\ufffd\ufffd"),
        (r'"\uD83D\uDE00\ud83d"', "\U0001f600\ufffd"),
        (r'"\\ud800\ud800"', "\\ud800\ufffd"),
        ('"\udcff"', "\ufffd"),
    ],
    ids=["half", "halves the wrong way round", "a whole and a half", "an escaped backslash", "a byte that is no UTF-8"],
)
def test_text_that_is_no_unicode_is_mended_and_recorded(path: tuple[Any, ...], raw: str, mended: str) -> None:
    """Each half of a character becomes U+FFFD, and nothing else is lost."""
    page = _read(_with(path, raw))
    assert mended in json.dumps(msgspec.to_builtins(page.nodes[0]), ensure_ascii=False).replace("\\\\", "\\")
    assert [(flaw.pull_request, flaw.reason) for flaw in page.flaws] == [(1, "text")]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: ".".join(map(str, path[6:])))
def test_a_nul_is_mended_and_recorded(path: tuple[Any, ...]) -> None:
    """PostgreSQL stores none; one that is written out is text like any other."""
    page = _read(_with(path, r'"a\u0000b"'))
    assert "a\ufffdb" in json.dumps(msgspec.to_builtins(page.nodes[0]), ensure_ascii=False)
    assert [(flaw.pull_request, flaw.reason) for flaw in page.flaws] == [(1, "text")]
    assert _read(_with(path, r'"a\\u0000b"')).flaws == ()


@given(
    st.recursive(
        st.text(alphabet="a\x00\ud800", max_size=3),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(alphabet="k\x00\udc00", max_size=3), inner),
    )
)
def test_what_is_recorded_can_be_stored_wherever_it_was(odd: object) -> None:
    """Also in what was not asked for, and under no name of ours."""
    document = whole_document()
    document["data"]["repository"]["odd"] = odd
    with suppress(GitHubError):
        recorded = msgspec.json.encode(_read(json.dumps(document)).flaws).decode()  # raises for half a character
        assert r"\u0000" not in recorded


def test_a_nul_in_a_rest_document_is_mended() -> None:
    """Its name is stored, too."""
    body = rb'{"id": 1, "full_name": "o/n\u0000", "archived": false, "private": true}'
    assert (
        answers.read_repository(Response(status=200, headers={}, body=body), asked_for="o/n").value.full_name == "o/n\ufffd"
    )


@pytest.mark.parametrize("date", ["0000-01-01T00:00:00Z", "-0044-03-15T12:00:00Z", "0001-01-01T00:00:00+02:00"])
@pytest.mark.parametrize("path", [(*NODE, "createdAt"), (*NODE, "updatedAt")], ids=["createdAt", "updatedAt"])
def test_a_date_before_the_calendar_is_its_first(path: tuple[Any, ...], date: str) -> None:
    """Of those that a pull request must have."""
    page = _read(_with(path, json.dumps(date)))
    moment = page.nodes[0].created_at if path[-1] == "createdAt" else page.nodes[0].updated_at
    assert (moment, page.flaws) == (datetime(1, 1, 1, tzinfo=UTC), (Flaw(pull_request=1, field=path[-1], reason="date"),))


@pytest.mark.parametrize("date", ["10000-01-01T00:00:00Z", "+292278994-08-17T07:12:55Z", "9999-12-31T23:59:59-01:00"])
def test_a_date_after_the_calendar_is_its_last(date: str) -> None:
    """Year 10,000 is still the latest."""
    page = _read(_with((*NODE, "createdAt"), json.dumps(date)))
    assert page.nodes[0].created_at == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert page.flaws == (Flaw(pull_request=1, field="createdAt", reason="date"),)


@pytest.mark.parametrize("date", ["2016-12-31T23:59:60Z", "2017-01-01T01:29:60+01:30", "2016-12-31T18:59:60.000-05:00"])
def test_a_date_in_a_leap_second_is_the_second_before(date: str) -> None:
    """Clocks that keep them write them so; ours does not."""
    for path in ((*NODE, "createdAt"), (*NODE, "updatedAt")):
        page = _read(_with(path, json.dumps(date)))
        moment = page.nodes[0].created_at if path[-1] == "createdAt" else page.nodes[0].updated_at
        assert moment == datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)
        assert page.flaws == (Flaw(pull_request=1, field=path[-1], reason="date"),)


@pytest.mark.parametrize(
    "date",
    ["0002-02-30T00:00:00Z", "2016-12-31T23:60:00Z", "2016-12-31T23:59:61Z", "2016-02-30T23:59:60Z", "2016-12-31T24:59:60Z"],
)
def test_a_date_that_no_clock_writes_is_not_guessed(date: str) -> None:
    """Where there must be one."""
    with pytest.raises(InvalidAnswer):
        _read(_with((*NODE, "createdAt"), json.dumps(date)))


@pytest.mark.parametrize(
    "date", ["0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "2016-12-31T23:59:60Z", "yesterday", 7, True]
)
@pytest.mark.parametrize(
    ("path", "field"),
    [
        ((*NODE, "mergedAt"), "mergedAt"),
        ((*NODE, "closedAt"), "closedAt"),
        ((*REVIEW_AT, "submittedAt"), "reviews.submittedAt"),
        ((*COMMIT_AT, "authoredDate"), "commits.commit.authoredDate"),
        ((*COMMIT_AT, "committedDate"), "commits.commit.committedDate"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_any_other_date_that_cannot_be_had_is_null(path: tuple[Any, ...], field: str, date: object) -> None:
    """And recorded."""
    page = _read(_with(path, json.dumps(date)))
    node = page.nodes[0]
    values = {
        "mergedAt": node.merged_at,
        "closedAt": node.closed_at,
        "reviews.submittedAt": node.reviews.nodes[0].submitted_at,
        "commits.commit.authoredDate": node.commits.nodes[0].commit.authored_date,
        "commits.commit.committedDate": node.commits.nodes[0].commit.committed_date,
    }
    assert (values[field], page.flaws) == (None, (Flaw(pull_request=1, field=field, reason="date"),))


def test_the_last_moment_of_the_calendar_is_no_flaw() -> None:
    """It is a date like any other."""
    page = _read(_with((*COMMIT_AT, "authoredDate"), '"9999-12-31T23:59:59Z"'))
    assert page.nodes[0].commits.nodes[0].commit.authored_date == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert page.flaws == ()


NUMBERS = [
    ((*NODE, "fullDatabaseId"), "fullDatabaseId"),
    ((*NODE, "additions"), "additions"),
    ((*NODE, "deletions"), "deletions"),
    ((*NODE, "changedFiles"), "changedFiles"),
    ((*COMMIT_AT, "additions"), "commits.commit.additions"),
    ((*COMMIT_AT, "deletions"), "commits.commit.deletions"),
    ((*FILE_AT, "additions"), "files.additions"),
    ((*FILE_AT, "deletions"), "files.deletions"),
]


@pytest.mark.parametrize(("path", "field"), NUMBERS, ids=[field for _, field in NUMBERS])
@pytest.mark.parametrize(
    "raw", ["null", "missing", "1e400", str(2**63), str(10**400), "-1e3", "[]", '"many"', "true", "1.5"]
)
def test_a_number_that_cannot_be_had_is_null_and_recorded(path: tuple[Any, ...], field: str, raw: str) -> None:
    """Whatever is in its place, and where nothing is."""
    text = _with(path, raw)
    if raw == "missing":
        text = text.replace(f'"{path[-1]}": missing, ', "", 1).replace(f', "{path[-1]}": missing', "", 1)
    page = _read(text)
    assert page.flaws == (Flaw(pull_request=1, field=field, reason="number"),)
    *_, holder = [page.nodes[0], *_members(page.nodes[0], field)]
    attribute = {"fullDatabaseId": "full_database_id", "changedFiles": "changed_files"}.get(field) or field.split(".")[-1]
    assert getattr(holder, attribute) is None


@pytest.mark.parametrize("number", [-1000, -(2**31), 2**31 - 1])
def test_a_number_that_a_column_holds_is_no_flaw(number: int) -> None:
    """However odd: it is what GitHub said."""
    plain = _with((*NODE, "additions"), str(number))
    for document, flaws in ((plain, 0), (plain.replace('"Change 1"', r'"\ud800"'), 1)):
        page = _read(document)
        assert (page.nodes[0].additions, len(page.flaws)) == (number, flaws)


@pytest.mark.parametrize("number", [-(2**31) - 1, 2**31])
def test_a_number_just_beyond_what_a_column_holds_is_null_and_recorded(number: int) -> None:
    """GraphQL's numbers have 32 bits, and so have our columns."""
    page = _read(_with((*NODE, "additions"), str(number)))
    assert page.nodes[0].additions is None
    assert page.flaws == (Flaw(pull_request=1, field="additions", reason="number"),)


@pytest.mark.parametrize("said", [0, 2**63 - 1, "0", "9" * 18])
def test_an_id_that_a_column_holds_is_no_flaw(said: int | str) -> None:
    """As a number or as text."""
    page = _read(_with((*NODE, "fullDatabaseId"), json.dumps(said)))
    assert (page.nodes[0].database_id, page.flaws) == (int(said), ())


@pytest.mark.parametrize("said", [-1, 2**63, "9" * 19, "-1", ""])
def test_an_id_that_no_column_holds_is_null_and_recorded(said: int | str) -> None:
    """Nor anything that is no id."""
    page = _read(_with((*NODE, "fullDatabaseId"), json.dumps(said)))
    assert page.nodes[0].database_id is None
    assert page.flaws == (Flaw(pull_request=1, field="fullDatabaseId", reason="number"),)


def _members(node: PullRequestNode, field: str) -> list[Any]:
    if field.startswith("commits"):
        return [node.commits.nodes[0].commit]
    return [node.files.nodes[0]] if field.startswith("files") and node.files else []


def test_a_review_without_a_number_is_no_flaw() -> None:
    """GitHub may have none."""
    page = _read(_with((*REVIEW_AT, "fullDatabaseId"), "null"))
    assert (page.nodes[0].reviews.nodes[0].database_id, page.flaws) == (None, ())


@pytest.mark.parametrize("name", ["reviews", "commits", "files"])
def test_a_list_whose_length_is_not_said_is_as_long_as_it_is(name: str) -> None:
    """If it has ended: else nobody knows."""
    page = _read(_with((*NODE, name, "totalCount"), "null"))
    assert getattr(page.nodes[0], name).total_count == 1
    assert page.flaws == (Flaw(pull_request=1, field=f"{name}.totalCount", reason="number"),)
    unfinished = _with((*NODE, name, "totalCount"), "null").replace('"hasNextPage": false', '"hasNextPage": true')
    with pytest.raises(PartialAnswer):
        _read(unfinished)


def test_one_flaw_costs_none_of_the_others() -> None:
    """A page of three, of which one has a date and a text of its own, and a list of the next one."""
    nodes = [a_pull_request(1), a_pull_request(2, additions=None, mergedAt="0000-01-01T00:00:00Z"), a_pull_request(3)]
    lists = [ListRequest(pull_request_id="PR_9", name="files", after="c", number=9)]
    data = {**a_page(*nodes), "list0": {"files": a_list([{**a_file("a"), "deletions": None}])}}
    page, found = answers.read_pull_requests(answer(data), lists=lists).value
    assert [node.number for node in page.nodes] == [1, 2, 3]
    assert {(flaw.pull_request, flaw.field, flaw.reason) for flaw in page.flaws} == {
        (2, "additions", "number"),
        (2, "mergedAt", "date"),
    }
    (members,) = found.values()
    assert members is not None
    assert members.flaws == (Flaw(pull_request=9, field="files.deletions", reason="number"),)


@pytest.mark.parametrize("node", [r'["\ud800"]', r'"\ud800"', r'[{"title": "\ud800"}]'])
def test_text_where_a_pull_request_should_be_is_an_error_that_is_declared(node: str) -> None:
    """Nobody knows whose text it is."""
    with pytest.raises(GitHubError):
        _read(_with(NODE, node))


@given(path=st.sampled_from(paths_in(whole_document())), evil=EVIL | st.text(alphabet="\ud800\udfff0:-TZ", max_size=30))
def test_any_json_anywhere_is_a_declared_error_or_recorded(path: tuple[Any, ...], evil: object) -> None:
    """A page without a flaw has GitHub's own values."""
    document = whole_document()
    container: Any = document
    for key in path[:-1]:
        container = container[key]
    container[path[-1]] = evil
    with suppress(GitHubError):
        page = _read(json.dumps(document))
        if page.edges and not page.flaws:
            came, node = document["data"]["repository"]["pullRequests"]["edges"][0]["node"], page.nodes[0]
            assert (node.title, node.body, node.additions) == (came["title"], came["body"], came["additions"])
            assert str(node.full_database_id) == str(came["fullDatabaseId"])
            assert (node.merged_at is None) == (came["mergedAt"] is None)
            assert node.commits.total_count == came["commits"]["totalCount"]


SAML = "Resource protected by organization SAML enforcement. You must grant your Personal Access token access."


def _hiding(data: dict[str, Any], *paths: list[Any], **more: Any) -> Response:
    errors = [
        {"type": "FORBIDDEN", "path": path, "extensions": {"saml_failure": True}, "message": SAML, **more} for path in paths
    ]
    return Response(status=200, headers={}, body=orjson.dumps({"data": data, "errors": errors}))


def test_a_hidden_pull_request_is_a_flaw_of_its_page() -> None:
    """Null itself or null in its edge: those around it are read, and the answer is partial."""
    data = a_page(a_pull_request(1), None, a_pull_request(3), None)
    data["repository"]["pullRequests"]["edges"][3] = None
    paths = [["repository", "pullRequests", "edges", 1, "node"], ["repository", "pullRequests", "edges", 3]]
    read = answers.read_pull_requests(_hiding(data, *paths))
    page = read.value[0]
    assert ([node.number for node in page.nodes], page.total_count, read.is_partial) == ([1, 3], 4, True)
    assert [(flaw.pull_request, flaw.field, flaw.reason) for flaw in page.flaws] == [(None, "pullRequests", "hidden")] * 2
    assert page.flaws[0].cursor == "c2"
    assert len({flaw.cursor for flaw in page.flaws}) == 2


def test_a_hidden_value_of_a_pull_request_is_null() -> None:
    """Its fork's name, say; a member of a list is missing in it."""
    node = a_pull_request(7, headRepository=None, reviews=a_list([None, REVIEW]))
    at = ["repository", "pullRequests", "edges", 0, "node"]
    read = answers.read_pull_requests(_hiding(a_page(node), [*at, "headRepository"], [*at, "reviews", "nodes", 0]))
    (found,) = read.value[0].nodes
    assert (found.head_repository, len(found.reviews.nodes), found.reviews.total_count) == (None, 1, 2)
    assert {(flaw.pull_request, flaw.field, flaw.reason) for flaw in read.value[0].flaws} == {
        (7, "headRepository", "hidden"),
        (7, "reviews", "hidden"),
    }


def test_values_hidden_at_the_same_place_of_two_lists_are_left_out_of_both() -> None:
    """One that is named twice is left out once."""
    first, second = (a_pull_request(number, reviews=a_list([None, REVIEW])) for number in (7, 8))
    first["commits"] = a_list([None, COMMIT, COMMIT])
    edges = [["repository", "pullRequests", "edges", place, "node"] for place in range(2)]
    paths = [[*edges[0], "reviews", "nodes", 0], [*edges[0], "commits", "nodes", 0], [*edges[1], "reviews", "nodes", 0]]
    page = answers.read_pull_requests(_hiding(a_page(first, second), *paths, paths[0])).value[0]
    assert [len(node.reviews.nodes) for node in page.nodes] == [1, 1]
    assert [len(node.commits.nodes) for node in page.nodes] == [2, 0]
    assert sorted((flaw.pull_request or 0, flaw.field) for flaw in page.flaws) == [
        (7, "commits"),
        (7, "reviews"),
        (8, "reviews"),
    ]


def test_a_hidden_list_ends_where_it_was_read_to() -> None:
    """And says so."""
    lists = [ListRequest(pull_request_id="PR_2", name="reviews", after="c", number=2)]
    read = answers.read_lists(_hiding({"list0": None, "rateLimit": None}, ["list0"]), lists=lists)
    assert (list(read.value.values()), read.is_partial) == ([None], True)


def test_a_hidden_member_of_a_list_that_was_asked_for_is_missing_in_it() -> None:
    """The others are there, and the list says what it lacks."""
    lists = [ListRequest(pull_request_id="PR_2", name="reviews", after="c", number=2)]
    data = {"list0": {"reviews": a_list([None, REVIEW])}, "rateLimit": None}
    read = answers.read_lists(_hiding(data, ["list0", "reviews", "nodes", 0]), lists=lists)
    (found,) = read.value.values()
    assert found is not None
    assert (len(found.nodes), found.total_count, read.is_partial) == (1, 2, True)
    assert [(flaw.pull_request, flaw.field, flaw.reason) for flaw in found.flaws] == [(2, "reviews", "hidden")]


@pytest.mark.parametrize(
    ("data", "paths"),
    [
        ({"repository": None}, [["repository"]]),
        ({"repository": {"pullRequests": None}}, [["repository", "pullRequests"]]),
        (a_page(a_pull_request(1)), [["repository", "pullRequests", "edges", 0, "node"]]),
        (a_page(None), [["repository", "pullRequests", "edges", 7, "node"]]),
        (a_page(None, None), [["repository", "pullRequests", "edges", 0, "node"]]),
        (a_page(a_pull_request(1, title=None)), [["repository", "pullRequests", "edges", 0, "node", "title"]]),
    ],
    ids=["repository", "list", "not null", "no such place", "another null", "what must be there"],
)
def test_what_hides_more_than_a_value_is_the_error_that_it_is(data: dict[str, Any], paths: list[list[Any]]) -> None:
    """Nothing is guessed."""
    with pytest.raises(SsoRequired):
        answers.read_pull_requests(_hiding(data, *paths))


def test_another_error_beside_a_hidden_value_is_raised() -> None:
    """Here a budget."""
    response = _hiding(a_page(None), ["repository", "pullRequests", "edges", 0, "node"])
    document = orjson.loads(response.body)
    document["errors"].append({"type": "RESOURCE_LIMITS_EXCEEDED", "message": "Resource limits for this query exceeded."})
    with pytest.raises(GitHubError):
        answers.read_pull_requests(Response(status=200, headers={}, body=orjson.dumps(document)))


def test_half_a_character_in_a_rest_document_spoils_nothing() -> None:
    """A description may have one."""
    body = rb'{"id": 1, "full_name": "o/n", "archived": false, "private": true, "description": "\ud83d"}'
    assert answers.read_repository(Response(status=200, headers={}, body=body), asked_for="o/n").value.full_name == "o/n"


def test_half_a_character_in_an_error_hides_no_error() -> None:
    """It is classified as ever."""
    body = rb'{"message": "API rate limit exceeded \ud83d", "documentation_url": "https://docs.github.com"}'
    with pytest.raises(RateLimited):
        answers.read_user(Response(status=403, headers={}, body=body))
