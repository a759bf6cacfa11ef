"""Wrong uses of sources and of the test kit; every line marked `# wrong` is refused, and no other."""

from __future__ import annotations

from datetime import UTC, datetime

from telemetry.catalog import as_markdown, as_weaver, check_line, spans_as_markdown
from telemetry.ledger import MEANING, Count, of_home, of_process
from telemetry.reading import (
    Attribute,
    Files,
    Jaeger,
    JaegerError,
    Memory,
    MissingKeyError,
    Node,
    Source,
    Span,
    SpanEvent,
    SpanFollower,
    Values,
    Wanted,
    draw,
    open_spans,
    roots_of,
)
from telemetry.testing import Capture, Measurement, NotCapturedError, capturing


def explain(source: Source) -> str:
    """Any source will do."""
    spans: list[Span] = source.find_spans(order="A-7", attempt=[1, 2])
    return draw(source.trace(spans[0].trace_id), "order")


explain(Files(traces="traces.jsonl", lines="logs.jsonl"))
explain(Jaeger("http://localhost:16686", service="shop"))
explain(Memory())

orders: Wanted = ["A-7", "A-8"]
line: dict[str, object] = Values(order="A-7")
errors: tuple[type[Exception], ...] = (JaegerError, MissingKeyError, NotCapturedError)
event = SpanEvent("exception", 1, {"exception.type": "OSError"})
order: list[Attribute] = [span.attributes["order"] for span in Memory().find_spans(order=orders)]

follower: SpanFollower = Files(traces="traces.jsonl").follow()
started: list[Span] = follower.new(["4bf92f3577b34da6a3ce929d0e0e4736"])
follower.new()  # wrong: no traces
follower.new([7])  # wrong: a number for an id
explain("traces.jsonl")  # wrong: a path for a source
Files("traces.jsonl")  # wrong: positional
Files(spans="traces.jsonl")  # wrong: no such keyword
Jaeger("http://localhost:16686")  # wrong: no service
Memory().find_spans(order=None)  # wrong: nothing for a value
Memory().trace(7)  # wrong: a number for an id
draw(roots_of([]))  # wrong: trees for spans
Memory().find_lines("A-7")  # wrong: a value without its key
Files(traces="traces.jsonl").follow().new([7])  # wrong: a number for an id

with capturing(now=lambda: datetime(2026, 1, 1, tzinfo=UTC), seed=7) as captured:
    explain(captured)
    node: Node = roots_of(captured.spans)[0]
    measured: Measurement = captured.metric("shop.refunded")
    captured.line("shop.ship.completed")["parcels"]
    captured.span("shop.ship").attribute["order"]  # wrong: misspelt
    captured.line(7)  # wrong: a number for an event
    captured.metric("shop.refunded")["value"]  # wrong: a measurement is no mapping
    captured.tree(7)  # wrong: a number for an attribute
    captured.fix(now=datetime(2026, 1, 1, tzinfo=UTC))  # wrong: a moment for a clock
    captured.count.lost()  # wrong: a number is not called
    captured.spans()  # wrong: a list is not called
    captured.events = []  # wrong: a method


def test_typed(captrace: Capture) -> None:
    """The fixture's type."""
    captrace.tree("order").splitlines()
    captrace.trees()  # wrong: misspelt


as_weaver("shop", "mail")
as_weaver(["shop"])  # wrong: a list for names
as_markdown(["shop.ship.started"])
as_markdown(7)  # wrong: a number for names
check_line("{}")  # wrong: text for a line
spans_as_markdown(7)  # wrong: a number for names
open_spans()  # wrong: no folder
open_spans(journal=7)  # wrong: a number for a folder
of_home()  # wrong: no home
of_home(7)  # wrong: a number for a folder
of_process("file")  # wrong: it has no arguments
MEANING["killed"] = "gone"  # wrong: it is not to be changed
Count(started="1")  # wrong: a text for a number
Count(1, 1)  # wrong: positional
