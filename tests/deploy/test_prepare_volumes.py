"""What is written into the volumes before anything else starts."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from deploy import prepare_volumes


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away, as in the container")
@pytest.mark.parametrize(
    ("environment", "web"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"SYNCTRACE_WEB_PORT": "8123"}, "http://127.0.0.1:8123"),
        ({"SYNCTRACE_WEB_PORT": "8123", "SYNCTRACE_WEB_URL": "https://sync.example.com"}, "https://sync.example.com"),
    ],
)
def test_jaeger_s_pages_lead_to_where_the_application_is(
    environment: dict[str, str], web: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a file that Jaeger's user can read, written again at each start; the password is made once."""
    for name in ("synctrace", "collector", "jaeger", "secrets"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(prepare_volumes, "VOLUMES", tmp_path)
    monkeypatch.delenv("SYNCTRACE_WEB_URL", raising=False)
    monkeypatch.delenv("SYNCTRACE_WEB_PORT", raising=False)
    assert prepare_volumes.main() == 0
    password = (tmp_path / "secrets" / "postgres_password").read_text()
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert prepare_volumes.main() == 0
    pages = tmp_path / "jaeger" / "ui.json"
    assert json.loads(pages.read_text())["menu"][0]["url"] == f"{web}/"
    assert pages.stat().st_uid == prepare_volumes.JAEGER
    assert (tmp_path / "secrets" / "postgres_password").read_text() == password


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away, as in the container")
def test_a_wrong_address_is_said_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It is the first that `docker compose up` shows of it, without a traceback."""
    for name in ("synctrace", "collector", "jaeger", "secrets"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(prepare_volumes, "VOLUMES", tmp_path)
    monkeypatch.setenv("SYNCTRACE_WEB_URL", "sync.example.com")
    assert prepare_volumes.main() == 1
    said = capfd.readouterr().err
    assert (
        said
        == "'sync.example.com' is not an address of our pages: set SYNCTRACE_WEB_URL to one like http://127.0.0.1:8000\n"
    )
