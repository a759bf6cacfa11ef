"""A value that leaves becomes plain, clean and bounded; one that cannot is replaced alone."""

from __future__ import annotations

import json
from collections import UserString
from datetime import datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.resources import Resource

from telemetry._boundary import LIMIT, attribute, class_name, key, line_value, plain, text
from telemetry._boundary.spans import clean_resource
from tests.telemetry.canary import CANARY, SECRETS
from tests.telemetry.odd import HIDDEN, ODD, SECRET, Login, Mute, Unfinished

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.dates()
    | st.datetimes(timezones=st.none() | st.timezones())
    | st.uuids()
    | st.decimals()
    | st.sampled_from(SECRETS)
    | st.builds(Mute),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.one_of(st.text(), st.integers(), st.none(), st.binary(), st.sampled_from(SECRETS)), inner)
        | st.tuples(inner)
        | st.builds(Login, st.text(), st.text(), inner)
    ),
)


@given(values)
def test_every_value_can_stand_on_a_line_and_a_span(value: Any) -> None:
    """JSON holds the one, OpenTelemetry the other, a field is always plain, and no secret is on any."""
    line = orjson.dumps(line_value("data", value)).decode()
    shown = str(attribute("data", value)), plain("data", value)
    assert isinstance(shown[1], str | int | float | bool | None)
    assert CANARY not in line + str(shown)


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_value_has_a_place_everywhere(odd: str) -> None:
    """Bounded, and in a moment."""
    for found in (line_value("odd", ODD[odd]), attribute("odd", ODD[odd]), plain("odd", ODD[odd])):
        assert len(json.dumps(found)) < 6 * LIMIT


@pytest.mark.parametrize("hidden", HIDDEN)
def test_a_secret_is_found_at_any_depth_in_any_type(hidden: str) -> None:
    """By its look, by the name it stands under, by what stands before it."""
    for found in (line_value("x", HIDDEN[hidden]), attribute("x", HIDDEN[hidden]), plain("x", HIDDEN[hidden])):
        assert "[redacted]" in str(found)
        assert CANARY not in str(found)
        assert "hunter2" not in str(found)


@pytest.mark.parametrize("value", ["x", 1, 1.5, b"x", ["x"], {"a": 1}, object()])
def test_under_a_secrets_name_nothing_is_shown(value: Any) -> None:
    """Whatever its type; that there is none, or whether there is one, says nothing."""
    assert {line_value("password", value), attribute("password", value), plain("password", value)} == {"[redacted]"}
    for show in (line_value, attribute, plain):
        assert (show("password", None), show("password", False), show("has_password", True)) == (None, False, True)


def test_what_is_plain_stays_what_it_is() -> None:
    """On a line, on a span and in a field alike; only a number of more than 64 bits becomes text."""
    for value in ("review", 7, -(2**63), True, None, 1.5):
        assert line_value("x", value) == attribute("x", value) == plain("x", value) == value
    assert line_value("x", 2**70) == attribute("x", 2**70) == plain("x", 2**70) == str(2**70)


def test_a_value_that_is_replaced_leaves_those_beside_it() -> None:
    """In a list, in a mapping, on every depth."""
    assert line_value("x", [1, Mute(), {"a": Mute(), "b": 2**70, "c": None}]) == [
        1,
        "[unprintable Mute]",
        {"a": "[unprintable Mute]", "b": str(2**70), "c": None},
    ]


def test_numbers_that_json_does_not_know() -> None:
    """They are texts on a line, and numbers on a span."""
    infinite = float("inf")
    assert line_value("x", [infinite, 1.5]) == ["inf", 1.5]
    assert attribute("x", [infinite, 1.5]) == (infinite, 1.5)


def test_a_record_shows_what_its_class_shows() -> None:
    """A field that its `repr` leaves out stays there, and one that was never set spoils no other."""
    shown = {"user": "ann", "late": "[unreadable AttributeError]"}
    assert line_value("x", Unfinished("ann")) == attribute("x", Unfinished("ann")) == shown


