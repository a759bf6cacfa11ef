"""Keyset cursors: items that move during paging cause neither repeated nor skipped ones behind them."""

from __future__ import annotations

import pytest

from apps.github_simulator.connections import Connection, Key, connect, decode_cursor, encode_cursor
from apps.github_simulator.graphql_errors import FieldError

ITEMS = [(1, 1), (2, 2), (2, 3), (5, 4)]


def key(item: Key) -> Key:
    """Return the item itself, which here is its own key."""
    return item


def summary(connection: Connection[Key]) -> tuple[list[object], bool, bool]:
    """Return the nodes of a page, and whether there are more before and after it."""
    return connection.nodes, connection.has_previous_page, connection.has_next_page


def test_a_list_can_be_paged_in_both_directions() -> None:
    """Both first/after and last/before work, in ascending and descending order."""
    cursor = encode_cursor((2, 2))

    assert summary(connect(ITEMS, key=key, first=2)) == ([(1, 1), (2, 2)], False, True)
    assert summary(connect(ITEMS, key=key, first=2, after=cursor)) == ([(2, 3), (5, 4)], True, False)
    assert summary(connect(ITEMS, key=key, last=1)) == ([(5, 4)], True, False)
    assert summary(connect(ITEMS, key=key, last=2, before=cursor)) == ([(1, 1)], False, True)
    assert summary(connect(ITEMS, key=key, descending=True, first=2)) == ([(5, 4), (2, 3)], False, True)
    assert summary(connect(ITEMS, key=key, descending=True, first=9, after=cursor)) == ([(1, 1)], True, False)
    assert summary(connect(ITEMS, key=key, descending=True, last=1, before=cursor)) == ([(2, 3)], True, True)


def test_a_cursor_stays_valid_when_its_item_is_gone() -> None:
    """Paging continues with the items that follow its place in the order."""
    assert connect([(1, 1), (5, 4)], key=key, first=9, after=encode_cursor((2, 2))).nodes == [(5, 4)]


def test_page_info_has_the_cursors_of_both_ends() -> None:
    """They equal the cursors of the first and last edge; an empty page has none."""
    page = connect(ITEMS, key=key, first=2)

    assert page.page_info.start_cursor == page.edges[0].cursor
    assert page.page_info.end_cursor == page.edges[1].cursor
    assert connect([], key=key, first=2).page_info.end_cursor is None


@pytest.mark.parametrize("cursor", ["nonsense", "", "MQ==", "Y3Vyc29yOnYyOls="])
def test_an_invalid_cursor_gets_githubs_error(cursor: str) -> None:
    """The message quotes the cursor."""
    with pytest.raises(FieldError, match=r"does not appear to be a valid cursor\.") as refused:
        decode_cursor(cursor)

    assert refused.value.type == "INVALID_CURSOR_ARGUMENTS"
