"""Right uses, which neither type checker may refuse."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from celery import shared_task
from django.http import HttpRequest, HttpResponse

import telemetry
from telemetry import (
    Observed,
    OutcomeMissing,
    Root,
    add_trace_ids,
    bind,
    bound,
    configure,
    current_traceparent,
    emit,
    error_type,
    flush,
    measure,
    observe,
    observed,
    open_spans,
    reading,
    record,
    span,
    trace_id_of,
    treat_as,
    visible,
    wills,
    write_line,
)
from telemetry.catalog import OWN_EVENTS, as_json, as_markdown, as_weaver, check_line, spans_as_markdown
from telemetry.celery import QuietTask, after_attempt, sending
from telemetry.django import RequestSpans, instrument
from telemetry.instruments import Counter, InstrumentSpec, declared_instruments
from telemetry.ledger import MEANING, Count, of_home, of_process
from telemetry.model import (
    Event,
    EventSpec,
    Field,
    FieldSpec,
    Level,
    Line,
    Operation,
    Outcome,
    Result,
    Scalar,
    declared_events,
    declared_operations,
)
from telemetry.reading import (
    Files,
    Node,
    Source,
    Span,
    SpanFollower,
    orphans_of,
    read_collected,
    read_lines,
    read_spans,
    roots_of,
    spans_in,
)
from telemetry.redaction import REDACTED, add_shapes, is_secret_name, redact
from telemetry.settings import OFF, Batching, Choices, InvalidSettingError, LogFormat, Network, TelemetrySettings
from telemetry.task_attributes import ATTEMPT, QUEUE_WAIT_MS
from telemetry.testing import Capture, UnaccountedError
from telemetry.timestamps import iso_microseconds, iso_seconds, unix_nanoseconds
from telemetry.wills import Executed, Will


class Baked(Result):
    """A loaf."""

    crumbs: Annotated[int, Field("Crumbs.")]
    oven: Annotated[str | None, Field("Which oven.")] = None


class Bake(Operation[Baked], name="bakery.bake", started=Line(Level.INFO, "loaf", when="it goes in")):
    """One loaf."""

    loaf: Annotated[str, Field("Its name.")]
    heat: Annotated[float | None, Field("How hot.")] = None


class Sweep(Operation[None], name="bakery.sweep"):
    """Sweeping, which has nothing to say at its end."""

    room: Annotated[str, Field("Where.", key="bakery.room", also={"room.name": str}, low_cardinality=True, example="shop")]


class Rang(Event, name="bakery.rang", level=Level.WARNING, when="the bell rings"):
    """The bell."""

    at: Annotated[datetime, Field("When.")]
    how: Annotated[Literal["once", "twice"], Field("How often.")]


class Sold(Counter, name="bakery.sold", unit="{loaf}"):
    """Loaves sold."""

    kind: Annotated[str, Field("Of what.", low_cardinality=True)]


def bake(at: datetime) -> int:
    """Every outcome, with what it needs."""
    with bind(team_id=1, repo_id=None), observe(Bake(loaf="rye"), waited_ms=3.0) as baking:
        emit(Rang(at=at, how="once"))
        emit(Rang(at=at, how="twice"), error=ValueError("late"))
        baking.set(oven="big", heat=240)
        baking.link("00-" + "1" * 32 + "-" + "2" * 16 + "-01")
        baking.link(current_traceparent())
        baking.completed(Baked(crumbs=3))
        baking.completed(Baked(crumbs=3, oven=None))
        baking.failed(ValueError("burnt"))
        baking.failed(ValueError("burnt"), Baked(crumbs=1, oven="big"))
        baking.retrying(ValueError("cold"), countdown=2)
        baking.waiting(until=at)
        baking.waiting(error=ValueError("come back"), result=Baked(crumbs=1))
        baking.cancelled()
    with observe(Sweep(room="shop")) as sweeping:
        sweeping.completed()
    with span("bakery.knead", loaf="rye", **{"bakery.minutes": 3}) as kneading:
        kneading.set(folds=4)
    measure(Sold(kind="rye"))
    with observe(Bake(loaf="rye", heat=3)) as baking:
        return 1


async def bake_all() -> None:
    """Blocks are asynchronous, too."""
    async with observe(Bake(loaf="rye")) as baking, span("bakery.wait"):
        baking.completed(Baked(crumbs=3))


@observed(lambda loaf: Bake(loaf=loaf))
def whole(loaf: str, *, hurry: bool = False) -> Baked:
    """A function that returns its operation's result."""
    return Baked(crumbs=len(loaf) + hurry)


@observed(lambda loaf: Bake(loaf=loaf))
async def whole_later(loaf: str) -> Baked:
    """The same, later."""
    return Baked(crumbs=len(loaf))


@observed(lambda room: Sweep(room=room))
def swept(room: str) -> list[str]:
    """A function that returns what it likes: its operation has no result."""
    return [room]


async def use() -> int:
    """What is observed keeps its type."""
    later = await whole_later("rye")
    return whole("rye", hurry=True).crumbs + later.crumbs + len(swept(room="shop"))


def reserved(at: datetime) -> str:
    """A root that is ended elsewhere."""
    root = Root.reserve(Bake, links=["00-" + "1" * 32 + "-" + "2" * 16 + "-01"])
    root.announce(Bake(loaf="rye"))
    with root.active(), root.addressed(), root.finish(Bake(loaf="rye"), ended_at=at, repeat=True) as baking:
        baking.completed(Baked(crumbs=3))
    here = trace_id_of(current_traceparent()) or ""
    return trace_id_of(root.traceparent) + root.trace_id + str(root.started_ns) + here


