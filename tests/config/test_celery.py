"""A worker can be watched without asking it."""

from __future__ import annotations

from pathlib import Path

import pytest
from celery.signals import heartbeat_sent
from pytest_django import Settings

import apps.config.celery  # noqa: F401  # what is tested: its handlers


@pytest.mark.parametrize("watched", [True, False])
def test_a_worker_that_has_its_broker_shows_life(watched: bool, tmp_path: Path, settings: Settings) -> None:
    """Each heartbeat touches the file of whoever watches; nobody else has one."""
    alive = tmp_path / "alive"
    settings.SYNCTRACE_ALIVE_FILE = alive if watched else None
    heartbeat_sent.send(sender=None)
    assert alive.exists() == watched
