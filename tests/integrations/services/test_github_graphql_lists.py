"""Nested lists that are longer than a page shows: few requests finish them, and no failure loses a member."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest

from apps.integrations.errors import (
    PartialAnswer,
    ServerError,
)
from apps.integrations.github.nodes import Response
from tests.integrations.github.answers import a_file, a_list, a_page, a_pull_request, answer
from tests.integrations.recorded import recorded
from tests.integrations.services.scripted import scripted

NAME = "octocat/hello-world"
pytestmark = pytest.mark.django_db  # for its clock
TIMEOUT = recorded("timeout_502")
GONE = (
    b'{"data": {"list0": null, "rateLimit": null}, "errors": [{"type": "NOT_FOUND", "path": ["list0"], '
    b'"message": "Could not resolve to a node with the global id of \'PR_1\'"}]}'
)


def test_many_long_lists_are_one_request() -> None:
    """Up to 25 of them."""

    def handle(asked: dict[str, Any]) -> Response:
        if asked["operation"] == "PullRequests":
            long = a_list([a_file("a")], total=2, end="f1")
            return answer(a_page(*[a_pull_request(n, files=long) for n in range(1, 26)]))
        return answer({**{f"list{n}": {"files": a_list([a_file("b")])} for n in range(25)}, "rateLimit": None})

    client, asked = scripted(handle)
    (page,) = client.pull_requests(NAME)
    assert [request["operation"] for request in asked] == ["PullRequests", "PullRequestLists"]
    assert {tuple(file.path for file in node.files.nodes) for node in page.nodes if node.files} == {("a", "b")}


def _long_pages(asked: dict[str, Any]) -> Response:
    """Answer with a page whose one pull request has a list of 200 files, of which each further request brings one."""
    number = int((asked.get("after") or "c0").removeprefix("c")) + 1
    data: dict[str, Any] = {"rateLimit": None}
    if asked["operation"] == "PullRequests":
        files = a_list([a_file("0")], total=200, end="f1")
        data = a_page(a_pull_request(number, files=files), more=number < 9)
        data["repository"]["pullRequests"]["pageInfo"]["endCursor"] = f"c{number}"
    for alias in (key.removeprefix("id") for key in asked if key.startswith("id")):
        at = int(asked[f"after{alias}"].removeprefix("f"))
        data[f"list{alias}"] = {"files": a_list([a_file(str(at))], total=200, end=f"f{at + 1}" if at < 8 else None)}
    return answer(data)


def test_few_pages_are_held_back() -> None:
    """However long the lists: then they are continued before any further page is read."""
    client, asked = scripted(_long_pages)
    pages = client.pull_requests(NAME)
    (first,) = next(pages).nodes
    assert first.files is not None
    assert [file.path for file in first.files.nodes] == [str(number) for number in range(9)]
    assert [request["operation"] for request in asked] == ["PullRequests"] * 4 + ["PullRequestLists"] * 5
    assert [node.number for page in pages for node in page.nodes] == list(range(2, 10))


@pytest.mark.parametrize(
    ("long", "order"), [(10, ["PullRequests", "PullRequests"]), (11, ["PullRequests", "PullRequestLists"])]
)
def test_few_lists_are_asked_for_beside_a_page(long: int, order: list[str]) -> None:
    """With more than ten, the page after them would bring too few pull requests of its own."""

    def handle(asked: dict[str, Any]) -> Response:
        data: dict[str, Any] = {"rateLimit": None}
        if asked["operation"] == "PullRequests":
            files = a_list([a_file("a")], total=2, end="f1")
            of_page = [a_pull_request(n, files=files) for n in range(1, long + 1)] if asked["after"] is None else []
            data = a_page(*of_page, more=asked["after"] is None)
        lists = [key.removeprefix("id") for key in asked if key.startswith("id")]
        return answer(data | {f"list{alias}": {"files": a_list([a_file("b")])} for alias in lists})

    client, asked = scripted(handle)
    pages = list(client.pull_requests(NAME))
    assert [request["operation"] for request in asked][:2] == order
    assert {tuple(file.path for file in node.files.nodes) for page in pages for node in page.nodes if node.files} == {
        ("a", "b")
    }


def test_after_a_failure_a_page_is_finished_before_the_next_one() -> None:
    """Nothing is asked for beside a page until the size that failed has worked again."""
    failed = False

    def fail_once(asked: dict[str, Any]) -> Response:
        nonlocal failed
        if not failed and "id0" in asked:
            failed = True
            return TIMEOUT
        return _long_pages(asked)

    client, asked = scripted(fail_once)
    assert [node.number for page in client.pull_requests(NAME) for node in page.nodes] == list(range(1, 10))
    beside = [request["operation"] == "PullRequests" and "id0" in request for request in asked]
    assert beside[:3] == [False, True, False]
    assert [request["first"] for request in asked[:3]] == [25, 49, 25]
    assert any(beside[3:])


def test_a_page_that_fails_costs_none_of_those_before_it() -> None:
    """They are finished first, and then the error is raised."""

    def fail_later(asked: dict[str, Any]) -> Response:
        return recorded("server_error") if asked.get("after") == "c2" else _long_pages(asked)

    client, _ = scripted(fail_later)
    pages = client.pull_requests(NAME)
    assert [len(node.files.nodes) for page in islice(pages, 2) for node in page.nodes if node.files] == [9, 9]
    with pytest.raises(ServerError):
        next(pages)


def test_a_pull_request_that_goes_while_its_lists_are_read_is_no_lost_repository() -> None:
    """GitHub says NOT_FOUND for its node; an attempt that reads the page again does not meet it."""

    def handle(asked: dict[str, Any]) -> Response:
        if asked["operation"] == "PullRequests":
            return answer(a_page(a_pull_request(1, files=a_list([a_file("a")], total=2, end="f1"))))
        return Response(status=200, headers={}, body=GONE)

    client, _ = scripted(handle)
    with pytest.raises(PartialAnswer, match="Could not resolve to a node"):
        next(client.pull_requests(NAME))


@pytest.mark.parametrize(
    ("more", "page_info"),
    [
        ([], {"hasNextPage": True, "endCursor": "f1"}),
        ([], {"hasNextPage": True, "endCursor": "f2"}),
        ([a_file("b")], {"hasNextPage": True, "endCursor": "f1"}),
        ([a_file("b")], {"hasNextPage": True, "endCursor": None}),
        ([a_file("b")], {"hasNextPage": False, "endCursor": "f2"}),
    ],
    ids=["nothing, after itself", "nothing, and more", "after itself", "after nothing", "an end"],
)
def test_a_list_that_github_does_not_give_whole_shows_its_gap(more: list[Any], page_info: dict[str, Any]) -> None:
    """It ends where GitHub ends it, and the count says what is missing; nobody asks for ever."""

    def handle(asked: dict[str, Any]) -> Response:
        if asked["operation"] == "PullRequests":
            return answer(a_page(a_pull_request(1, files=a_list([a_file("a")], total=9, end="f1"))))
        return answer({"list0": {"files": {**a_list(more, total=9), "pageInfo": page_info}}, "rateLimit": None})

    client, asked = scripted(handle)
    (node,) = next(client.pull_requests(NAME)).nodes
    assert len(asked) == 2
    assert node.files is not None
    assert [file.path for file in node.files.nodes] == ["a", *(file["path"] for file in more)]
    assert node.files.total_count == 9


def test_files_that_time_out_come_in_a_second_pass() -> None:
    """The page leaves them out; batched lists bring them."""

    def handle(asked: dict[str, Any]) -> Response:
        if asked["operation"] == "PullRequestLists":
            return answer({"list0": {"files": a_list([a_file("a")])}, "list1": {"files": None}, "rateLimit": None})
        if asked["withFiles"]:
            return TIMEOUT
        nodes = [a_pull_request(1), a_pull_request(2)]
        for node in nodes:
            del node["files"]
        return answer(a_page(*nodes))

    client, asked = scripted(handle)
    first, second = next(client.pull_requests(NAME)).nodes
    assert asked[-1]["operation"] == "PullRequestLists"
    assert first.files is not None
    assert ([file.path for file in first.files.nodes], second.files) == (["a"], None)


def test_a_list_too_slow_for_a_hundred_comes_in_tens() -> None:
    """The batch shrinks to one list, and the list's page to ten."""

    def handle(asked: dict[str, Any]) -> Response:
        if asked["operation"] == "PullRequests":
            return answer(a_page(a_pull_request(1, files=a_list([a_file("a")], total=2, end="f1"))))
        if asked["members"] > 10:
            return TIMEOUT
        return answer({"list0": {"files": a_list([a_file("b")], total=2)}, "rateLimit": None})

    client, asked = scripted(handle)
    (node,) = next(client.pull_requests(NAME)).nodes
    assert node.files is not None
    assert len(node.files.nodes) == 2
    assert asked[-1]["members"] == 10


