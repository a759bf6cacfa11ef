"""The environment's settings are read once, standard names first, and what is wrong is said."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.util.re import parse_env_headers

from telemetry._settings import environment
from telemetry.settings import OFF, Batching, InvalidSettingError, TelemetrySettings


def read(**env: str) -> TelemetrySettings:
    """The settings of this environment."""
    return TelemetrySettings.from_environment(env)


def test_an_empty_environment_writes_no_file_and_sends_nothing() -> None:
    """Nothing is assumed; empty variables count as absent ones."""
    names = ("OTEL_TRACES_EXPORTER", "OTEL_SDK_DISABLED", "TELEMETRY_LOG_LEVEL", "TELEMETRY_HOME", "OTEL_SERVICE_NAME")
    assert read() == read(**dict.fromkeys(names, "")) == TelemetrySettings()


def test_files_are_in_the_home_unless_named() -> None:
    """Each can be moved alone."""
    settings = read(TELEMETRY_HOME="/home/x")
    assert (settings.traces_file, settings.log_file) == (Path("/home/x/traces.jsonl"), Path("/home/x/logs.jsonl"))
    settings = read(TELEMETRY_HOME="/home/x", TELEMETRY_LOG_FILE="/y/lines")
    assert (settings.traces_file, settings.log_file) == (Path("/home/x/traces.jsonl"), Path("/y/lines"))
    assert read(TELEMETRY_TRACES_FILE="/y/spans").log_file is None
    assert settings.journal == Path("/home/x/journal")
    assert (read(TELEMETRY_TRACES_FILE="/y/spans").journal, read().journal) == (Path("/y/journal"), None)


def test_an_application_has_names_of_its_own() -> None:
    """Then no other prefix means anything, ours among them; what it chooses is what the environment is silent about."""
    env = {"SHOP_LOG_LEVEL": "debug", "TELEMETRY_LOG_LEVEL": "error", "TELEMETRY_HOME": "/x", "SYNC_LOG_FILE": "/y"}
    settings = TelemetrySettings.from_environment(
        {**env, "SHOP_REDACT_PATTERNS": r"a{1,3}\sb  c,d"},
        prefix="SHOP_",
        service_name="shop",
        home=Path("/shop"),
        context=["order"],
        excluded_urls=["/ping$"],
        redact_patterns=["voucher-[0-9]{8}"],
    )
    assert settings == TelemetrySettings(
        prefix="SHOP_",
        home=Path("/shop"),
        service_name="shop",
        log_level=10,
        log_file=Path("/shop/logs.jsonl"),
        traces_file=Path("/shop/traces.jsonl"),
        journal=Path("/shop/journal"),
        context=("order",),
        excluded_urls=("/ping$",),
        redact_patterns=("voucher-[0-9]{8}", r"a{1,3}\sb", "c,d"),
    )
    with pytest.raises(InvalidSettingError, match=r"^SHOP_LOG_FORMAT is 'xml': it must be one of console, json$"):
        TelemetrySettings.from_environment({"SHOP_LOG_FORMAT": "xml"}, prefix="SHOP_")


@pytest.mark.parametrize(
    ("env", "name"),
    [
        ({}, "shop"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "a=b, service.name=bakery"}, "bakery"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=caf%C3%A9%20au%20lait"}, "café au lait"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=bakery", "OTEL_SERVICE_NAME": "oven"}, "oven"),
    ],
)
def test_the_service_has_its_standard_name(env: dict[str, str], name: str) -> None:
    """The variable wins over the resource attribute, and both over what the application chooses."""
    assert TelemetrySettings.from_environment(env, service_name="shop").service_name == name


@pytest.mark.parametrize(
    ("env", "exporters"),
    [
        ({}, ()),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, ("otlp_proto_http",)),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317/"}, ("otlp_proto_grpc",)),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, ("otlp_proto_http",)),
        ({"OTEL_TRACES_EXPORTER": "console, otlp"}, ("console", "otlp_proto_http")),
        ({"OTEL_TRACES_EXPORTER": "otlp_proto_grpc"}, ("otlp_proto_grpc",)),
        ({"OTEL_TRACES_EXPORTER": "otlp,otlp_proto_grpc", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, ("otlp_proto_grpc",)),
        (
            {
                "OTEL_TRACES_EXPORTER": "otlp",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
                "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
            },
            ("otlp_proto_http",),
        ),
    ],
)
def test_spans_go_where_the_standard_names_say(env: dict[str, str], exporters: tuple[str, ...]) -> None:
    """An endpoint alone is enough; the most special name wins."""
    assert read(**env).traces_exporters == exporters


@pytest.mark.parametrize(
    ("parse", "good", "bad"),
    [
        (environment.count, {"0": 0, "7": 7}, ["-1", "1.5", "x"]),
        (environment.positive, {"1": 1, "7": 7}, ["0", "-1", "1.5"]),
        (environment.share, {"0": 0.0, "0.25": 0.25, "1": 1.0}, ["-0.1", "1.1", "nan", "x"]),
        (environment.seconds, {"0.5": 0.5, "7": 7.0}, ["0", "-1", "inf", "nan"]),
    ],
)
def test_a_number_is_read_within_its_bounds(parse: Callable[[str], float], good: dict[str, float], bad: list[str]) -> None:
    """And nothing beside."""
    assert {text: parse(text) for text in good} == good
    for text in bad:
        with pytest.raises(ValueError):  # noqa: PT011  # whoever asks says what it must be
            parse(text)


@pytest.mark.parametrize("address", ["http://c:0", "http://c:99999", "http://", "c:4318", "http://u:pass@:4318"])
def test_an_endpoint_that_nobody_can_listen_at_is_refused(address: str) -> None:
    """Without its password."""
    with pytest.raises(InvalidSettingError, match="it must be an address that starts with http") as caught:
        read(OTEL_EXPORTER_OTLP_ENDPOINT=address)
    assert "pass" not in str(caught.value)


def test_no_exporter_means_no_file_of_spans_either() -> None:
    """Lines are still written."""
    settings = read(TELEMETRY_HOME="/x", OTEL_TRACES_EXPORTER="None", OTEL_EXPORTER_OTLP_ENDPOINT="http://c:4318")
    assert (settings.traces_exporters, settings.traces_file, settings.log_file) == ((), None, Path("/x/logs.jsonl"))
    assert settings.journal is None


@pytest.mark.parametrize("signal", ["TRACES", "METRICS"])
def test_a_signals_own_timeout_goes_before_the_general_one(signal: str) -> None:
    """In seconds, as this SDK has it; ours is shorter than its 10 when nobody says."""
    general, own = "OTEL_EXPORTER_OTLP_TIMEOUT", f"OTEL_EXPORTER_OTLP_{signal}_TIMEOUT"
    found = [
        getattr(read(**env), f"{signal.lower()}_timeout")
        for env in ({}, {general: "7"}, {general: "7", own: "0.5"}, {own: "0.5"})
    ]
    assert found == [2.0, 7.0, 0.5, 0.5]


def test_the_sdk_reads_a_timeout_in_seconds_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Should it turn to the specification's milliseconds, so must we."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "7")
    exporter = OTLPSpanExporter()
    assert exporter._client._timeout == 7
    exporter.shutdown()  # type: ignore[no-untyped-call]  # the SDK has not typed it


def test_batches_are_as_the_standard_names_say() -> None:
    """Otherwise a burst fits; a small queue has small batches."""
    assert read().batching == Batching(queue_size=65_536, batch_size=2_048, delay_ms=500)
    assert read(OTEL_BSP_MAX_QUEUE_SIZE="100", OTEL_BSP_SCHEDULE_DELAY="9").batching == Batching(
        queue_size=100, batch_size=100, delay_ms=9
    )
    assert read(OTEL_BSP_MAX_EXPORT_BATCH_SIZE="7").batching.batch_size == 7


def test_hosts_are_had_as_addresses_have_them() -> None:
    """By name, also of this machine alone, or by number."""
    hosts = read(TELEMETRY_PROPAGATE_TO="Stock.shop.example, stock, 10.0.0.1, ::1, fe80::A").propagate_to
    assert hosts == {"stock.shop.example", "stock", "10.0.0.1", "::1", "fe80::a"}


def test_our_own_names_are_read() -> None:
    """In any case of letters, where they are words."""
    settings = read(
        TELEMETRY_LOG_FORMAT="Console",
        TELEMETRY_LOG_LEVEL="warning",
        TELEMETRY_LOG_ROTATE_BYTES="0",
        TELEMETRY_PROPAGATE_TO="A.example, b,",
        TELEMETRY_TRUST_FROM="10.0.0.0/8, ::1",
    )
    assert (settings.log_format, settings.log_level, settings.rotate_bytes) == ("console", 30, 0)
    assert settings.propagate_to == {"a.example", "b"}
    assert settings.trust_from == (ip_network("10.0.0.0/8"), ip_network("::1/128"))
    assert read(TELEMETRY_LOG_LEVEL="off").log_level == OFF
    assert read(OTEL_SDK_DISABLED="TRUE").disabled


def test_requests_are_excluded_by_the_standard_names_first() -> None:
    """Django's own before the general one, and that before what the application chooses."""
    django, general = "OTEL_PYTHON_DJANGO_EXCLUDED_URLS", "OTEL_PYTHON_EXCLUDED_URLS"
    found = [
        TelemetrySettings.from_environment(env, excluded_urls=["c"]).excluded_urls
        for env in ({django: "a,b", general: "x"}, {general: "x"}, {})
    ]
    assert found == [("a", "b"), ("x",), ("c",)]


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("TELEMETRY_LOG_FORMAT", "xml", "console, json"),
        ("TELEMETRY_REDACT_PATTERNS", "(", "separated by blanks"),
        ("TELEMETRY_LOG_LEVEL", "loud", "debug, info, warning, error, critical, off"),
        ("TELEMETRY_LOG_ROTATE_BYTES", "64MB", "a whole number of bytes"),
        ("TELEMETRY_LOG_ROTATE_BYTES", "-1", "0 or more"),
        ("TELEMETRY_TRUST_FROM", "gateway.example", "addresses or networks such as 10.0.0.0/8"),
        ("TELEMETRY_TRUST_FROM", "10.1.2.3/8", "addresses or networks such as 10.0.0.0/8"),
        ("TELEMETRY_PROPAGATE_TO", "https://stock.shop.example/", "hosts' names such as stock.shop.example, without scheme"),
        ("TELEMETRY_PROPAGATE_TO", "stock.shop.example:8080", "hosts' names such as stock.shop.example, without scheme"),
        ("TELEMETRY_PROPAGATE_TO", "*.shop.example", "hosts' names such as stock.shop.example, without scheme"),
        ("TELEMETRY_PROPAGATE_TO", "[::1]", "hosts' names such as stock.shop.example, without scheme"),
        ("OTEL_SDK_DISABLED", "yes", "true, false"),
        ("OTEL_TRACES_EXPORTER", "zipkin", "nothing provides zipkin here: install opentelemetry-exporter-zipkin"),
        ("OTEL_TRACES_EXPORTER", "carrier_pigeon", "install its package, or choose from console, otlp"),
        ("OTEL_TRACES_EXPORTER", "none,otlp", "none alone"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "grpc, http/protobuf"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", "http:// or https://"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://[", "http:// or https://"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "many", "0 or more"),
        ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "unset", "0 or more"),
        ("OTEL_PROPAGATORS", "tracecontext,,baggage", "one comma between two"),
        ("OTEL_PROPAGATORS", ",", "one comma between two"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "2s", "a number of seconds above 0"),
        ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "0", "a number of seconds above 0"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "brotli", "none, gzip, deflate"),
        ("OTEL_METRICS_EXPORTER", "prometheus", "install opentelemetry-exporter-prometheus"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "1m", "a number of milliseconds above 0"),
        ("OTEL_METRIC_EXPORT_TIMEOUT", "0", "a number of milliseconds above 0"),
        ("OTEL_METRICS_EXEMPLAR_FILTER", "sometimes", "one of trace_based, always_on, always_off"),
        ("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "process,dice", "nothing provides dice here: install its package"),
        ("OTEL_PYTHON_TRACER_PROVIDER", "dice", "choose from default_tracer_provider"),
        ("OTEL_PYTHON_METER_PROVIDER", "dice", "choose from default_meter_provider"),
        ("OTEL_TRACES_SAMPLER", "sometimes", "always_on"),
        ("OTEL_PROPAGATORS", "tracecontext,b3", "nothing provides b3 here: install opentelemetry-propagator-b3"),
        ("OTEL_PYTHON_ID_GENERATOR", "dice", "choose from random"),
        ("OTEL_PYTHON_EXCLUDED_URLS", "(", "regular expressions"),
        ("OTEL_PYTHON_DJANGO_EXCLUDED_URLS", "a,b(", "regular expressions"),
        ("OTEL_PYTHON_REQUESTS_EXCLUDED_URLS", "(", "regular expressions"),
        ("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST", "*", "regular expressions"),
        ("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_RESPONSE", "[", "regular expressions"),
        ("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS", "x-(", "regular expressions"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0", "a whole number above 0"),
        ("OTEL_BSP_SCHEDULE_DELAY", "soon", "a whole number of milliseconds above 0"),
    ],
)
def test_a_wrong_value_is_an_error_that_says_what_is_allowed(name: str, value: str, allowed: str) -> None:
    """It names the variable and the value."""
    with pytest.raises(InvalidSettingError) as error:
        read(**{name: value})
    assert str(error.value).startswith(f"{name} is {value!r}: ")
    assert allowed in str(error.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_METRIC_EXPORT_INTERVAL", "60000.0"),
        ("OTEL_METRICS_EXEMPLAR_FILTER", "always_off"),
        ("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "process,*,otel"),
        ("OTEL_PYTHON_TRACER_PROVIDER", "sdk_tracer_provider"),
        ("OTEL_PYTHON_EXCLUDED_URLS", "(?i)health,ready$"),
    ],
)
def test_what_the_sdk_reads_is_taken(name: str, value: str) -> None:
    """Also where it reads more than the specification says."""
    assert read(**{name: value})


