"""Usual mistakes with a block are answered with their cure, and its span and lines are there all the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import pytest

from telemetry import Observed, _health, observe, span
from telemetry.model import Field, Level, Line, Operation, Result
from telemetry.testing import Capture


class Sealed(Result):
    """What is known of a sealed letter."""

    wax: Annotated[int, Field("Drops of wax.")]


class Seal(
    Operation[Sealed],
    name="post.seal",
    ended=Line(Level.INFO, "letter", "error_type", "error_msg", when="a letter was sealed, or was not"),
):
    """A letter is sealed."""

    letter: Annotated[int, Field("Which letter.")]


MISTAKES: dict[str, tuple[Callable[[Observed[Any]], None], str, str]] = {
    "failed": (
        lambda block: block.failed("no wax"),  # type: ignore[arg-type]  # the mistake
        "failed() takes the error itself: `except OSError as error: ...`, not 'no wax'",
        "post.seal failed Exception letter=7",
    ),
    "retrying": (
        lambda block: block.retrying(OSError("no wax"), countdown="soon"),  # type: ignore[arg-type]  # the mistake
        "retrying() takes its countdown in seconds, such as 2.5, not 'soon'",
        "post.seal retrying OSError letter=7",
    ),
    "retrying what": (
        lambda block: block.retrying(None, countdown=2),  # type: ignore[arg-type]  # the mistake
        "retrying() takes the error itself: `except OSError as error: ...`, not None",
        "post.seal retrying Exception letter=7",
    ),
    "waiting": (
        lambda block: block.waiting(until="noon"),  # type: ignore[arg-type]  # the mistake
        "waiting() takes a datetime with its time zone for `until`, not 'noon'",
        "post.seal waiting letter=7",
    ),
    "waiting for": (
        lambda block: block.waiting(error="no wax"),  # type: ignore[arg-type]  # the mistake
        "waiting() takes the error itself: `except OSError as error: ...`, not 'no wax'",
        "post.seal waiting letter=7",
    ),
}


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What telemetry says that it swallowed; no other test has said more than a minute bears."""
    found: list[str] = []

    def reporter(error: Exception, _count: int) -> bool:
        found.append(str(error))
        return True

    monkeypatch.setattr(_health._health, "said_at", {})
    monkeypatch.setattr(_health._health, "reporter", reporter)
    return found


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistaken_end_is_answered_with_its_cure(mistake: str, production: Capture, said: list[str]) -> None:
    """The block ends as it was meant to, once, with its line."""
    end, cure, shown = MISTAKES[mistake]
    with observe(Seal(letter=7)) as block:
        end(block)
    assert said == [cure]
    assert production.tree("letter") == shown
    assert production.events().count("post.seal") == 1


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.usefixtures("captrace")
def test_a_test_fails_for_a_mistaken_end(mistake: str) -> None:
    """With the same words."""
    end, cure, _ = MISTAKES[mistake]
    with pytest.raises(TypeError) as raised, observe(Seal(letter=7)) as block:
        end(block)
    assert str(raised.value) == cure


@pytest.mark.parametrize(
    ("name", "cure"),
    [
        (Seal(letter=7), "span() takes a name: an operation is observed, with observe(Seal(...))"),
        (7, "span() takes a name, such as span('shop.ship', order=7), not 7"),
    ],
    ids=["operation", "number"],
)
def test_a_span_without_a_name_is_answered_with_its_cure(name: Any, cure: str, production: Capture, said: list[str]) -> None:
    """The block is a span all the same."""
    with span(name):
        pass
    assert said == [cure]
    assert len(production.spans) == 1


def test_a_block_above_a_function_is_refused_at_once() -> None:
    """It would be one block for all calls, and hand back nothing to call."""

    def wax() -> None:
        """Do nothing."""

    with pytest.raises(TypeError, match=r"^a block is no decorator: open `with span\(...\)` inside wax, or put @observed"):
        span("post.wax")(wax)
    with pytest.raises(TypeError, match=r"^a block is no decorator: put @observed\(lambda: Seal\(...\)\) above wax$"):
        observe(Seal(letter=7))(wax)


def test_one_name_cannot_be_two_operations() -> None:
    """Declared again in the same way, as by a module that is imported twice, it is the same."""
    for _ in range(2):

        class Same(Operation[Sealed], name="post.same"):
            """A letter is sealed."""

            letter: Annotated[int, Field("Which letter.")]

    with pytest.raises(TypeError, match=r"'post.same' is declared twice, and differently: by .*Same.* and .*Other"):

        class Other(Operation[Sealed], name="post.same"):
            """A letter is sealed."""

            stamp: Annotated[int, Field("Which stamp.")]

    with pytest.raises(TypeError, match=r"'post.same' is declared twice, and differently"):

        class Nothing(Operation[None], name="post.same"):
            """A letter is sealed."""

            letter: Annotated[int, Field("Which letter.")]
