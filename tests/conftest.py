"""Real servers for the tests: one PostgreSQL and one Valkey for each run, one database of each for every xdist worker."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections
from redis import Redis

from apps.config import environment
from apps.config.celery import app as celery_app
from apps.embedded import Servers, servers
from telemetry import pytest_plugin
from tests.explain.explained import unexplained_runs


def pytest_configure(config: pytest.Config) -> None:
    """Register telemetry's plugin, unless an installed distribution or an .egg-info in the checkout has named it."""
    if not config.pluginmanager.is_registered(pytest_plugin):
        config.pluginmanager.register(pytest_plugin, pytest_plugin.__name__)


@pytest.fixture(autouse=True)
def account_of_the_sync(request: pytest.FixtureRequest) -> None:
    """Capture every test of what a sync does: an operation that nobody completes, or a span that stays open, fails it."""
    if not {"analysis", "integrations", "pulls"}.isdisjoint(request.path.relative_to(request.config.rootpath).parts):
        request.getfixturevalue("captrace")


@pytest.fixture(scope="session", autouse=True)
def sigint_for_programs() -> None:
    """Let programs that the tests start be interrupted, even where SIGINT is ignored: under nohup, or in the background.

    A program inherits that a signal is ignored, but not which function handles it: these tests go on ignoring it.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda _number, _frame: None)


@pytest.fixture(scope="session")
def embedded_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Yield PostgreSQL (without fsync) and Valkey, shared by all xdist workers of this run; the last to leave stops them."""
    folder = tmp_path_factory.getbasetemp()
    home = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    with servers(home=home / "embedded", throwaway=True) as running:
        yield running


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    embedded_servers: Servers, broker_url: str, django_db_modify_db_settings_parallel_suffix: None
) -> None:
    """Have pytest-django create its test database, one for each xdist worker, on the embedded PostgreSQL.

    Whoever has the database may send messages, and Celery goes on with the first broker that it connects to.
    """
    connections["default"].settings_dict.update(environment.database_settings(embedded_servers.database_url))


@pytest.fixture(scope="session")
def broker_url(embedded_servers: Servers) -> str:
    """Return the address of this xdist worker's own Valkey database, after pointing this process's Celery app at it."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    url = embedded_servers.broker_url.replace("virtual_host=0", f"virtual_host={int(worker) + 1}")
    settings.CELERY_BROKER_URL = url
    celery_app.conf.update(broker_url=url)
    return url


@pytest.fixture
def unexplained_environment(
    transactional_db: None, embedded_servers: Servers, broker_url: str, tmp_path: Path
) -> dict[str, str]:
    """Return the environment for a program that a test starts: this test's database and broker, and a home of its own.

    The test database is emptied after the test, and the broker before it.
    """
    name = connections["default"].settings_dict["NAME"]
    with Redis.from_url(broker_url.replace("redis+socket", "unix").replace("virtual_host", "db")) as broker:
        broker.flushdb()
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "apps.config.settings",
        "DATABASE_URL": embedded_servers.database_url.replace("/synctrace?", f"/{name}?"),
        "CELERY_BROKER_URL": broker_url,
        "SYNCTRACE_HOME": str(tmp_path / "home"),
        "SYNCTRACE_ENCRYPTION_KEY": ",".join(settings.SYNCTRACE_ENCRYPTION_KEYS),
    }


@pytest.fixture
def program_environment(unexplained_environment: dict[str, str], tmp_path: Path) -> Iterator[dict[str, str]]:
    """Yield such an environment; the time of every run in its database must be explained."""
    yield unexplained_environment
    unexplained = unexplained_runs(tmp_path / "home")
    assert unexplained == {}, "\n".join(unexplained.values())