@pytest.mark.parametrize(
    ("choices", "cure"),
    [
        ({"prefix": ""}, "prefix is '': it must be letters that end with an underscore, such as SHOP_"),
        ({"prefix": "SHOP"}, "prefix is 'SHOP': it must be letters that end with an underscore, such as SHOP_"),
        ({"prefix": None}, "prefix is None: it must be letters that end with an underscore, such as SHOP_"),
        ({"home": "var"}, "home is 'var': it must be a pathlib.Path, such as Path('var')"),
        ({"context": "order"}, "context is 'order': it must be a list of texts, such as ['order']"),
        ({"excluded_urls": "/healthz$"}, "excluded_urls is '/healthz$': it must be a list of texts, such as ['/healthz$']"),
        ({"excluded_urls": ["("]}, "excluded_urls is '(': it must be regular expressions"),
        ({"redact_patterns": "abc"}, "redact_patterns is 'abc': it must be a list of texts, such as ['abc']"),
        ({"context": 7}, "context is 7: it must be a list of texts, such as ['7']"),
    ],
    ids=str,
)
def test_a_wrong_choice_is_an_error_that_says_what_is_right(choices: dict[str, Any], cure: str) -> None:
    """A text is a sequence of its letters to every type checker, and without a prefix HOME would be the user's own."""
    with pytest.raises(InvalidSettingError) as error:
        TelemetrySettings.from_environment({}, **choices)
    assert str(error.value) == cure


