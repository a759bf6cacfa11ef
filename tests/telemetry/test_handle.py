"""What a block's handle can do midway, and blocks that need none."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any
from uuid import UUID

import pytest
from opentelemetry import trace

import telemetry
from telemetry import OutcomeMissing, Root, _health, observe, observed, span
from telemetry._spans.open_span import OpenSpan
from telemetry.model import Event, Field, Level, Line, Operation, Result
from telemetry.testing import Capture, capturing


class Delivered(Result):
    """What a delivery came to."""

    parcels: Annotated[int, Field("Parcels handed over.")]


class Deliver(
    Operation[Delivered],
    name="post.deliver",
    completed=Line(Level.INFO, "street", "carrier", "parcels", when="it is handed over"),
    failed=Line(Level.ERROR, "street", "error_type", "error_msg", when="it is not"),
):
    """A delivery."""

    street: Annotated[str, Field("Where to.")]
    carrier: Annotated[str | None, Field("Who brings it; known when somebody takes it.", key="post.carrier")] = None


class Sort(
    Operation[None],
    name="post.sort",
    completed=Line(Level.DEBUG, "street", when="a street is sorted"),
):
    """Sorting, which has nothing to say at its end."""

    street: Annotated[str, Field("Which street.")]


def test_an_operation_without_a_result_completes_by_itself(captrace: Capture) -> None:
    """It still fails with the error that leaves it."""
    with observe(Sort(street="Elm")):
        pass
    with pytest.raises(OSError, match="jam"), observe(Sort(street="Oak")):
        raise OSError("jam")
    assert captrace.tree("street") == "post.sort completed street=Elm\npost.sort failed OSError street=Oak"
    assert captrace.events() == ["post.sort.completed"]


@pytest.mark.parametrize("no_operation", ["text", 7, None, Sort])
def test_what_is_no_operation_does_not_break_its_host(
    no_operation: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The block runs, its own errors leave it, and telemetry says what it could not do."""
    monkeypatch.setattr(_health._health, "said_at", {})  # other tests may have filled the minute's kinds
    with observe(no_operation) as block:
        block.set(street="Elm")
    with observe(no_operation) as block:
        block.completed(no_operation)
    with pytest.raises(OSError, match="jam"), observe(no_operation):
        raise OSError("jam")
    said = capsys.readouterr().err.replace("\\", "")
    if no_operation is Sort:
        assert "observe() takes an operation and not its class: observe(Sort(street=...))" in said
    else:
        assert f"observe() takes an operation, such as observe(Ship(order=...)), not {no_operation!r}" in said


def test_a_library_s_span_says_which_operation_it_stands_in(captrace: Capture) -> None:
    """And nothing where that is another library's, or none."""
    tracer = trace.get_tracer("a library")
    with observe(Sort(street="Elm")), tracer.start_as_current_span("GET"), tracer.start_as_current_span("connect"):
        pass
    with tracer.start_as_current_span("alone"):
        pass
    within = {span.name: span.attributes.get("within.operation") for span in captrace.spans}
    assert within == {"post.sort": None, "GET": "post.sort", "connect": None, "alone": None}


def test_what_is_learned_midway_is_on_the_span_and_its_lines(captrace: Capture) -> None:
    """Under the field's own key."""
    with observe(Deliver(street="Elm")) as delivery:
        delivery.set(carrier="Ann")
        delivery.completed(Delivered(parcels=2))
    (one,), (line,) = captrace.spans, captrace.lines
    assert one.attributes["post.carrier"] == "Ann"
    assert (line["carrier"], line["parcels"]) == ("Ann", 2)


def test_a_field_that_nobody_declared_cannot_be_set(captrace: Capture) -> None:
    """A misspelt name is found in a test, and costs nothing in production."""
    with (
        pytest.raises(
            TypeError, match=r"Deliver declares no carier \(did you mean 'carrier'\?\): it declares street, carrier, parcels"
        ),
        observe(Deliver(street="Elm")) as delivery,
    ):
        delivery.set(carier="Ann")
    assert captrace.tree() == "post.deliver failed TypeError"


