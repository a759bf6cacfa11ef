"""The collector's and Jaeger's configuration, as far as reading it tells; running it is the smoke test's part."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.programs import HERE, MANIFEST
from deploy.stack import Collector, Jaeger

COLLECTOR: dict[str, Any] = yaml.safe_load((HERE / "otel-collector.yaml").read_text())
KINDS = ("extensions", "receivers", "processors", "connectors", "exporters")

MODULES = {  # where a component's module is not named as its type with the kind behind it
    "file_log": "filelogreceiver",
    "file_storage": "filestorage",
    "health_check": "healthcheckextension",
    "otlp_grpc": "otlpexporter",
    "memory_limiter": "memorylimiterprocessor",
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_manifest_has_every_component_that_the_configuration_uses(kind: str) -> None:
    """The collector that is built here can run the configuration that the contrib image runs."""
    built = {component["gomod"].split(" ")[0].rsplit("/", 1)[1] for component in yaml.safe_load(MANIFEST.read_text())[kind]}
    types = {name.split("/")[0] for name in COLLECTOR[kind]}
    assert {MODULES.get(name, f"{name}{kind.removesuffix('s')}") for name in types} <= built


@pytest.mark.parametrize("kind", KINDS)
def test_every_component_is_used_and_every_used_one_configured(kind: str) -> None:
    """Nothing configured is left out of the service, and the service names nothing else."""
    service = COLLECTOR["service"]
    pipelines = service["pipelines"].values()
    parts = {
        "extensions": service["extensions"],
        "processors": [name for pipeline in pipelines for name in pipeline["processors"]],
        "ends": [name for pipeline in pipelines for end in ("receivers", "exporters") for name in pipeline[end]],
    }
    used = set(parts.get(kind, parts["ends"]))
    if kind not in parts:  # a connector is an exporter of one pipeline and a receiver of another
        others = {name for other in ("receivers", "connectors", "exporters") if other != kind for name in COLLECTOR[other]}
        used -= others
    assert used == COLLECTOR[kind].keys()


def test_spans_wait_on_disk_and_not_in_a_batch_processor() -> None:
    """What the collector has accepted survives its SIGKILL: it is in the exporter's queue, which never gives up."""
    exporter = COLLECTOR["exporters"]["otlp_grpc/jaeger"]
    assert exporter["sending_queue"]["storage"] == "file_storage"
    assert exporter["retry_on_failure"]["max_elapsed_time"] == 0
    pipelines = COLLECTOR["service"]["pipelines"]
    for pipeline in ("traces", "traces/jaeger"):
        assert [name for name in pipelines[pipeline]["processors"] if name.startswith("batch")] == []


def test_names_are_changed_on_the_way_to_jaeger_alone_and_after_redaction() -> None:
    """The files have spans as they were written, and no name is put together from what was not redacted."""
    pipelines = COLLECTOR["service"]["pipelines"]
    assert pipelines["traces"]["processors"] == ["memory_limiter", "transform/lift", "redaction", "transform/lower"]
    assert set(pipelines["traces"]["exporters"]) == {"file/traces", "forward/jaeger"}
    assert pipelines["traces/jaeger"] == {
        "receivers": ["forward/jaeger"],
        "processors": ["filter/jaeger", "transform/jaeger"],
        "exporters": ["otlp_grpc/jaeger"],
    }


def test_what_leaves_the_collector_was_redacted_on_its_way() -> None:
    """In each pipeline that others send to: what redaction cannot see is lifted before it, and lowered behind it."""
    pipelines = COLLECTOR["service"]["pipelines"]
    first = {name: each["processors"] for name, each in pipelines.items() if set(each["receivers"]) & {"otlp", "file_log"}}
    assert first.keys() >= {"traces", "logs"}
    assert [name for name, processors in first.items() if "redaction" not in processors] == []
    assert {processors[0] for processors in first.values()} == {"memory_limiter"}
    traces = first["traces"]
    assert traces.index("transform/lift") < traces.index("redaction") < traces.index("transform/lower")
    assert first["logs"].index("redaction") < first["logs"].index("transform/lines")
    inner = {name: each["receivers"] for name, each in pipelines.items() if name not in first}
    exported = {exporter for name in first for exporter in pipelines[name]["exporters"]}
    assert [name for name, receivers in inner.items() if not set(receivers) <= exported] == []


