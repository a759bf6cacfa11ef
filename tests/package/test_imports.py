"""Every import is covered by a dependency or an extra."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import Distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.package.environments import CHECKOUT, link, locked, required, with_dependencies

_DEMO = ("apps.embedded", "apps.github_simulator")
_SHIP = """
import io
import telemetry, telemetry.testing
from telemetry.model import Operation, Result

class Shipped(Result): pass
class Ship(Operation[Shipped], name="shop.ship"): pass

telemetry.configure(stream=io.StringIO())
with telemetry.testing.capturing() as capture, telemetry.observe(Ship()) as shipping:
    shipping.completed(Shipped())
print(capture.tree())
"""


def _run(code: str, *, distributions: dict[str, Distribution], ours: Sequence[str], folder: Path, **environment: str) -> str:
    """Run `code` where nothing is installed but `distributions`, with `ours` of the checkout."""
    link(distributions.values(), folder)
    for name in ours:
        (folder / name).symlink_to(CHECKOUT / name)
    result = subprocess.run(
        [sys.executable, "-S", "-W", "error", "-c", code],
        cwd=folder.parent,
        env={"PYTHONPATH": str(folder), "HOME": str(folder.parent), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def _run_in_production(code: str, folder: Path) -> str:
    """Run `code` with what the production image installs, on servers that do not answer."""
    found = with_dependencies(locked("requirements-app.lock"))
    environment = {
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none",
        "CELERY_BROKER_URL": "redis://127.0.0.1:9/0",
        "SYNCTRACE_HOME": str(folder / "home"),
        "DJANGO_SETTINGS_MODULE": "apps.config.settings",
    }
    return _run(code, distributions=found, ours=("telemetry", "apps"), folder=folder / "site", **environment)


@pytest.mark.parametrize("extras", [(), ("celery",), ("django",), ("requests",), ("otlp",), ("grpc",)], ids=str)
def test_telemetry_runs_with_any_extra_alone(extras: tuple[str, ...], tmp_path: Path) -> None:
    """Without Celery, Django, requests or a network exporter, operations are observed, written and captured."""
    found = with_dependencies(required(*extras))
    assert _run(_SHIP, distributions=found, ours=("telemetry",), folder=tmp_path / "site") == "shop.ship completed\n"


@pytest.mark.parametrize(
    ("module", "extra", "there", "missing"),
    [
        ("telemetry.celery", "celery", (), "wrapt"),
        ("telemetry.celery", "celery", ("wrapt",), "celery"),
        ("telemetry.django", "django", (), "django"),
        ("telemetry.django", "django", ("django",), "wrapt"),
        ("telemetry.requests", "requests", ("requests",), "wrapt"),
        ("telemetry.requests", "requests", ("requests", "wrapt"), "opentelemetry.instrumentation"),
        ("telemetry.pytest_plugin", "pytest", (), "pytest"),
    ],
)
def test_what_needs_an_extra_says_how_to_install_it(
    module: str, extra: str, there: tuple[str, ...], missing: str, tmp_path: Path
) -> None:
    """Whatever part of it is there already, as wrapt comes with other packages, too."""
    code = f"""
try:
    import {module}
except ModuleNotFoundError as error:
    print(error)
"""
    found = with_dependencies([*required(), *map(Requirement, there)])
    said = _run(code, distributions=found, ours=("telemetry",), folder=tmp_path / "site")
    assert said == f"{module} needs {missing}: pip install 'synctrace[{extra}]'\n"


def test_telemetry_leaves_libraries_alone_whose_extra_is_not_there(tmp_path: Path) -> None:
    """Celery, Django and requests may be installed without what instruments them."""
    found = with_dependencies([*required(), *map(Requirement, ("celery", "django", "requests"))])
    assert "opentelemetry-instrumentation" not in found
    assert _run(_SHIP, distributions=found, ours=("telemetry",), folder=tmp_path / "site") == "shop.ship completed\n"


def test_production_needs_no_demo(tmp_path: Path) -> None:
    """What the image installs is enough for every module but those of the embedded servers and the simulator."""
    code = f"""
import django, importlib, pkgutil
import apps

django.setup()
for module in pkgutil.walk_packages(apps.__path__, "apps."):
    if not module.name.startswith({_DEMO!r}):
        importlib.import_module(module.name)
        print(module.name)
"""
    imported = _run_in_production(code, tmp_path).split()
    assert {"apps.config.wsgi", "apps.config.celery", "apps.integrations.tasks", "apps.console.web.home"} <= set(imported)


def test_production_says_what_the_simulator_needs(tmp_path: Path) -> None:
    """A command of the demo ends with a sentence, and not in a traceback."""
    code = """
from apps.config.command_line import run
try:
    run(["manage.py", "github_simulator", "--port", "0"])
except SystemExit as end:
    print(end)
"""
    said = _run_in_production(code, tmp_path)
    assert re.fullmatch(r"manage\.py: github_simulator needs \w+, of the extra `demo`: run `make demo` once, .*\n", said)


def test_the_lock_of_production_is_the_application_alone() -> None:
    """Every package of the production image is required by the extra `app`, and nothing of `demo` is in it."""
    app = with_dependencies(required("app"))
    assert {requirement.name for requirement in locked("requirements-app.lock")} == app.keys()
    demo = {requirement.name for requirement in required("demo")} - {requirement.name for requirement in required()}
    assert demo.isdisjoint(app)
    assert demo <= {requirement.name for requirement in locked("requirements.lock")}
