"""Every pinned version is the one of `versions.env`, wherever a tool wants it written again."""

from __future__ import annotations

import re

import pytest
import yaml

from deploy.programs import HERE, MANIFEST, versions

CHECKOUT = HERE.parent


@pytest.mark.parametrize(
    ("service", "image"),
    [
        ("otel-collector", "otel/opentelemetry-collector-contrib:{COLLECTOR}"),
        ("jaeger", "jaegertracing/jaeger:{JAEGER}"),
        ("postgres", "postgres:{POSTGRES}"),
        ("valkey", "valkey/valkey:{VALKEY}"),
    ],
)
def test_compose_runs_the_pinned_images(service: str, image: str) -> None:
    """Compose's images are those of the pinned versions."""
    compose = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())
    assert compose["services"][service]["image"] == image.format_map(versions())


def test_the_image_is_built_on_the_pinned_python() -> None:
    """The Dockerfile's default base is the pinned Python."""
    base = re.search(r"^ARG PYTHON_IMAGE=(.+)$", (CHECKOUT / "Dockerfile").read_text(), re.MULTILINE)
    assert base is not None
    assert base[1] == f"python:{versions()['PYTHON']}"


def test_the_collector_is_built_from_components_of_its_own_version() -> None:
    """The manifest's distribution and each of its modules have the version of the image and of the builder."""
    manifest = yaml.safe_load(MANIFEST.read_text())
    kinds = ("extensions", "receivers", "processors", "connectors", "exporters")
    modules = [component["gomod"].split(" ") for kind in kinds for component in manifest[kind]]
    assert manifest["dist"]["version"] == versions()["COLLECTOR"]
    assert {version for _, version in modules} == {f"v{versions()['COLLECTOR']}"}
