"""Nodes become rows: every column has a source that fits it, and every field we ask for has a column."""

from __future__ import annotations

from typing import Any, get_args, get_type_hints

import msgspec
import pytest
from django.apps import apps
from django.db.models import Field
from msgspec.structs import replace

from apps.integrations.github import nodes
from apps.integrations.github.nodes import CommitNode, FileNode, PullRequestNode, ReviewNode
from apps.integrations.services.columns import Columns
from apps.integrations.services.mapping import LISTS, PULL_REQUEST, page_rows
from apps.pulls import rows
from tests.integrations.histories import commit, file, pull_request, review, whole

CASES: list[tuple[Columns[Any], Any, str, dict[str, int]]] = [
    (PULL_REQUEST, pull_request(), "pulls.PullRequest", {"repository_id": 1}),
    *(
        (mapped.columns, node, mapped.stored.model, {"number": 1})
        for mapped, node in zip(LISTS, (review(), commit(), file()), strict=True)
    ),
]
by_row = pytest.mark.parametrize(
    ("columns", "node", "model", "given"), CASES, ids=["pull request", *(mapped.stored.name for mapped in LISTS)]
)


def _emptied(node: Any) -> Any:
    """Return the node with None wherever GitHub may leave something out."""
    hints = get_type_hints(type(node))
    values = {name: getattr(node, name) for name in node.__struct_fields__}
    return replace(
        node,
        **{name: None for name, kind in hints.items() if type(None) in get_args(kind)},
        **{name: _emptied(value) for name, value in values.items() if isinstance(value, nodes.GitCommit)},
    )


@by_row
def test_a_column_s_value_is_of_its_type(columns: Columns[Any], node: Any, model: str, given: dict[str, int]) -> None:
    """Also if GitHub leaves out all that it may."""
    for each in (node, _emptied(node)):
        row = columns.row(each, **given)
        assert msgspec.json.decode(msgspec.json.encode(row), type=type(row)) == row


@by_row
def test_a_text_is_no_longer_than_its_column(columns: Columns[Any], node: Any, model: str, given: dict[str, int]) -> None:
    """What would not fit is refused when it is decoded, not by the database."""
    for column in columns.sources:
        field: Field[Any, Any] = next(each for each in apps.get_model(model)._meta.fields if each.column == column)
        if field.max_length is not None:
            hint = get_type_hints(type(node), include_extras=True)[columns.sources[column]]
            assert [meta.max_length for meta in hint.__metadata__] == [field.max_length]


@pytest.mark.parametrize(
    ("columns", "node", "read_elsewhere"),
    [
        (PULL_REQUEST, PullRequestNode, {"id", "reviews", "commits", "files"}),
        *((mapped.columns, node, set()) for mapped, node in zip(LISTS, (ReviewNode, CommitNode, FileNode), strict=True)),
    ],
    ids=["pull request", *(mapped.stored.name for mapped in LISTS)],
)
def test_every_field_that_is_asked_for_has_a_column(
    columns: Columns[Any], node: type[Any], read_elsewhere: set[str]
) -> None:
    """GitHub's numeric ids by way of a property."""
    used = {path.partition(".")[0].replace("database_id", "full_database_id") for path in columns.sources.values()}
    assert used | read_elsewhere == set(node.__struct_fields__)


def test_the_lists_that_are_read_are_those_that_are_stored() -> None:
    """Under the same names."""
    assert get_args(nodes.ListName) == get_args(rows.ListName) == tuple(mapped.stored.name for mapped in LISTS)


def test_a_page_never_holds_a_key_twice() -> None:
    """Of two with the same key the first counts: GitHub lists the last updated first."""
    files = whole([file("a", additions=1), file("b"), file("a", additions=2)])
    page = page_rows([pull_request(1, title="new", files=files), pull_request(1, title="old")], repository_id=7)
    assert [(row.repository_id, row.title) for row in page.pull_requests] == [(7, "new")]
    assert [_values(row, "path", "additions") for row in page.lists["files"].rows] == [("a", 1), ("b", 3)]
    assert page.counts()["files"] == {1: 2}


def test_a_list_is_complete_when_it_has_all_that_github_counts() -> None:
    """Files that GitHub cannot tell are not."""
    page = page_rows([pull_request(1, commits=whole([commit()], total=2)), pull_request(2, files=None)], repository_id=1)
    assert {name: found.complete for name, found in page.lists.items()} == {"reviews": {1, 2}, "commits": {2}, "files": {1}}
    assert [row.files_total for row in page.pull_requests] == [1, None]


def test_a_list_with_a_member_twice_is_not_complete_for_it() -> None:
    """It shifted while it was read: as many as GitHub counts came, and one of them did not."""
    page = page_rows([pull_request(1, commits=whole([commit("a"), commit("b"), commit("a")]))], repository_id=1)
    assert page.lists["commits"].complete == set()


@pytest.mark.parametrize(("path", "is_stored"), [("p" * 2_600, True), ("p" * 2_601, False), ("\u6f22" * 867, False)])
def test_a_path_that_no_index_holds_is_left_out_alone(path: str, is_stored: bool) -> None:
    """It is a gap of its list, of which nothing else is missing: what is gone from GitHub is gone here."""
    page = page_rows([pull_request(1, files=whole([file("a"), file(path)]))], repository_id=1)
    assert [_values(row, "path") for row in page.lists["files"].rows] == [("a",), *([(path,)] if is_stored else [])]
    assert page.lists["files"].complete == {1}


def test_text_that_postgresql_refuses_is_mended() -> None:
    """NUL goes, a lone surrogate becomes a question mark, and a path that then occurs twice is there once."""
    node = pull_request(title="a\x00b", body="x\ud800y", files=whole([file("p\x00"), file("p")]))
    page = page_rows([node], repository_id=1)
    assert _values(page.pull_requests[0], "title", "body") == ("ab", "x?y")
    assert [_values(row, "path") for row in page.lists["files"].rows] == [("p",)]


def _values(row: Any, *names: str) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in names)