@pytest.mark.usefixtures("captrace")
def test_what_a_span_cannot_take_is_an_error_in_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Midway, and of a span that nobody declared, too."""

    def full(*_: object) -> None:
        raise LookupError("no room")

    with span("post.sort") as sorting:
        monkeypatch.setattr(OpenSpan, "collect", full)
        with pytest.raises(LookupError, match="no room"):
            sorting.set(street="Elm")
        monkeypatch.undo()


def test_a_block_links_to_any_span(captrace: Capture) -> None:
    """An attempt to the one before it, a batch to each of its causes."""
    other = Root.reserve(Sort)
    with observe(Sort(street="Elm")) as block:
        block.link(other.traceparent)
        block.link(None)  # a first attempt follows none
    assert captrace.spans[0].links == ((other.trace_id, other.traceparent.split("-")[2]),)


def test_blocks_are_asynchronous_too(captrace: Capture) -> None:
    """Each task has its own current span."""

    async def deliver(street: str) -> None:
        async with observe(Sort(street=street)):
            await asyncio.sleep(0)
            async with span("post.ring", street=street):
                await asyncio.sleep(0)

    async def both() -> None:
        await asyncio.gather(deliver("Elm"), deliver("Oak"))

    asyncio.run(both())
    assert captrace.tree("street") == (
        "post.sort completed street=Elm\n"
        "  post.ring completed street=Elm\n"
        "post.sort completed street=Oak\n"
        "  post.ring completed street=Oak"
    )


def test_the_first_rung_needs_no_declaration(captrace: Capture) -> None:
    """A span takes whatever it is given, completes by itself and fails with its error."""
    with span("shop.ship", order="A-7", **{"shop.weight": 2.5}) as shipping:
        shipping.set(parcels=2, note=None)
    with pytest.raises(LookupError), span("shop.ship", order="A-8"):
        raise LookupError("no such order")
    first, second = captrace.spans
    assert first.attributes == {"order": "A-7", "shop.weight": 2.5, "parcels": 2, "shop.outcome": "completed"}
    assert (first.status, second.status, second.outcome) == ("OK", "ERROR", "failed")
    assert second.attributes["error.type"] == "LookupError"


def test_a_function_is_observed_as_a_whole(captrace: Capture) -> None:
    """It takes those of the arguments that the operation names, and completes with what it returns."""

    @observed(lambda street: Deliver(street=street))
    def deliver(parcels: int, street: str = "Elm") -> Delivered:
        return Delivered(parcels=parcels)

    @observed(lambda street: Sort(street=street))
    def sort(street: str) -> list[str]:
        return [street]

    assert deliver(3) == Delivered(parcels=3)
    assert sort(street="Oak") == ["Oak"]
    assert (
        captrace.tree("street", "parcels") == "post.deliver completed street=Elm parcels=3\npost.sort completed street=Oak"
    )


def test_an_asynchronous_function_is_observed_until_it_ends(captrace: Capture) -> None:
    """And fails with what it raises."""

    @observed(lambda street: Sort(street=street))
    async def sort(street: str) -> None:
        await asyncio.sleep(0)
        raise OSError(street)

    with pytest.raises(OSError, match="Elm"):
        asyncio.run(sort("Elm"))
    assert captrace.tree() == "post.sort failed OSError"


def test_a_mistaken_decorator_is_refused_at_once() -> None:
    """When the module is imported, and not at the first call."""
    with pytest.raises(TypeError, match="has no parameter road: it has street"):

        @observed(lambda road: Sort(street=road))
        def sort(street: str) -> None: ...

    with pytest.raises(TypeError, match="yields: open observe"):

        @observed(lambda: Sort(street="Elm"))
        def streets() -> object:
            yield "Elm"

    with pytest.raises(TypeError, match=r"^observed\(\) takes what makes an operation: @observed\("):
        observed(lambda street: Sort(street=street))(print, street="Elm")  # type: ignore[call-arg]  # the mistake

    with pytest.raises(TypeError, match=r"has no parameter road: it has none"):

        @observed(lambda road: Sort(street=road))
        def nothing() -> None: ...

    with pytest.raises(
        TypeError, match=r"observed\(\) takes what makes an operation: @observed\(lambda: Sort\(street='Elm'\)\)"
    ):
        observed(Sort(street="Elm"))  # type: ignore[call-overload]  # the mistake


@pytest.mark.parametrize("kind", [classmethod, staticmethod])
def test_a_decorator_on_the_wrong_side_of_another_says_so(kind: type[Any]) -> None:
    """It would be handed the instance, or could not be called."""
    with pytest.raises(TypeError, match=rf"^put @observed\(\.\.\.\) below @{kind.__name__}$"):
        observed(lambda: Sort(street="Elm"))(kind(len))


def test_a_decorator_without_its_operation_says_what_to_write() -> None:
    """As @observed alone does, once the function is called, in whichever way."""

    @observed  # type: ignore[arg-type]  # the mistake
    def sort(street: str = "Elm") -> str:
        return street

    wanted = r"observed\(\) takes what makes an operation: @observed\(lambda order: Ship\(order=order\)\)"
    calls: list[Any] = [sort, lambda: sort("Elm"), lambda: sort(street="Elm")]  # type: ignore[arg-type, call-arg]
    for call in calls:
        with pytest.raises(TypeError, match=wanted):
            call()


def test_a_lambda_may_have_arguments_of_its_own(captrace: Capture) -> None:
    """With defaults, as a loop's variable or an operation's optional field has one."""
    town = "Bath"

    @observed(lambda street, town=town: Sort(street=f"{street}, {town}"))
    def sort(street: str) -> None: ...

    @observed(Deliver)
    def deliver(street: str) -> Delivered:
        return Delivered(parcels=1)

    sort("Elm")
    deliver(street="Oak")
    assert captrace.tree("street") == "post.sort completed street=Elm, Bath\npost.deliver completed street=Oak"


def test_what_an_operation_without_a_result_returns_is_the_function_s_own(captrace: Capture) -> None:
    """Also where that is a result: of the operation that a decorator below it opens."""

    @observed(lambda: Sort(street="Elm"))
    @observed(lambda: Deliver(street="Elm"))
    def deliver() -> Delivered:
        return Delivered(parcels=2)

    assert deliver() == Delivered(parcels=2)
    assert captrace.tree("parcels") == "post.sort completed\n  post.deliver completed parcels=2"


def test_a_function_that_forgets_its_result_is_told_to_return_it(captrace: Capture) -> None:
    """It has no block to call anything of."""

    @observed(lambda: Deliver(street="Elm"))
    def deliver() -> Delivered:
        return 3  # type: ignore[return-value]  # the mistake

    with pytest.raises(
        OutcomeMissing, match=r"^Deliver ended without saying how: \S+deliver must return Delivered\(parcels=\.\.\.\)$"
    ):
        deliver()
    assert captrace.tree() == "post.deliver failed outcome_missing"


def test_a_lambda_that_returns_no_operation_is_named(captrace: Capture) -> None:
    """Instead of an attribute that a text does not have."""

    def mistaken(street: str) -> Any:
        return street

    made_by: Callable[[str], Operation[None]] = mistaken

    @observed(made_by)
    def sort(street: str) -> str:
        return street

    with pytest.raises(TypeError, match=r"@observed of \S+sort: its lambda must return .*, not 'Elm'"):
        sort("Elm")


class Later:
    """Work that begins when it is awaited, or iterated, as nothing about it says."""

    def __init__(self, work: Any) -> None:
        self.work = work

    def __call__(self) -> Any:
        return self.work()


async def _awaited() -> str:
    return "Elm"


def _iterated() -> Iterator[str]:
    yield "Elm"


async def _iterated_later() -> AsyncIterator[str]:
    yield "Elm"


@pytest.mark.parametrize(
    ("work", "kind"), [(_awaited, "coroutine"), (_iterated, "generator"), (_iterated_later, "async_generator")]
)
def test_work_that_a_block_does_not_see_is_said(work: Any, kind: str, captrace: Capture) -> None:
    """Its span would say that it has completed before it began."""
    sort = observed(lambda: Sort(street="Elm"))(Later(work))
    with pytest.raises(TypeError, match=rf"Later object .* returns a {kind}, whose work begins once its block is over"):
        sort()
    assert captrace.tree() == "post.sort failed TypeError"


def test_work_that_a_block_does_not_see_is_done_all_the_same(production: Capture) -> None:
    """In production it is telemetry's problem alone."""
    before = telemetry.swallowed()
    assert asyncio.run(observed(lambda: Sort(street="Elm"))(Later(_awaited))()) == "Elm"
    assert telemetry.swallowed() == before + 1