def test_a_text_of_a_class_of_its_own_is_a_text() -> None:
    """Also where that class counts as a list of its characters."""
    assert line_value("x", [UserString(f"of {SECRET}")]) == ["of [redacted]"]


def test_keys_that_become_the_same_are_told_apart() -> None:
    """None is lost."""
    assert line_value("x", {1: "a", "1": "b"}) == {"1": "a", "1 (2)": "b"}


def test_a_key_is_short_and_without_secrets() -> None:
    """It keeps its beginning."""
    assert key(f"the {SECRET}") == "the [redacted]"
    assert key("k" * 10_000) == "k" * 253 + "..."


def test_large_texts_keep_head_and_tail() -> None:
    """A traceback begins with where and ends with what; what is left out is counted."""
    long = "head " + "x" * 3_000_000 + " tail"
    short = text(long)
    assert len(short) < LIMIT + 100
    assert short.startswith("head x")
    assert short.endswith("x tail")
    assert "[... 2,983,626 characters left out ...]" in short


@pytest.mark.parametrize("secret", [f" {SECRET} ", f" Cookie: a=b; c={'x' * 4_000}{CANARY}\n"])
@pytest.mark.parametrize("at", [12_285, 12_288, 16_384, 1_500_000, 2_995_903, 2_995_905])
def test_no_secret_is_cut_in_two(at: int, secret: str) -> None:
    """Wherever the text is cut."""
    assert CANARY not in text("x" * (at - 10) + secret + "y" * (3_000_000 - at))


def test_the_end_of_a_private_key_is_none_of_the_text_that_is_kept() -> None:
    """However long it was."""
    secret = f"-----BEGIN RSA PRIVATE KEY-----\n{(CANARY + 'A' * 58 + chr(10)) * 400}-----END RSA PRIVATE KEY-----\n"
    for size in range(20_000, 60_000, 4_000):
        assert CANARY not in text("x" * size + "\n" + secret + "bye")


@given(st.text())
def test_every_text_can_leave(value: str) -> None:
    """As UTF-8, whatever it holds."""
    text(value).encode()


def _nested(depth: int) -> Any:
    value: Any = "core"
    for _ in range(depth):
        value = [value]
    return value


def test_a_value_ends_eight_lists_deep() -> None:
    """What is in the ninth is not shown, nor what a list holds that holds itself."""
    assert line_value("x", _nested(8)) == _nested(8)
    assert line_value("x", _nested(9)) == json.loads("[" * 8 + '"[nested too deeply]"' + "]" * 8)
    circular: list[Any] = [1]
    circular.append(circular)
    assert line_value("x", circular) == [1, "[circular]"]
    twice = ["a"]
    assert line_value("x", [twice, twice]) == [["a"], ["a"]]


def test_a_list_ends_after_200_items_and_a_value_after_2000() -> None:
    """How many are left out is said, in a mapping too."""
    assert line_value("x", list(range(200))) == list(range(200))
    assert line_value("x", list(range(1_202))) == [*range(200), "[1,002 more left out]"]
    mapping = {f"k{number}": number for number in range(203)}
    assert line_value("x", mapping) == {**{f"k{number}": number for number in range(200)}, "[left out]": 3}
    found = line_value("x", [list(range(199))] * 11)
    assert [len(each) for each in found[:9]] == [199] * 9
    assert sum(len(each) for each in found if isinstance(each, list)) <= 2_000
    assert "more left out]" in str(found[-1])


def test_a_value_has_four_long_texts_and_little_of_what_follows() -> None:
    """Of what stands behind them only the beginning and the end are kept, and then nothing."""
    long = "x" * LIMIT
    found = line_value("x", [long, long, long, "y" * (LIMIT - 10), "z" * 500, "more"])
    assert found[:4] == [long, long, long, "y" * (LIMIT - 10)]
    assert found[4].startswith("z" * 48 + "\n[... 436 characters left out")
    assert found[5:] == ["[1 more left out]"]


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63)])
def test_a_number_of_64_bits_is_a_number(number: int) -> None:
    """And the next one a text."""
    beyond = number + (1 if number > 0 else -1)
    for show in (line_value, attribute, plain):
        assert (show("x", number), show("x", beyond)) == (number, str(beyond))
    assert line_value("x", [number, beyond]) == [number, str(beyond)]


