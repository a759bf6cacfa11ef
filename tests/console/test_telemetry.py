"""`manage.py telemetry`, the system page and `/healthz?details` say what became of every span of the home."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from apps.console.terminal.ledger_texts import ledger_lines
from telemetry._export.accounts import Account
from telemetry.ledger import Count


@pytest.fixture
def home(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    """A home in which a process has started 1,500 spans, and cannot write its file."""
    settings.SYNCTRACE_HOME = tmp_path
    account = Account(tmp_path / "ledger", ["file", "otlp_proto_http"])
    account.file()
    for _ in range(1_500):
        account.start()
        account.end()
    account.start()
    account.count(0, exported=1_200)
    account.trouble(0, "disk_full")
    account.count(1, exported=1_490, dropped={"refused": 7}, spooled=3, sequence=1)
    yield tmp_path
    account.forget()


def printed(*arguments: str) -> str:
    """What the command prints."""
    out = StringIO()
    call_command("telemetry", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_prints_a_row_for_each_exporter_and_every_reason(home: Path) -> None:
    """In numbers that add up."""
    text = printed()
    rows = [line.split() for line in text.splitlines()]
    assert ["started", "exported", "waiting", "dropped", "died"] in rows
    assert ["file", "1,501", "1,200", "301", "0", "0"] in rows
    assert ["otlp_proto_http", "1,501", "1,490", "4", "7", "0"] in rows
    assert "file waiting: 1 open, 300 in memory" in text
    assert "otlp_proto_http waiting: 1 open, 3 in the spool" in text
    assert "otlp_proto_http dropped: 7 refused" in text
    assert "file: the disk is full since" in text


def test_the_table_fits_eighty_columns(home: Path) -> None:
    """Also with numbers of ten million."""
    counts = {"otlp_proto_http": Count(started=30_000_000, exported=10_000_000, spooled=10_000_000, died=10_000_000)}
    assert max(map(len, list(ledger_lines(counts))[:2])) <= 80


def test_the_same_as_json(home: Path) -> None:
    """With each sum and each reason by its name."""
    counts = json.loads(printed("--format", "json"))
    assert {name: (count["started"], count["waiting"], count["reasons"]) for name, count in counts.items()} == {
        "file": (1501, 301, {}),
        "otlp_proto_http": (1501, 4, {"refused": 7}),
    }


def test_a_home_without_processes_says_so(tmp_path: Path, settings: Settings) -> None:
    """Instead of an empty table."""
    settings.SYNCTRACE_HOME = tmp_path
    assert printed().startswith("No process has started a span")
    assert json.loads(printed("--format", "json")) == {}


@pytest.mark.django_db
def test_health_has_the_details_for_who_asks(home: Path, client: Client) -> None:
    """And is as short as before for who does not."""
    assert client.get("/healthz").content == b"ok"
    details = client.get("/healthz?details").json()
    assert (details["status"], details["spans"]["otlp_proto_http"]["dropped"]) == ("ok", 7)
    assert [trouble.partition(" since")[0] for trouble in details["troubles"]] == ["file: the disk is full"]


@pytest.mark.django_db
def test_the_page_tells_while_spans_cannot_be_written(
    home: Path, admin_client: Client, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """And nothing of it otherwise."""
    assert "the disk is full" in admin_client.get("/system/").content.decode()
    settings.SYNCTRACE_HOME = tmp_path_factory.mktemp("another")
    assert "Spans are not written" not in admin_client.get("/system/").content.decode()
