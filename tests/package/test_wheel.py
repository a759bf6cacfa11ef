"""The wheel, as somebody installs it for a Django and Celery project of their own."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement

from telemetry.reading import draw
from tests.acceptance.worker import wait_until
from tests.package.environments import CHECKOUT, build, repack, with_dependencies
from tests.package.shop import Environment, Shop, readme_samples

THEIRS: Final = ("celery[redis]", "django", "requests")
OURS: Final = ("synctrace[celery,django,requests]", "synctrace[otlp]", "synctrace[pytest]")
ORDERS: Final = 20
MOST_PACKAGES: Final = 20
MOST_MEGABYTES: Final = 40


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """A fresh environment that needs no network: our wheel, and those of all that is installed here, are at hand."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    build(wheels)
    for installed in with_dependencies(map(Requirement, THEIRS + OURS)).values():
        repack(installed, wheels)
    made = Environment(folder=tmp_path / "environment", wheels=wheels)
    made.make()
    return made


@pytest.fixture
def shop(environment: Environment, broker_url: str, tmp_path: Path) -> Shop:
    """A project that is not made yet."""
    return Shop(python=environment.python, folder=tmp_path / "project", broker_url=broker_url)


def test_the_wheel_is_telemetry_alone(tmp_path: Path) -> None:
    """Every file of telemetry is in it, and nothing of the application or of the tests."""
    with zipfile.ZipFile(build(tmp_path)) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    files = {path.relative_to(CHECKOUT) for path in (CHECKOUT / "telemetry").rglob("*") if path.is_file()}
    assert names == {str(file) for file in files if file.parent.name != "__pycache__"}


@pytest.mark.timeout(400)  # on one busy core
@pytest.mark.slow
def test_a_project_of_somebody_else_is_traced(
    environment: Environment, shop: Shop, record_property: Callable[[str, object], None]
) -> None:
    """A project with Celery, Django and requests of its own stays small, and traces tasks, requests and its own tests."""
    environment.install(*THEIRS, compiled=False)
    record_property("installed", _installed_telemetry(environment))
    shop.make()
    _tasks_are_traced(shop)
    _requests_are_traced(shop)
    environment.install(OURS[2])
    _tests_capture(shop)


def _installed_telemetry(environment: Environment) -> str:
    """Install telemetry, first without a network exporter, and return what that adds."""
    theirs, their_megabytes = environment.packages(), environment.megabytes()
    environment.install(OURS[0])
    instrumented, small = environment.packages() - theirs, environment.megabytes() - their_megabytes
    environment.install(OURS[1])
    exporting, large = environment.packages() - theirs, environment.megabytes() - their_megabytes
    assert instrumented < MOST_PACKAGES
    assert large < MOST_MEGABYTES
    return (
        f"telemetry adds {instrumented} packages, {small:.1f} MB to a project with Celery, Django and requests "
        f"({exporting} packages, {large:.1f} MB with the extra otlp)"
    )


def _tasks_are_traced(shop: Shop) -> None:
    """A prefork worker, whose children end after a few tasks, writes the lines and spans of every task."""
    with shop.started("-m", "celery", "-A", "shop", "worker", "-c", "2", "--max-tasks-per-child", "5") as worker:
        shop.run("-c", f"import shop\nfor n in range({ORDERS}): shop.celery.ship_later.delay(str(n))")
        wait_until(lambda: shop.events().count("shop.ship.completed") == ORDERS)
        worker.terminate()
        assert worker.wait(30) == 0
    assert shop.events().count("shop.ship.started") == ORDERS
    one = "apply_async/shop.celery.ship_later\n  run/shop.celery.ship_later\n    shop.ship completed"
    assert draw(shop.spans()) == "\n".join([one] * ORDERS)


def _requests_are_traced(shop: Shop) -> None:
    """Django's handler makes a span of a request."""
    code = (
        "import django; django.setup(); from django.test import Client; Client(headers={'host': 'localhost'}).get('/admin/')"
    )
    before = len(shop.spans())
    shop.run("-c", code)
    assert [span.name for span in shop.spans()[before:]] == ["GET admin/"]


def _tests_capture(shop: Shop) -> None:
    """The README's test runs without a word of configuration: the plugin comes with the wheel."""
    (shop.folder / "test_shop.py").write_text("\n\n".join(readme_samples()))
    shop.run("-m", "pytest", "-q", "test_shop.py")
