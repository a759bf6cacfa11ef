"""What we ask is what GitHub's published schema knows, and what our nodes declare."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
import orjson
import pytest
from graphql import GraphQLSchema, parse, validate
from graphql.language import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from apps.github_simulator.github_schema import github_schema
from apps.github_simulator.query_cost import measure
from apps.integrations.errors import NotFound
from apps.integrations.github import queries
from apps.integrations.github.nodes import (
    Actor,
    ListName,
    PullRequestNode,
    RepositoryNumbers,
    RepositoryPage,
    Search,
)
from apps.integrations.github.page_sizes import LARGEST_CHEAP_PAGE, MOST_LISTS_BESIDE_A_PAGE, PageSize
from apps.integrations.github.queries import GraphQLRequest, ListRequest

SINCE, BEFORE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
LISTS: tuple[ListName, ...] = get_args(ListName)


def _next_page(name: ListName, *, after: str | None = None) -> ListRequest:
    return ListRequest(pull_request_id="PR_1", name=name, after=after)


REQUESTS: dict[str, GraphQLRequest] = {
    "pull requests": queries.pull_requests_request("octocat/hello-world", first=25, after="c", with_counts=True),
    "all lists": queries.lists_request([_next_page(name, after="c") for name in LISTS], members=100),
    "25 lists": queries.lists_request([_next_page("files")] * 25, members=100),
    "a page beside lists": queries.pull_requests_request(
        "octocat/hello-world", first=49, lists=[_next_page(name, after="c") for name in LISTS]
    ),
    **{name: queries.lists_request([_next_page(name)], members=10) for name in LISTS},
    "numbers": queries.pull_request_numbers_request("octocat/hello-world", after="c"),
    "viewer": queries.viewer_request(),
}


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    """GitHub's published schema."""
    return github_schema()


def _sent(request: GraphQLRequest) -> dict[str, str]:
    body: dict[str, str] = orjson.loads(request.body)
    return body


@pytest.mark.parametrize("name", REQUESTS)
def test_a_query_is_valid_in_github_s_schema(name: str, schema: GraphQLSchema) -> None:
    """Fields, types, variables and fragments: none unknown, none unused."""
    assert validate(schema, parse(_sent(REQUESTS[name])["query"])) == []


@pytest.mark.parametrize("name", REQUESTS)
def test_a_query_names_its_operation(name: str) -> None:
    """The name on our spans is the name GitHub is told."""
    request = REQUESTS[name]
    assert _sent(request)["operationName"] == request.query_name
    assert f"query {request.query_name}" in _sent(request)["query"]


def _selected(name: str) -> dict[str, Any]:
    """Return what the request selects, as names in names, fragments and their types resolved."""
    document = parse(_sent(REQUESTS[name])["query"])
    (operation,) = (each for each in document.definitions if isinstance(each, OperationDefinitionNode))
    return _fields(document, operation.selection_set)


def _fields(document: DocumentNode, selections: SelectionSetNode | None) -> dict[str, Any]:
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    found: dict[str, Any] = {}
    for each in selections.selections if selections else ():
        if isinstance(each, FieldNode):
            found[(each.alias or each.name).value] = _fields(document, each.selection_set)
        else:
            inner = fragments[each.name.value] if isinstance(each, FragmentSpreadNode) else each
            assert isinstance(inner, FragmentDefinitionNode | InlineFragmentNode)
            found |= _fields(document, inner.selection_set)
    return found


def _declared(kind: Any) -> dict[str, Any]:
    """Return what the type declares, as names in names."""
    return {
        field.encode_name: {name: inner for struct in _structs(field.type) for name, inner in _declared(struct).items()}
        for field in msgspec.structs.fields(kind)
        if field.name != "flaws"  # which reading adds
    }


def _structs(kind: Any) -> Iterator[Any]:
    """Return the structs inside a field's type."""
    if isinstance(get_origin(kind) or kind, type) and issubclass(get_origin(kind) or kind, msgspec.Struct):
        yield kind
    elif get_origin(kind) in (Union, UnionType, tuple):
        for inner in get_args(kind):
            yield from _structs(inner)


@pytest.mark.parametrize(
    ("name", "field", "node"),
    [
        ("pull requests", "repository", RepositoryPage),
        ("pull requests", "window", Search),
        ("numbers", "repository", RepositoryNumbers),
        ("viewer", "viewer", Actor),
    ],
)
def test_what_a_document_selects_is_what_its_node_declares(name: str, field: str, node: Any) -> None:
    """No field is read that is not asked for, and none is asked for that nobody reads."""
    assert _selected(name)[field] == _declared(node)


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_selected_alone_as_on_its_page(name: ListName) -> None:
    """Each has a document of its name."""
    (connection,) = _structs(get_type_hints(PullRequestNode, include_extras=True)[name])
    assert _selected(name)["list0"] == {name: _declared(connection)}


@pytest.mark.parametrize("lists", range(MOST_LISTS_BESIDE_A_PAGE + 1))
def test_a_page_beside_lists_costs_no_more(lists: int, schema: GraphQLSchema) -> None:
    """By GitHub's formula one point, for a page hardly smaller."""
    size = PageSize(first=LARGEST_CHEAP_PAGE, with_files=True).beside(lists)
    wanted = [_next_page("files", after="c")] * lists
    body: dict[str, Any] = orjson.loads(queries.pull_requests_request("o/n", first=size.first, lists=wanted).body)
    document = parse(body["query"])
    (operation,) = (each for each in document.definitions if isinstance(each, OperationDefinitionNode))
    assert measure(schema, document, operation, body["variables"]).points == 1
    assert size.first >= LARGEST_CHEAP_PAGE - 3
    assert PageSize(first=100, with_files=True).beside(lists).first == 100


@pytest.mark.parametrize(
    ("since", "before", "search"),
    [
        (None, None, "repo:o/n is:pr"),
        (SINCE, None, "repo:o/n is:pr updated:>=2026-01-01T00:00:00Z"),
        (SINCE, BEFORE, "repo:o/n is:pr updated:2026-01-01T00:00:00Z..2026-01-31T23:59:59Z"),
        (None, BEFORE, "repo:o/n is:pr updated:<=2026-01-31T23:59:59Z"),
    ],
)
def test_a_window_excludes_its_end(since: datetime | None, before: datetime | None, search: str) -> None:
    """Windows join without counting a second twice."""
    assert queries.window_search("o/n", updated_since=since, updated_before=before) == search


@pytest.mark.parametrize("name", ["", "libuv", "a/b/c", "a b/c", "../x", "o/..", "o/n?x=1", "o/n\n"])
def test_a_bad_repository_name_is_refused_before_anybody_is_asked(name: str) -> None:
    """It cannot become another path or query."""
    with pytest.raises(NotFound, match="OWNER/NAME"):
        queries.repository_path(name)


def test_a_repository_s_path_holds_its_name() -> None:
    """In two segments, whatever is in them."""
    assert queries.repository_path("libuv/libuv.js") == "/repos/libuv/libuv.js"
    assert queries.repository_path("o%2F/n;x") == "/repos/o%252F/n%3Bx"


def test_an_organization_s_name_stays_one_path_segment() -> None:
    """Whatever somebody types."""
    assert queries.organization_path("a/../b") == "/orgs/a%2F..%2Fb/repos"
