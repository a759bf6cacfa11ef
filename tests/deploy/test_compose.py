"""What docker-compose.yml promises, as far as reading it tells."""

from __future__ import annotations

import os
import re
import subprocess
from typing import Any

import pytest
import yaml

from deploy import prepare_volumes
from deploy.programs import HERE

TEXT = (HERE.parent / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]

WITHOUT_HEALTH_CHECK = {
    "volumes": "runs once",
    "migrate": "runs once",
    "first-account": "runs once",
    "collector-ready": "runs once",
    "demo": "runs once",
    "otel-collector": "its image has no shell and no program to ask with; `collector-ready` asks",
    "sync": "a command",
    "logs": "a command",
    "trace": "a command",
    "invite": "a command",
}


def test_every_port_is_published_on_the_loopback_address_alone() -> None:
    """Nothing of the stack can be reached from another machine."""
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert [port for port in ports if not re.fullmatch(r"127\.0\.0\.1:\$\{\w+:-\d+\}:\d+", port)] == []


def test_every_service_has_a_health_check_or_a_reason() -> None:
    """`docker compose up --wait` waits for what can be asked."""
    without = {name for name, service in SERVICES.items() if "healthcheck" not in service}
    assert without == WITHOUT_HEALTH_CHECK.keys() & SERVICES.keys()


def test_what_keeps_running_is_started_again_when_it_ends() -> None:
    """A service that is not a command and not run once has a restart policy."""
    kept = {name for name, service in SERVICES.items() if service.get("restart") == "unless-stopped"}
    assert kept == SERVICES.keys() - WITHOUT_HEALTH_CHECK.keys() | {"otel-collector"}


def test_what_containers_print_does_not_fill_the_disk() -> None:
    """Docker's default keeps every line for ever."""
    assert {name for name, service in SERVICES.items() if service["logging"] != {"driver": "local"}} == set()


def test_no_service_may_gain_privileges() -> None:
    """Every container runs with no-new-privileges, and all but the servers' own images without capabilities."""
    assert [name for name, service in SERVICES.items() if "no-new-privileges:true" not in service["security_opt"]] == []
    assert {name for name, service in SERVICES.items() if service.get("cap_drop") != ["ALL"]} == {"postgres", "valkey"}


def test_no_container_can_change_its_own_programs() -> None:
    """Every root file system is read-only: what is written goes to a volume or to memory."""
    assert [name for name, service in SERVICES.items() if service.get("read_only") is not True] == []


def test_every_named_volume_has_one_who_makes_it_writable() -> None:
    """A volume is given to its user at the first start, but for those whose image starts as root and does so itself."""
    given = {mount.split(":")[0] for mount in SERVICES["volumes"]["volumes"]}
    assert given == {*prepare_volumes.FOLDERS, "secrets"}
    assert COMPOSE["volumes"].keys() - given == {"postgres", "valkey"}


def test_every_image_that_is_built_has_a_name() -> None:
    """What was built by hand, with another network say, is found under the same name."""
    assert [name for name, service in SERVICES.items() if "build" in service and "image" not in service] == []


def _default(file: str, variable: str) -> str:
    """Return the default of a variable that a configuration reads."""
    (found,) = set(re.findall(rf"\$\{{env:{variable}:-([^}}]+)\}}", (HERE / file).read_text()))
    return str(found)


LISTENS = {
    "postgres": {5432},
    "valkey": {6379},
    "web": {8000},
    "github-simulator": {8010},
    "otel-collector": {
        int(_default("otel-collector.yaml", f"COLLECTOR_{each}_PORT")) for each in ("GRPC", "HTTP", "HEALTH", "METRICS")
    },
    "jaeger": {
        int(_default("jaeger.yaml", f"JAEGER_{each}_PORT")) for each in ("OTLP", "UI", "QUERY_GRPC", "HEALTH", "METRICS")
    },
}
"""The ports on which each service answers inside its container: its image's own, its command's, or its configuration's."""
MEANT = {
    ("DATABASE_URL", "postgres"): 5432,
    ("CELERY_BROKER_URL", "valkey"): 6379,
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "otel-collector"): int(_default("otel-collector.yaml", "COLLECTOR_HTTP_PORT")),
    ("COLLECTOR_JAEGER", "jaeger"): int(_default("jaeger.yaml", "JAEGER_OTLP_PORT")),
}
"""Which of them a variable means."""


def test_what_one_service_asks_another_listens_on() -> None:
    """Each `host:port` in the file names a port on which that service answers, and each variable the one that it means."""
    text = re.sub(r"^ *(?:image: |#).*$", "", TEXT, flags=re.MULTILINE)
    asked = set(re.findall(rf"(?<![\w.-])({'|'.join(LISTENS)}):(\d+)", text))
    assert {host for host, _ in asked} == {"postgres", "valkey", "otel-collector", "jaeger", "github-simulator"}
    assert {(host, port) for host, port in asked if int(port) not in LISTENS[host]} == set()
    environment = {**SERVICES["web"]["environment"], **SERVICES["otel-collector"]["environment"]}
    ports = {(name, host): int(environment[name].split(f"{host}:")[1].split("/")[0]) for name, host in MEANT}
    assert ports == MEANT