def test_a_list_that_leads_nowhere_shows_its_gap() -> None:
    """A list whose every page says that the same one follows ends with what there is."""
    page = a_page(a_pull_request(1, changedFiles=300, files=a_list([a_file("a")], total=300, end="c1")))
    more = {"list0": {"files": a_list([a_file("b")], total=300, end="c1")}, "rateLimit": None}
    client, asked = scripted(lambda request: answer(page if request["operation"] == "PullRequests" else more))
    (node,) = next(client.pull_requests(NAME)).nodes
    assert node.files is not None
    assert (len(node.files.nodes), node.files.total_count, len(asked)) == (2, 300, 2)


def test_a_list_that_leads_in_a_circle_shows_its_gap() -> None:
    """It ends with what there is where a cursor comes back; what came twice does not count for what did not come."""
    page = a_page(a_pull_request(1, changedFiles=4, files=a_list([a_file("a")], total=4, end="c1")))
    ends = {"c1": "c2", "c2": "c3", "c3": "c1"}

    def handle(request: dict[str, Any]) -> Response:
        if request["operation"] == "PullRequests":
            return answer(page)
        after = request["after0"]
        return answer({"list0": {"files": a_list([a_file(after)], total=4, end=ends[after])}, "rateLimit": None})

    client, asked = scripted(handle)
    (node,) = next(client.pull_requests(NAME)).nodes
    assert node.files is not None
    assert ([each.path for each in node.files.nodes], len(asked)) == (["a", "c1", "c2", "c3"], 4)
