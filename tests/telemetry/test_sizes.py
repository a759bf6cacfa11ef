"""How large a span is, as a receiver would say, and what is left of one that is too large."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link, SpanContext, Status, StatusCode
from opentelemetry.util.types import AnyValue

from telemetry._boundary.sizes import shrunk, size_of
from telemetry._export.redacting import requests_of

CONTEXT = SpanContext(1, 2, is_remote=False)
EMPTY = size_of(ReadableSpan(""))


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("", 0),
        ("x" * 1000, 1000),
        ("ż" * 1000, 2000),
        (7, 0),
        (("a" * 10, "ż" * 10), 10 + 20),
        ({"key": "x" * 100}, 3 + 100),
        ({"key": {"inner": ["x" * 100]}}, 3 + 5 + 100),
    ],
    ids=repr,
)
def test_an_attribute_is_as_large_as_its_name_and_its_texts(value: Any, size: int) -> None:
    """In bytes, at any depth, and a little for each value beside."""
    own = size_of(ReadableSpan("", attributes={"name": value})) - EMPTY - len("name") - size
    assert 8 <= own <= 4 * 32


def test_numbers_in_a_list_are_as_large_as_empty_texts() -> None:
    """What each of them takes beside is the same."""
    numbers, texts = (size_of(ReadableSpan("", attributes={"n": value})) for value in ((7,) * 1000, ("",) * 1000))
    assert numbers == texts


def test_whatever_a_span_has_counts() -> None:
    """Its name, what its status says, its events with their names and attributes, and its links with theirs."""
    text = "x" * 1000
    event, link = Event("e" * 100, {"a": text}), Link(CONTEXT, {"a": text})
    for span, size in (
        (ReadableSpan(text), 1000),
        (ReadableSpan("", status=Status(StatusCode.ERROR, text)), 1000),
        (ReadableSpan("", events=[event]), 1101),
        (ReadableSpan("", events=[event, event]), 2202),
        (ReadableSpan("", links=[link]), 1001),
    ):
        assert size <= size_of(span) - EMPTY <= size + 200
    assert 100 <= EMPTY <= 400
    wide = "ż" * 1000  # two bytes each
    for span in (
        ReadableSpan(wide),
        ReadableSpan("", status=Status(StatusCode.ERROR, wide)),
        ReadableSpan("", events=[Event(wide)]),
    ):
        assert 2000 <= size_of(span) - EMPTY <= 2100


def test_what_fits_is_kept_and_what_does_not_is_cut() -> None:
    """Texts up to 512 characters, the last 256 attributes and the last 128 links, without their attributes."""
    attributes: dict[str, AnyValue] = {
        **{f"a{number}": number for number in range(300)},
        "fits": "x" * 512,
        "long": "y" * 600,
    }
    links = [Link(SpanContext(1, number, is_remote=False), {"a": "b"}) for number in range(1, 131)]
    status = Status(StatusCode.ERROR, "z" * 600)
    small = shrunk(ReadableSpan("n" * 600, attributes=attributes, links=links, status=status), 10**6)
    kept = dict(small.attributes or {})
    assert list(kept) == [*(f"a{number}" for number in range(46, 300)), "fits", "long"]
    assert (kept["a46"], kept["fits"]) == (46, "x" * 512)
    for text, letter in ((kept["long"], "y"), (small.name, "n"), (small.status.description, "z")):
        assert str(text).startswith(letter * 384)
        assert str(text).endswith(letter * 128)
        assert "[... 88 characters left out ...]" in str(text)
    assert [link.context.span_id for link in small.links] == list(range(3, 131))
    assert not any(link.attributes for link in small.links)
    assert (small.dropped_links, small.dropped_attributes) == (2, 0)


def test_a_list_that_fits_stays_a_list() -> None:
    """One byte more, and it is a text that is cut."""
    fits, long = ("x" * 240, "y" * 240), ("x" * 240, "y" * 241)
    kept = dict(shrunk(ReadableSpan("", attributes={"fits": fits, "long": long}), 10**6).attributes or {})
    assert kept["fits"] == fits
    assert kept["long"] == str(long)


def test_of_events_the_last_that_fit_are_kept_in_their_order() -> None:
    """At least as much room is left as asked for."""
    events = [Event(str(number), {"text": "x" * 500}, number) for number in range(20)]
    small = shrunk(ReadableSpan("large", events=events), 256 + 5 * 700)
    assert 5 <= len(small.events) <= 6
    assert [event.name for event in small.events] == [str(number) for number in range(20)][-len(small.events) :]
    assert [event.timestamp for event in small.events][-1] == 19
    assert small.dropped_events == 20 - len(small.events)
    assert size_of(small) <= 256 + 5 * 700
    assert len(shrunk(ReadableSpan("large", events=events), 10**6).events) == 20
    assert list(shrunk(ReadableSpan("large", events=events), 256).events) == []


def test_an_event_without_attributes_is_kept_as_it_is() -> None:
    """The SDK allows for none at all."""
    (event,) = shrunk(ReadableSpan("large", events=[Event("bare", None, 7)]), 1000).events
    assert (event.name, event.timestamp, dict(event.attributes or {})) == ("bare", 7, {})


def test_a_span_of_just_the_size_keeps_its_events_and_one_byte_less_costs_one() -> None:
    """What its attributes and links take is taken from the room for events."""
    attributes = {"a": "x" * 400, "b": ("y" * 100, "z" * 100)}
    span = ReadableSpan("", attributes=attributes, events=[Event("e", {"n": "x" * 90})] * 9, links=[Link(CONTEXT)] * 3)
    assert len(shrunk(span, size_of(span)).events) == 9
    assert len(shrunk(span, size_of(span) - 1).events) == 8


def _sized(size: int) -> ReadableSpan:
    """A span of just this size."""
    attributes: dict[str, AnyValue] = {f"a{number:03}": "x" * 10_000 for number in range(size // 10_100)}
    left = size - size_of(ReadableSpan("", attributes={**attributes, "rest": ""}))
    return ReadableSpan("", attributes={**attributes, "rest": "x" * left})


def test_a_request_has_up_to_three_mebibytes_and_a_span_up_to_one() -> None:
    """In the order in which they came; what is larger is cut, and every span leaves."""
    mebibyte = 1024 * 1024
    whole, small = _sized(mebibyte), _sized(300)
    assert size_of(whole) == mebibyte
    requests = list(requests_of([whole, whole, whole, small, small]))
    assert [[size_of(span) for span in request] for request in requests] == [[mebibyte] * 3, [300] * 2]
    (alone,) = requests_of([_sized(mebibyte + 1)])
    assert [size_of(span) < mebibyte / 2 for span in alone] == [True]
    assert list(requests_of([])) == []