@shared_task(base=QuietTask)
def tick() -> None:
    """A periodic task without noise, which sends another."""
    with sending(attempt=2, previous=current_traceparent()):
        tick.delay()
    after_attempt(lambda ended_ns: write_line(Level.INFO, "ended", {"ended_ns": ended_ns}, error=None))


def edges() -> int:
    """What a process does at its start and its end, and what surrounds it."""
    chosen: Choices = {"prefix": "BAKERY_", "home": Path("var"), "context": ("oven",), "excluded_urls": ["/healthz$"]}
    settings: TelemetrySettings = configure(stream=sys.stdout, **chosen)
    instrument(TelemetrySettings.from_environment({"BAKERY_TRUST_FROM": "::1"}, **chosen))
    trusted: tuple[Network, ...] = settings.trust_from
    batching: Batching = settings.batching
    treat_as(BrokenPipeError, Outcome.CANCELLED)
    write_line(Level.INFO, "started", {"level": settings.log_level}, error=None)
    context: Mapping[str, object] = {**add_trace_ids(None, "info", {"event": "x"}), **bound()}
    telemetry.problem(OutcomeMissing(error_type(ValueError(redact("ghp_x"))) + telemetry.message_of(OSError())))
    error: type[ValueError] = InvalidSettingError
    add_shapes([r"\bvoucher-[0-9]{8}\b"])
    is_quiet: bool = settings.log_level >= OFF or is_secret_name("token")
    log_format: LogFormat | None = settings.log_format
    shown: str = visible(redact("x") + REDACTED + (log_format or "")) + telemetry.visible_json("{}")
    counted = len(trusted) + batching.queue_size + len(context) + len(error.__name__) + len(shown)
    return telemetry.swallowed() + flush(2.0) + is_quiet + counted


def answer(request: HttpRequest) -> object:
    """What Django's own server would do with the middleware."""
    return RequestSpans(lambda asked: HttpResponse(asked.path))(request)


def moments(at: datetime) -> Scalar:
    """A moment as text, which is what a field may hold as it leaves."""
    record(Sweep(room="shop"), started_at=at, ended_at=at)
    return iso_seconds(at) + iso_microseconds(at) + str(unix_nanoseconds(at))


def declared(handle: Observed[Baked]) -> str:
    """What can be read of declarations, and of what was written."""
    event: EventSpec = declared_events()["bakery.rang"]
    field: FieldSpec = event.fields[0]
    instrument: InstrumentSpec = declared_instruments()["bakery.sold"]
    operation: type[Operation[Baked]] = declared_operations()["bakery.bake"]
    handle.completed(Baked(crumbs=1))
    rows: list[dict[str, object]] = as_json([event.name, field.name, instrument.name, operation.__name__])
    checked = check_line({"event": "bakery.rang"})
    return as_markdown([event.name, *OWN_EVENTS]) + as_weaver("bakery") + str(rows) + str(checked)


def tasks_tried(spans: list[Span]) -> list[tuple[object, object]]:
    """How long each attempt waited on the queue."""
    return [(one.attributes[ATTEMPT], one.attributes.get(QUEUE_WAIT_MS)) for one in spans]


def willed(row: dict[str, object], seen: datetime) -> tuple[str, ...]:
    """Spans that whoever finds their work dead ends."""
    wills.ask(lambda span_ids: [one for one in span_ids if one in row])
    block: Observed[Baked] = wills.reserve(Bake(loaf="rye"))
    will: Will = Will.of(block)
    row["will"] = will.as_json()
    done: Executed = Will.from_json(will.as_json() or {}).execute(
        last_seen=seen, exported_to=(), note=lambda names: row.update(exported_to=names)
    )
    return done.exported_to if done.is_done or will.is_journalled else will.span_ids


def read(source: Source) -> list[Span]:
    """What can be read of spans and lines."""
    spans = read_spans("traces.jsonl", containing=["1"]) + spans_in({"resourceSpans": []})
    nodes: tuple[Node, ...] = roots_of(spans)
    lines = read_lines("logs.jsonl") + source.find_lines(order="A-7") + read_collected("collected.jsonl")[0]
    below = [one for node in nodes for depth, one in node.walk() if depth and one.outcome == one.error_type]
    return orphans_of([*below, *source.find_spans(order=[str(line["order"]) for line in lines])])


def followed(files: Files) -> list[Span]:
    """What is new of some traces."""
    follower: SpanFollower = files.follow()
    new: list[Span] = follower.new(["6513270e269e0d37f2a74de452e6b438"])
    follower.close()
    return new


def accounted(capture: Capture, home: Path) -> int:
    """What became of spans: here, in a home and in a test; and those that are open."""
    counts: Mapping[str, Count] = {**of_process(), **of_home(home), **of_home(str(home)), "test": capture.count}
    reasons = [MEANING[reason] for count in counts.values() for reason in count.dropped]
    if not all(count.is_exact for count in counts.values()):
        raise UnaccountedError(spans_as_markdown(["bakery.bake"]) + reasons[0])
    now: list[Span] = open_spans() + reading.open_spans(home / "journal") + reading.open_spans("var/journal")
    total: Count = capture.count + Count(started=1, exported=1)
    return len(now) + total.waiting + total.lost + sum(one.end_ns - one.start_ns for one in now if one.is_open)


def chosen(near: Network) -> tuple[Choices, Batching, type[RequestSpans]]:
    """What an application chooses, and what it may name in its settings."""
    choices: Choices = {"prefix": "SHOP_", "service_name": "shop", "context": ("order",), "redact_patterns": [r"x\d"]}
    settings: TelemetrySettings = TelemetrySettings.from_environment({}, **choices)
    return choices, settings.batching if near.is_private else Batching(queue_size=1), RequestSpans