def test_a_result_that_is_forgotten_is_asked_for(captrace: Capture) -> None:
    """In the words that would have been right; a type checker has them too."""
    wanted = r"^Deliver completes with its result: call completed\(Delivered\(parcels=\.\.\.\)\)$"
    with pytest.raises(TypeError, match=wanted), observe(Deliver(street="Elm")) as delivery:
        delivery.completed()  # type: ignore[call-arg]  # the mistake
    assert captrace.tree() == "post.deliver completed"


def test_a_result_that_is_none_of_the_operation_s_is_named() -> None:
    """With what to write in its place, also for a span that declares nothing."""
    cases: list[tuple[Any, object, str]] = [
        (Deliver(street="Elm"), 3, "Deliver ends with Delivered, not 3: call completed(Delivered(parcels=...))"),
        (Sort(street="Elm"), Delivered(parcels=1), "Sort ends with nothing, not {'parcels': 1}: call completed()"),
    ]
    blocks = [(observe(operation), result, words) for operation, result, words in cases]
    for block, result, words in [*blocks, (span("post.sort"), 3, "a span ends with nothing, not 3: call completed()")]:
        with capturing(), block, pytest.raises(TypeError, match=f"^{re.escape(words)}$"):
            block.completed(result)


def test_a_function_is_called_whatever_its_operation_costs() -> None:
    """An operation that cannot be made is telemetry's problem."""
    before = telemetry.swallowed()

    @observed(lambda street: Sort(street=street.name))
    def sort(street: str) -> str:
        return street

    assert sort("Elm") == "Elm"
    assert telemetry.swallowed() == before + 1