def test_a_misspelt_choice_is_answered_with_the_right_one() -> None:
    """As a call answers an argument that it does not have; what is a variable is said to be one."""
    choices: dict[str, Any] = {"servicename": "shop"}
    with pytest.raises(
        TypeError, match=r"no choice 'servicename' \(did you mean 'service_name'\?\): there are prefix, .*LOG_LEVEL"
    ):
        TelemetrySettings.from_environment({}, **choices)


def test_every_choice_may_be_made() -> None:
    """Each as its type has it, a folder that is not known as None."""
    choices: dict[str, Any] = {"home": None, "context": ("order",), "excluded_urls": ["^/healthz$"], "resource": {"a": "b"}}
    settings = TelemetrySettings.from_environment({}, prefix="SHOP_", service_name="shop", redact_patterns=["x"], **choices)
    assert (settings.home, settings.context, settings.excluded_urls) == (None, ("order",), ("^/healthz$",))


def test_a_batch_is_no_larger_than_its_queue() -> None:
    """The SDK would end the program with a traceback."""
    with pytest.raises(InvalidSettingError, match=r"OTEL_BSP_MAX_EXPORT_BATCH_SIZE is '9': .*QUEUE_SIZE \(8\)"):
        read(OTEL_BSP_MAX_QUEUE_SIZE="8", OTEL_BSP_MAX_EXPORT_BATCH_SIZE="9")


