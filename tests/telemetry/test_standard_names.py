"""What OpenTelemetry's variables name is used, whichever package provides it, and goes before what is ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from telemetry.reading import read_spans
from tests.telemetry.test_processes import run

PLUGINS = """
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult


class Pigeon(SpanExporter):
    def export(self, spans):
        with open("carried", "a") as file:
            file.writelines(f"{span.name}\\n" for span in spans)
        return SpanExportResult.SUCCESS


class Reader(InMemoryMetricReader):
    def __init__(self):
        super().__init__()
        readers.append(self)


readers = []


def broken(*_args, **_options):
    raise RuntimeError("somebody's own")


class Picky(Sampler):
    def __init__(self, wanted):
        self.wanted = wanted

    def should_sample(self, parent_context, trace_id, name, *args, **options):
        return SamplingResult(Decision.RECORD_AND_SAMPLE if name == self.wanted else Decision.DROP)

    def get_description(self):
        return "picky"


class Sevens(RandomIdGenerator):
    def generate_trace_id(self):
        return 0x77777777777777777777777777777777


class Morse(TextMapPropagator):
    def inject(self, carrier, context=None, setter=None):
        carrier["morse"] = "..."

    def extract(self, carrier, context=None, getter=None):
        return context

    @property
    def fields(self):
        return {"morse"}
"""
REGISTERED = """
[opentelemetry_traces_exporter]
pigeon = plugins:Pigeon
broken = plugins:broken
[opentelemetry_metrics_exporter]
reader = plugins:Reader
broken = plugins:broken
[opentelemetry_traces_sampler]
picky = plugins:Picky
broken = plugins:broken
[opentelemetry_id_generator]
sevens = plugins:Sevens
[opentelemetry_propagator]
morse = plugins:Morse
"""


@pytest.fixture
def plugins(tmp_path: Path) -> dict[str, str]:
    """The environment of a process in which another package has registered one of each kind."""
    (tmp_path / "plugins.py").write_text(PLUGINS)
    distribution = tmp_path / "plugins-1.dist-info"
    distribution.mkdir()
    (distribution / "METADATA").write_text("Metadata-Version: 2.1\nName: plugins\nVersion: 1\n")
    (distribution / "entry_points.txt").write_text(REGISTERED)
    return {"PYTHONPATH": f"{tmp_path}:{Path.cwd()}"}


EXPORTED = """
import plugins
os.chdir(os.path.dirname(plugins.__file__))
sell()
assert telemetry.flush()
(reader,) = plugins.readers
(resource,) = reader.get_metrics_data().resource_metrics
names = [metric.name for scope in resource.scope_metrics for metric in scope.metrics]
assert names[0] == "shop.sale.duration" and all(name.startswith("otel.sdk.") for name in names[1:]), names
"""


def test_any_installed_exporter_works(plugins: dict[str, str], tmp_path: Path) -> None:
    """Of spans and of metrics, those that are read as well as those that send."""
    run(EXPORTED, tmp_path / "home", OTEL_TRACES_EXPORTER="pigeon", OTEL_METRICS_EXPORTER="reader", **plugins)
    assert (tmp_path / "carried").read_text() == "shop.sale\n"


SAMPLED = """
sell()
with telemetry.span("another"):
    pass
"""


def test_any_installed_sampler_and_id_generator_work(plugins: dict[str, str], tmp_path: Path) -> None:
    """The sampler gets its argument."""
    names = {"OTEL_TRACES_SAMPLER": "picky", "OTEL_TRACES_SAMPLER_ARG": "shop.sale", "OTEL_PYTHON_ID_GENERATOR": "sevens"}
    run(SAMPLED, tmp_path / "home", **names, **plugins)
    (span,) = read_spans(tmp_path / "home" / "traces.jsonl")
    assert (span.name, span.trace_id) == ("shop.sale", "7" * 32)


@pytest.mark.parametrize("name", ["OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_TRACES_SAMPLER"])
def test_what_cannot_be_made_costs_nothing_else(name: str, plugins: dict[str, str], tmp_path: Path) -> None:
    """Each span is in the file, with the default sampler; the error is said once. There was no span at all."""
    said = run(SAMPLED + "telemetry.flush()", tmp_path / "home", **{name: "broken"}, **plugins)
    assert {span.name for span in read_spans(tmp_path / "home" / "traces.jsonl")} == {"shop.sale", "another"}
    assert said.count("somebody's own\\n") == said.count('"telemetry.problem"') == 1


PROPAGATED = """
from opentelemetry import propagate
headers = {}
propagate.inject(headers)
assert headers == {"morse": "..."}, headers
"""


def test_any_installed_propagator_works(plugins: dict[str, str], tmp_path: Path) -> None:
    """Inside our boundary."""
    run(PROPAGATED, tmp_path / "home", OTEL_PROPAGATORS="morse", **plugins)


UNKNOWN = """
import telemetry.celery
"""
UNREACHED = "raise SystemExit('the settings were taken')"


def test_a_propagator_that_is_not_installed_is_a_sentence(tmp_path: Path) -> None:
    """Also where our modules for Celery are imported before anything is configured."""
    with pytest.raises(AssertionError) as error:
        run(UNREACHED, tmp_path, before=UNKNOWN, OTEL_PROPAGATORS="b3")
    assert "InvalidSettingError: OTEL_PROPAGATORS is 'b3': nothing provides b3 here" in str(error.value)
    assert "install opentelemetry-propagator-b3" in str(error.value)


RESOURCE = """
with telemetry.span("work"):
    pass
"""


def test_resource_attributes_of_the_environment_go_before_ours(tmp_path: Path) -> None:
    """Decoded as the SDK does; what they leave out is there."""
    given = "host.name=pod-1,service.instance.id=one,service.name=caf%C3%A9,place=a%2Cb"
    run(RESOURCE, tmp_path, OTEL_RESOURCE_ATTRIBUTES=given)
    (span,) = read_spans(tmp_path / "traces.jsonl")
    assert {key: span.resource[key] for key in ("host.name", "service.instance.id", "service.name", "place")} == {
        "host.name": "pod-1",
        "service.instance.id": "one",
        "service.name": "café",
        "place": "a,b",
    }
    assert "process.pid" in span.resource


def test_limits_are_the_sdks(tmp_path: Path) -> None:
    """For the spans of other instrumentations; an empty variable is none."""
    code = """
from opentelemetry import trace
with trace.get_tracer("theirs").start_as_current_span("many", attributes={str(n): n for n in range(9)}):
    pass
"""
    run(code, tmp_path, OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT="3", OTEL_ATTRIBUTE_COUNT_LIMIT="", OTEL_BSP_MAX_QUEUE_SIZE="")
    (span,) = read_spans(tmp_path / "traces.jsonl")
    assert len(span.attributes) == 3


BURST = """
from opentelemetry import trace
for _ in range(3000):
    trace.get_tracer("theirs").start_span("one").end()
assert telemetry.flush()
"""


@pytest.mark.slow
def test_a_small_queue_is_as_small_as_it_was_asked_for(tmp_path: Path) -> None:
    """OTEL_BSP_MAX_QUEUE_SIZE; a burst loses what does not fit, and not with ours."""
    run(BURST, tmp_path / "small", OTEL_BSP_MAX_QUEUE_SIZE="5", OTEL_BSP_SCHEDULE_DELAY="60000")
    run(BURST, tmp_path / "usual")
    assert len(read_spans(tmp_path / "small" / "traces.jsonl")) < 3000
    assert len(read_spans(tmp_path / "usual" / "traces.jsonl")) == 3000