class Mixin:
    """No operation."""

    weight: int


def test_a_field_on_a_plain_base_class_is_refused() -> None:
    """It would be no field of the dataclass, and be missing from every span."""
    with pytest.raises(TypeError, match="Weigh: weight stands on a plain base class"):

        class Weigh(Mixin, Operation[None], name="post.weigh"):
            """A mistake."""


def test_a_value_of_the_wrong_type_is_text_and_named_once() -> None:
    """In production: span and lines are there."""
    before = telemetry.swallowed()
    for _ in range(2):
        with observe(Sort(street=UUID(int=7))):  # type: ignore[arg-type]  # the mistake
            pass
    assert telemetry.swallowed() == before + 1


def test_a_field_may_not_be_named_as_a_lines_own_key() -> None:
    """It would hide the line's time, level or trace."""
    with pytest.raises(TypeError, match=r"post.weighed: every line has a level of its own: name the field otherwise"):

        class Weighed(Event, name="post.weighed", level=Level.INFO, when="it is on the scales"):
            """A mistake."""

            level: Annotated[str, Field("How heavy.")]


def test_a_link_that_leads_nowhere_is_said(production: Capture) -> None:
    """The block goes on without it."""
    before = telemetry.swallowed()
    with observe(Sort(street="Elm")) as sorting:
        sorting.link("somewhere")
    assert telemetry.swallowed() == before + 1
    assert (production.spans[0].outcome, production.spans[0].links) == ("completed", ())
