"""Keyset cursors: what moves while one pages is neither repeated nor lost behind."""

from __future__ import annotations

import pytest

from apps.github_simulator.connections import Connection, Key, connect, decode_cursor, encode_cursor
from apps.github_simulator.graphql_errors import FieldError

ITEMS = [(1, 1), (2, 2), (2, 3), (5, 4)]


def key(item: Key) -> Key:
    """The items here are their own keys."""
    return item


def seen(connection: Connection[Key]) -> tuple[list[object], bool, bool]:
    """A page's nodes, and whether there are more before and after."""
    return connection.nodes, connection.has_previous_page, connection.has_next_page


def test_pages_follow_each_other_forwards_and_backwards() -> None:
    """first/after and last/before walk the same list, in either order."""
    cursor = encode_cursor((2, 2))

    assert seen(connect(ITEMS, key=key, first=2)) == ([(1, 1), (2, 2)], False, True)
    assert seen(connect(ITEMS, key=key, first=2, after=cursor)) == ([(2, 3), (5, 4)], True, False)
    assert seen(connect(ITEMS, key=key, last=1)) == ([(5, 4)], True, False)
    assert seen(connect(ITEMS, key=key, last=2, before=cursor)) == ([(1, 1)], False, True)
    assert seen(connect(ITEMS, key=key, descending=True, first=2)) == ([(5, 4), (2, 3)], False, True)
    assert seen(connect(ITEMS, key=key, descending=True, first=9, after=cursor)) == ([(1, 1)], True, False)
    assert seen(connect(ITEMS, key=key, descending=True, last=1, before=cursor)) == ([(2, 3)], True, True)


def test_a_cursor_stands_between_items_even_when_its_own_is_gone() -> None:
    """The item of the cursor may have moved away; what follows its place is the same."""
    assert connect([(1, 1), (5, 4)], key=key, first=9, after=encode_cursor((2, 2))).nodes == [(5, 4)]


def test_page_info_has_the_cursors_of_both_ends() -> None:
    """startCursor and endCursor are those of the edges; an empty page has none."""
    page = connect(ITEMS, key=key, first=2)

    assert page.page_info.start_cursor == page.edges[0].cursor
    assert page.page_info.end_cursor == page.edges[1].cursor
    assert connect([], key=key, first=2).page_info.end_cursor is None


@pytest.mark.parametrize("cursor", ["nonsense", "", "MQ==", "Y3Vyc29yOnYyOls="])
def test_what_is_no_cursor_is_refused_as_github_does(cursor: str) -> None:
    """The error names the cursor."""
    with pytest.raises(FieldError, match=r"does not appear to be a valid cursor\.") as refused:
        decode_cursor(cursor)

    assert refused.value.type == "INVALID_CURSOR_ARGUMENTS"