def test_what_stands_behind_a_secret_s_name_in_a_list_is_a_secret() -> None:
    """Behind an option, and in a pair; in a mapping that says which name it is of. Nothing else is."""
    assert line_value("x", ["serve", "--password", "p", "--port", "80"]) == [
        "serve",
        "--password",
        "[redacted]",
        "--port",
        "80",
    ]
    assert line_value("x", ["password", "p"]) == ["password", "[redacted]"]
    assert line_value("x", ["password", None]) == ["password", None]
    assert line_value("x", ["password", "p", "q"]) == ["password", "p", "q"]
    assert line_value("x", ["user", "password"]) == ["user", "password"]
    for name in ("name", "key", "header"):
        assert line_value("x", {name: "Cookie", "value": "p"}) == {name: "Cookie", "value": "[redacted]"}
        assert line_value("x", {name: "Accept", "value": "p"}) == {name: "Accept", "value": "p"}


def test_a_pair_of_a_user_and_a_password_keeps_the_user() -> None:
    """Under the name that HTTP clients have for it; more or less than a pair is none."""
    assert line_value("auth", ("ann", "hunter2")) == ["ann", "[redacted]"]
    assert attribute("http_auth", ("ann", "hunter2")) == ("ann", "[redacted]")
    assert line_value("auth", ("saml",)) == ["saml"]
    assert line_value("auth", ["saml", "oidc"]) == ["saml", "oidc"]
    assert line_value("author", ("ann", "bob")) == ["ann", "bob"]


def test_a_key_of_256_characters_is_whole() -> None:
    """One more is cut."""
    assert (key("k" * 256), key("k" * 257)) == ("k" * 256, "k" * 253 + "...")


def test_a_text_of_the_limit_is_whole_and_one_more_is_cut() -> None:
    """Three quarters of the limit are its head, a quarter its tail."""
    assert text("x" * 100, limit=100) == "x" * 100
    assert text("h" * 75 + "m" * 7 + "t" * 25, limit=100) == f"{'h' * 75}\n[... 7 characters left out ...]\n{'t' * 25}"
    assert text("x" * LIMIT) == "x" * LIMIT
    assert text("x" * (LIMIT + 1)).splitlines()[1] == "[... 1 characters left out ...]"


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))), "0001-01-01T00:00:00+05:00"),
        (datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5))), "9999-12-31T23:00:00-05:00"),
        (datetime(2026, 1, 1, 5, tzinfo=timezone(timedelta(hours=5))), "2026-01-01T00:00:00Z"),
    ],
)
def test_a_moment_that_utc_does_not_have_is_said_in_its_own_zone(moment: datetime, shown: str) -> None:
    """Any other is said in UTC."""
    assert plain("at", moment) == shown


def test_a_class_is_named_by_its_module_if_that_is_asked() -> None:
    """One that is built in, or of no module, has its name alone."""
    nowhere = type("Nowhere", (), {"__module__": None})
    assert (class_name(Mute()), class_name(7)) == ("Mute", "int")
    assert class_name(Mute(), qualified=True) == "tests.telemetry.odd.Mute"
    assert (class_name(7, qualified=True), class_name(nowhere(), qualified=True)) == ("int", "Nowhere")


def test_a_resource_is_cleaned_once() -> None:
    """Also where there are several in turns: exporters put spans of one and the same resource together."""
    mine, yours = Resource({"token": "hunter2", "of": "mine"}), Resource({"token": "hunter2", "of": "yours"})
    first, second = clean_resource(mine), clean_resource(yours)
    assert dict(first.attributes) == {"token": "[redacted]", "of": "mine"}
    assert (clean_resource(mine) is first, clean_resource(yours) is second) == (True, True)