def test_lines_are_read_on_from_where_they_were_read_to() -> None:
    """The checkpoint is on disk, and so are files that were set aside meanwhile: a restart neither skips nor repeats."""
    reader = COLLECTOR["receivers"]["file_log"]
    assert reader["storage"] == "file_storage"
    assert reader["start_at"] == "beginning"
    assert [Path(pattern).name for pattern in reader["include"]] == ["logs.jsonl", "logs.jsonl.[0-9]*"]
    assert reader["retry_on_failure"] == {"enabled": True, "max_elapsed_time": 0}
    assert "file_storage" in COLLECTOR["service"]["extensions"]


def test_jaeger_acknowledges_only_what_it_has_written() -> None:
    """Jaeger's pipeline goes straight to its storage."""
    jaeger = yaml.safe_load((HERE / "jaeger.yaml").read_text())
    assert "processors" not in jaeger["service"]["pipelines"]["traces"]
    assert jaeger["extensions"]["jaeger_storage"]["backends"]["disk"]["badger"]["ephemeral"] is False


@pytest.mark.parametrize("exporter", ["file/traces", "file/logs"])
def test_a_restart_keeps_the_files(exporter: str) -> None:
    """The file exporter truncates its file when it starts, unless it rotates."""
    assert COLLECTOR["exporters"][exporter]["rotation"]


@pytest.mark.parametrize(
    "secret",
    [
        "ghp_" + "a1" * 18,
        "github_pat_" + "a1" * 20,
        "Authorization: Bearer " + "a1" * 20,
        "https://user:pass" + "@github.com/a/b",
        "access_token=" + "a1" * 10,
        '{"client_secret": "' + "a1" * 10 + '"}',
        "-----BEGIN RSA PRIVATE" + " KEY-----\nMIIE\n-----END RSA PRIVATE" + " KEY-----",
    ],
)
def test_the_second_line_of_defence_knows_a_secret(secret: str) -> None:
    """Each shape of secret is masked (the patterns are RE2's, of which Python's re understands these)."""
    assert any(_pattern(pattern).search(secret) for pattern in COLLECTOR["processors"]["redaction"]["blocked_values"])


@pytest.mark.parametrize(
    "text", ["/repos/{owner}/{repo}", "2026-01-01T00:00:00Z", "https://github.com/a/b", "a bearer of news"]
)
def test_the_second_line_of_defence_leaves_ordinary_values(text: str) -> None:
    """What a span or a line usually carries is not masked."""
    assert not any(_pattern(pattern).search(text) for pattern in COLLECTOR["processors"]["redaction"]["blocked_values"])


def test_the_local_stack_sets_every_address_and_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """On free ports and in its own folder, a local collector or Jaeger leaves no address or folder to a default."""
    monkeypatch.setattr("deploy.stack.jaeger_program", lambda: tmp_path / "jaeger")
    monkeypatch.setattr("deploy.stack.collector_program", lambda: tmp_path / "otelcol-contrib")
    jaeger = Jaeger(folder=tmp_path)
    collector = Collector(folder=tmp_path, lines=tmp_path, jaeger=jaeger)
    place = re.compile(r"\$\{env:(\w+(?:HOST|PORT|STORAGE|OUTPUT|LINES|JAEGER))\b")
    assert set(place.findall((HERE / "jaeger.yaml").read_text())) <= jaeger.environment.keys()
    assert set(place.findall((HERE / "otel-collector.yaml").read_text())) <= collector.environment.keys()


def _pattern(re2: str) -> re.Pattern[str]:
    return re.compile(re2.replace("[:space:]", r"\s").replace("[:alnum:]", "A-Za-z0-9"))


def test_jaeger_sends_no_traces_of_its_own() -> None:
    """They would go to a port at which nobody listens, and each look at its pages would leave warnings."""
    jaeger = yaml.safe_load((HERE / "jaeger.yaml").read_text())
    assert jaeger["extensions"]["jaeger_query"]["enable_tracing"] is False
