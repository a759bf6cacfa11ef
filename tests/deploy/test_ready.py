"""A health check says well or why not."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from deploy import ready


class _Service(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/well" else 503)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that it has there
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[str]:
    """Yield the address of a server that is well at /well only."""
    with HTTPServer(("127.0.0.1", 0), _Service) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_service_that_answers_is_well(service: str) -> None:
    """A 2xx is exit code 0."""
    assert ready.main([f"{service}/well"]) == 0


def test_a_service_that_answers_with_an_error_is_not(service: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Another answer is exit code 1 and said."""
    assert ready.main([f"{service}/ill"]) == 1
    assert "503" in capfd.readouterr().err


def test_a_service_that_is_not_there_is_asked_again(capfd: pytest.CaptureFixture[str]) -> None:
    """With a time to wait, it is asked until that is over."""
    started = time.monotonic()
    assert ready.main(["--within", "0.6", "http://127.0.0.1:1/"]) == 1
    assert time.monotonic() - started > 0.5
    assert "refused" in capfd.readouterr().err


def test_a_file_is_fresh_when_it_was_written_lately(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A missing or an old file is not well; a suffix that a database adds does not matter."""
    schedule = tmp_path / "schedule"
    check = ["--fresher-than", "60", str(schedule)]
    assert ready.main(check) == 1
    assert "not there" in capfd.readouterr().err
    (tmp_path / "schedule.db").touch()
    assert ready.main(check) == 0
    os.utime(tmp_path / "schedule.db", (0, 0))
    assert ready.main(check) == 1
    assert "last written" in capfd.readouterr().err
