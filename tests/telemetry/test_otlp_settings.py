"""What OTLP's exporters read of the environment: each value is taken as they take it, or is one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from grpc import Compression
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.util.re import parse_env_headers

from telemetry._export import exporters
from telemetry._export.sending import GrpcSender
from telemetry.reading import read_spans
from telemetry.settings import InvalidSettingError, TelemetrySettings
from tests.telemetry.otlp import receiver
from tests.telemetry.test_processes import run

GRPC = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
HTTP = {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}


def _problem(env: dict[str, str]) -> str | None:
    try:
        TelemetrySettings.from_environment(env)
    except InvalidSettingError as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    ("env", "is_taken"),
    [
        (HTTP | {"OTEL_EXPORTER_OTLP_ENDPOINT": "HTTPS://c:4318/base"}, True),
        (HTTP | {"OTEL_EXPORTER_OTLP_ENDPOINT": "c:4317"}, False),
        (HTTP | {"OTEL_EXPORTER_OTLP_ENDPOINT": "ftp://c:4318"}, False),
        (GRPC | {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317"}, True),
        (GRPC | {"OTEL_EXPORTER_OTLP_ENDPOINT": "c:4317", "OTEL_EXPORTER_OTLP_INSECURE": "True"}, True),
        (GRPC | {"OTEL_EXPORTER_OTLP_ENDPOINT": "grpc://c:4317"}, False),
        (GRPC | {"OTEL_EXPORTER_OTLP_ENDPOINT": "c:0"}, False),
        (GRPC | {"OTEL_EXPORTER_OTLP_ENDPOINT": "c:port"}, False),
        ({"OTEL_TRACES_EXPORTER": "otlp_proto_grpc", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "c:1"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "c:1"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "c:4317"}, True),
        (HTTP | {"OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "Deflate"}, True),
        (GRPC | {"OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "deflate"}, False),
        (GRPC | {"OTEL_EXPORTER_OTLP_METRICS_COMPRESSION": "None"}, True),
        (HTTP | {"OTEL_EXPORTER_OTLP_TRACES_INSECURE": "maybe"}, False),
        (HTTP | {"OTEL_EXPORTER_OTLP_HEADERS": "a=caf%C3%A9,b="}, True),
        (GRPC | {"OTEL_EXPORTER_OTLP_HEADERS": "a=caf%C3%A9"}, False),
        (HTTP | {"OTEL_EXPORTER_OTLP_HEADERS": "a=%C4%8D"}, False),
        (HTTP | {"OTEL_EXPORTER_OTLP_HEADERS": "a=b%0Ac"}, False),
        ({"OTEL_PYTHON_EXPORTER_OTLP_HTTP_TRACES_CREDENTIAL_PROVIDER": "vault"}, False),
        ({"OTEL_PYTHON_EXPORTER_OTLP_GRPC_CREDENTIAL_PROVIDER": "vault"}, False),
    ],
)
def test_a_value_is_taken_by_the_exporter_that_reads_it(env: dict[str, str], is_taken: bool) -> None:
    """Of its protocol, which may be named by the exporter; otherwise it would be found when spans are lost, or never."""
    problem = _problem(env)
    assert (problem is None) is is_taken, problem
    assert problem is None or any(problem.startswith(f"{name} is ") for name in env)


@pytest.mark.parametrize("value", [chr(code) for code in range(0x100)] + ["č", "a b", '"', "a;b", "\\"])
def test_a_header_s_value_is_possible_if_the_sdk_reads_it(value: str) -> None:
    """What it cannot read it logs, with the key in it, and sends nothing."""
    text = f"x-team=a{value}b"
    is_read = "," not in text and len(parse_env_headers(text, liberal=True)) == 1
    problem = _problem({"OTEL_EXPORTER_OTLP_HEADERS": text})
    assert (problem is None) is is_read or value == ",", problem


@pytest.mark.parametrize("kind", ["CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY"])
@pytest.mark.parametrize("part", ["", "TRACES_", "METRICS_"])
def test_a_file_that_is_not_there_is_said(kind: str, part: str, tmp_path: Path) -> None:
    """A signal's own is read in place of the general one; a folder of authorities is for HTTP alone."""
    name = f"OTEL_EXPORTER_OTLP_{part}{kind}"
    (tmp_path / "x.pem").touch()
    there, gone = str(tmp_path / "x.pem"), str(tmp_path / "gone.pem")
    assert _problem({name: there}) is None
    assert _problem({name: gone}) == f"{name} is {gone!r}: it must be a file that can be read"
    assert (_problem({name: str(tmp_path)}) is None) is (kind == "CERTIFICATE")
    assert _problem({name: str(tmp_path), **GRPC}) is not None
    own = {f"OTEL_EXPORTER_OTLP_{signal}_{kind}": there for signal in ("TRACES", "METRICS")}
    assert _problem({f"OTEL_EXPORTER_OTLP_{kind}": gone, **own}) is None


def test_a_key_that_was_pasted_in_place_of_its_file_is_not_repeated() -> None:
    """It is a secret all the same."""
    pasted = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0\n-----END PRIVATE KEY-----"
    problem = _problem({"OTEL_EXPORTER_OTLP_CLIENT_KEY": pasted})
    assert problem is not None
    assert "MIIE" not in problem


@pytest.mark.parametrize(
    ("general", "own", "compression"),
    [
        ("", "", Compression.NoCompression),
        ("none", "", Compression.NoCompression),
        ("gzip", "", Compression.Gzip),
        ("gzip", "None", Compression.NoCompression),
        ("none", "gzip", Compression.Gzip),
    ],
)
def test_grpc_compresses_as_it_is_asked_to(
    general: str, own: str, compression: Compression, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or not, which its exporters have no word for: `none` ended them with an error."""
    for part, value in (("", general), ("TRACES_", own), ("METRICS_", own)):
        if value:
            monkeypatch.setenv(f"OTEL_EXPORTER_OTLP_{part}COMPRESSION", value)
    made: list[Any] = []

    def make(**options: Any) -> Any:
        made.append(OTLPSpanExporter(**options))
        return made[-1]

    GrpcSender(make, timeout=1.0).close()
    metrics = exporters.make_exporter("opentelemetry_metrics_exporter", "otlp_proto_grpc", 1.0)
    assert isinstance(metrics, OTLPMetricExporter)
    metrics.shutdown()
    made.append(metrics)
    assert [one._compression for one in made] == [compression] * 2


SALE = """
sell()
assert telemetry.flush()
"""


def test_blanks_around_a_value_are_no_part_of_it(tmp_path: Path) -> None:
    """As of a line end in a secret's file: the SDK took every trace for this sampler, and sent none to this endpoint."""
    with receiver() as collector:
        names = {"OTEL_EXPORTER_OTLP_ENDPOINT": f" {collector.url}\n", "OTEL_TRACES_SAMPLER": "always_on\n"}
        run(SALE, tmp_path / "on", **names)
        assert [span.name for span in collector.spans()] == ["shop.sale"]
        run(SALE, tmp_path / "off", OTEL_TRACES_SAMPLER=" always_off ")
    assert not (tmp_path / "off" / "traces.jsonl").exists() or read_spans(tmp_path / "off" / "traces.jsonl") == []