def test_a_published_port_leads_to_where_its_service_listens() -> None:
    """Under the same number unless somebody chooses another, so that what a page or a document says is true."""
    for name, service in SERVICES.items():
        for published in service.get("ports", []):
            ((default, inside),) = re.findall(r"^127\.0\.0\.1:\$\{\w+:-(\d+)\}:(\d+)$", published)
            assert int(inside) in LISTENS[name], published
            assert default == inside, published


def test_a_service_is_asked_for_its_health_where_it_answers() -> None:
    """What a health check asks on the loopback address is its own service; others' are asked by name."""
    for name, service in SERVICES.items():
        own = re.findall(r"http://127\.0\.0\.1:(\d+)", str(service.get("healthcheck", "")))
        assert {port for port in own if int(port) not in LISTENS[name]} == set(), name
    (asked,) = re.findall(r"http://otel-collector:(\d+)", str(SERVICES["collector-ready"]["command"]))
    assert asked == _default("otel-collector.yaml", "COLLECTOR_HEALTH_PORT")
    assert f"127.0.0.1:{_default('jaeger.yaml', 'JAEGER_HEALTH_PORT')}/" in str(SERVICES["jaeger"]["healthcheck"])


@pytest.mark.parametrize(
    ("known", "address"),
    [
        ({"SYNCTRACE_WEB_URL": "", "SYNCTRACE_WEB_PORT": "8123"}, "http://127.0.0.1:8123"),
        ({"SYNCTRACE_WEB_URL": "https://sync.example.com", "SYNCTRACE_WEB_PORT": "8000"}, "https://sync.example.com"),
    ],
)
def test_the_web_prints_the_address_at_which_it_is_to_be_had(known: dict[str, str], address: str) -> None:
    """And then becomes the server, with all its arguments."""
    shell, option, script, name, server, *arguments = SERVICES["web"]["command"]
    command = [shell, option, script.replace("$$", "$"), name, "echo", *arguments]
    said = subprocess.run(command, env={"PATH": os.environ["PATH"], **known}, capture_output=True, text=True, check=True)
    assert server == "uvicorn"
    assert said.stdout.splitlines() == [
        f"The console, once this container is healthy: {address}",
        "What uvicorn says it runs on is inside the container alone.",
        " ".join(arguments),
    ]


def test_what_a_service_must_keep_is_on_a_volume() -> None:
    """Rows, messages, spans that wait, positions in files: each where that program writes it, and writable."""
    kept = {
        "postgres": "/var/lib/postgresql",
        "valkey": "/data",
        "jaeger": SERVICES["jaeger"]["environment"]["JAEGER_STORAGE"],
        "otel-collector": SERVICES["otel-collector"]["environment"]["COLLECTOR_STORAGE"],
        "worker": "/var/lib/synctrace",
    }
    for name, folder in kept.items():
        mounts = dict(
            mount.split(":", 1) for mount in SERVICES[name]["volumes"] if mount.split(":")[0] in COMPOSE["volumes"]
        )
        assert any(folder == at or folder.startswith(f"{at}/") for at in mounts.values() if not at.endswith(":ro")), name
    command = SERVICES["valkey"]["command"]
    assert command[command.index("--appendonly") + 1] == "yes"
    environment = SERVICES["otel-collector"]["environment"]
    lines = f"synctrace:{environment['COLLECTOR_LINES']}:ro"
    assert lines in SERVICES["otel-collector"]["volumes"]


@pytest.mark.parametrize(
    "file", ["docker-compose.yml", "Dockerfile", ".env.example", "deploy/otel-collector.yaml", "deploy/jaeger.yaml"]
)
def test_no_file_holds_a_secret(file: str) -> None:
    """A variable that is named like a secret is empty or names a file, and nothing has a secret's shape."""
    text = (HERE.parent / file).read_text()
    values = re.findall(r"^\W*[A-Z_]*(?:SECRET|PASSWORD|TOKEN|KEY)[A-Z_]*[:=][ \t]*(\S.*)$", text, re.MULTILINE)
    harmless = re.compile(r"\$\{\w+:-\}|/run/\S+|simulated .*|\.\.\. docker .*")
    assert [value for value in values if not harmless.fullmatch(value)] == []
    assert not re.search(r"\bgh[pousr]_\w{20}|github_pat_\w{20}|://[^/\s$:]+:[^/\s@{]+@", text)


def test_every_variable_that_compose_reads_is_in_the_example() -> None:
    """.env.example names each variable, with the default that it has."""
    example = dict(re.findall(r"^#(\w+)=(.*)$", (HERE.parent / ".env.example").read_text(), re.MULTILINE))
    read = re.findall(r"\$\{(\w+):?-([^}]*)\}", TEXT)
    assert {name for name, _ in read} == example.keys()
    assert [(name, default) for name, default in read if default not in ("", example[name])] == []