@pytest.mark.parametrize("text", ["0", "12", " 3 ", "-1", "unset", "none", "1e3", "1_000", "1.0", "٣", "9" * 30])
def test_a_limit_is_right_or_wrong_as_the_sdk_reads_it(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What we let pass, it can make a provider with."""
    monkeypatch.setenv("OTEL_SPAN_EVENT_COUNT_LIMIT", text)
    assert _is_taken(lambda: read(OTEL_SPAN_EVENT_COUNT_LIMIT=text)) is _is_taken(SpanLimits)


def _is_taken(make: Callable[[], object]) -> bool:
    try:
        make()
    except ValueError:
        return False
    return True


@pytest.fixture
def _without_exporters(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation that has the SDK alone."""

    def none_of_otlp(*, group: str, name: str | None = None) -> list[EntryPoint]:
        found = entry_points(group=group)
        return [one for one in found if one.name == (name or one.name) and not one.name.startswith("otlp")]

    monkeypatch.setattr("importlib.metadata.entry_points", none_of_otlp)


@pytest.mark.usefixtures("_without_exporters")
def test_an_endpoint_without_an_exporter_says_what_to_install() -> None:
    """Instead of a traceback from an import; the password in the address is not repeated."""
    with pytest.raises(InvalidSettingError) as error:
        read(OTEL_EXPORTER_OTLP_ENDPOINT="http://me:hunter2@collector:4318")
    assert "install opentelemetry-exporter-otlp-proto-http" in str(error.value)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-vendor-team: hunter2"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-vendor-team=good,hunter2"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "me:hunter2@collector:4318"),
    ],
)
def test_a_wrong_value_that_may_be_a_secret_is_not_repeated(name: str, value: str) -> None:
    """Nor is it left to the SDK, which logs headers that it cannot read, with a vendor's key in them."""
    with pytest.raises(InvalidSettingError) as error:
        read(**{name: value})
    assert name in str(error.value)
    assert "hunter2" not in str(error.value)


