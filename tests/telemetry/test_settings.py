"""The environment's settings are read once, standard names first, and what is wrong is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from opentelemetry.util.re import parse_env_headers

from telemetry.settings import OFF, InvalidSettingError, TelemetrySettings


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


@pytest.mark.parametrize(
    ("env", "name"),
    [
        ({}, "synctrace"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "a=b, service.name=bakery"}, "bakery"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=bakery", "OTEL_SERVICE_NAME": "oven"}, "oven"),
    ],
)
def test_the_service_has_its_standard_name(env: dict[str, str], name: str) -> None:
    """The variable wins over the resource attribute."""
    assert read(**env).service_name == name


@pytest.mark.parametrize(
    ("env", "exporters", "protocol"),
    [
        ({}, (), "http/protobuf"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, ("otlp",), "http/protobuf"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317/"}, ("otlp",), "grpc"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, ("otlp",), "http/protobuf"),
        ({"OTEL_TRACES_EXPORTER": "console, otlp"}, ("console", "otlp"), "http/protobuf"),
        ({"OTEL_TRACES_EXPORTER": "otlp_proto_grpc"}, ("otlp",), "grpc"),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, ("otlp",), "grpc"),
        (
            {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"},
            (),
            "http/protobuf",
        ),
    ],
)
def test_spans_go_where_the_standard_names_say(env: dict[str, str], exporters: tuple[str, ...], protocol: str) -> None:
    """An endpoint alone is enough; the most special name wins."""
    settings = read(**env)
    assert (settings.traces_exporters, settings.otlp_protocol) == (exporters, protocol)


def test_no_exporter_means_no_file_of_spans_either() -> None:
    """Lines are still written."""
    settings = read(TELEMETRY_HOME="/x", OTEL_TRACES_EXPORTER="none", OTEL_EXPORTER_OTLP_ENDPOINT="http://c:4318")
    assert (settings.traces_exporters, settings.traces_file, settings.log_file) == ((), None, Path("/x/logs.jsonl"))


def test_our_own_names_are_read() -> None:
    """In any case of letters, where they are words."""
    settings = read(
        TELEMETRY_LOG_FORMAT="Console",
        TELEMETRY_LOG_LEVEL="warning",
        TELEMETRY_LOG_ROTATE_BYTES="0",
        TELEMETRY_PROPAGATE_TO="A.example, b,",
    )
    assert (settings.log_format, settings.log_level, settings.rotate_bytes) == ("console", 30, 0)
    assert settings.propagate_to == {"a.example", "b"}
    assert read(TELEMETRY_LOG_LEVEL="off").log_level == OFF
    assert read(OTEL_SDK_DISABLED="TRUE").disabled


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("TELEMETRY_LOG_FORMAT", "xml", "console, json"),
        ("TELEMETRY_LOG_LEVEL", "loud", "debug, info, warning, error, critical, off"),
        ("TELEMETRY_LOG_ROTATE_BYTES", "64MB", "a whole number of bytes"),
        ("TELEMETRY_LOG_ROTATE_BYTES", "-1", "0 or more"),
        ("OTEL_SDK_DISABLED", "yes", "true, false"),
        ("OTEL_TRACES_EXPORTER", "zipkin", "none, or some of otlp"),
        ("OTEL_TRACES_EXPORTER", "none,otlp", "none, or some of otlp"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "grpc, http/protobuf"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", "http:// or https://"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://[", "http:// or https://"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "many", "0 or more"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "2s", "a number of seconds"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "brotli", "none, gzip, deflate"),
        ("OTEL_METRICS_EXPORTER", "prometheus", "none, or some of otlp"),
        ("OTEL_TRACES_SAMPLER", "sometimes", "always_on, always_off, traceidratio"),
    ],
)
def test_a_wrong_value_is_an_error_that_says_what_is_allowed(name: str, value: str, allowed: str) -> None:
    """It names the variable and the value."""
    with pytest.raises(InvalidSettingError) as error:
        read(**{name: value})
    assert name in str(error.value)
    assert repr(value) in str(error.value)
    assert allowed in str(error.value)


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
    with pytest.raises(InvalidSettingError, match=r"OTEL_TRACES_SAMPLER_ARG=.*from 0 to 1"):
        read(OTEL_TRACES_SAMPLER="parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG=share)


@pytest.mark.parametrize(
    ("env", "exporters", "protocol"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, (), "http/protobuf"),
        ({"OTEL_METRICS_EXPORTER": "none"}, (), "http/protobuf"),
        ({"OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317"}, ("otlp",), "grpc"),
        ({"OTEL_METRICS_EXPORTER": "console", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "grpc"}, ("console",), "grpc"),
    ],
)
def test_metrics_go_nowhere_unless_they_are_asked_for(
    env: dict[str, str], exporters: tuple[str, ...], protocol: str
) -> None:
    """An endpoint alone is not enough."""
    settings = read(**env)
    assert (settings.metrics_exporters, settings.metrics_protocol) == (exporters, protocol)