def test_every_header_that_the_sdk_reads_is_possible() -> None:
    """One or several, encoded or not."""
    text = "x-vendor-team=abc, authorization=Basic%20dTpw,api-key = a b=c:d/e"
    assert len(parse_env_headers(text, liberal=True)) == 3
    read(OTEL_EXPORTER_OTLP_HEADERS=text)


@pytest.mark.parametrize("share", ["a half", "2", "-0.1"])
def test_a_share_of_traces_is_from_0_to_1(share: str) -> None:
    """The SDK would take all of them after a warning."""
    with pytest.raises(InvalidSettingError, match=r"OTEL_TRACES_SAMPLER_ARG is .*from 0 to 1"):
        read(OTEL_TRACES_SAMPLER="parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG=share)


@pytest.mark.parametrize(
    ("env", "exporters"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, ()),
        ({"OTEL_METRICS_EXPORTER": "none"}, ()),
        ({"OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317"}, ("otlp_proto_grpc",)),
        (
            {"OTEL_METRICS_EXPORTER": "console,otlp", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "grpc"},
            ("console", "otlp_proto_grpc"),
        ),
    ],
)
def test_metrics_go_nowhere_unless_they_are_asked_for(env: dict[str, str], exporters: tuple[str, ...]) -> None:
    """An endpoint alone is not enough."""
    assert read(**env).metrics_exporters == exporters
