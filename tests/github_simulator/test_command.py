"""The command `manage.py github_simulator`."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from django.core.management import CommandError, call_command

MANAGE = Path(__file__).parents[2] / "manage.py"


@contextmanager
def started(*options: str, home: Path) -> Iterator[subprocess.Popen[str]]:
    """Start the program, and kill it at the end unless the test has ended it."""
    environment = {
        "PATH": os.environ["PATH"],
        "SYNCTRACE_HOME": str(home),
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "CELERY_BROKER_URL": "redis://127.0.0.1:1/0",
    }
    program = subprocess.Popen(
        [sys.executable, str(MANAGE), "github_simulator", "--port", "0", *options],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with program:
        try:
            yield program
        finally:
            program.kill()


def first_line(program: subprocess.Popen[str]) -> str:
    """Return the line that the program prints when it is ready."""
    assert program.stdout is not None
    return program.stdout.readline().strip()


def test_it_serves_without_database_or_broker_until_interrupted(tmp_path: Path) -> None:
    """One line gives the address; Ctrl-C and SIGTERM end it immediately, silently and with exit code 0."""
    options = ("--synthetic", "30", "--seed", "4", "--long-lists-every", "10", "--graphql-limit", "7")
    with (
        started(*options, home=tmp_path / "one") as program,
        started("--synthetic", "1", home=tmp_path / "two") as other,
    ):
        line, _ = first_line(program), first_line(other)
        ready = re.fullmatch(r"GitHub simulator listening on (http://127\.0\.0\.1:\d+) \(synthetic/repo-4\)", line)
        assert ready, line
        answer = requests.post(
            f"{ready[1]}/graphql",
            json={"query": "{ rateLimit { limit remaining } }"},
            headers={"authorization": "bearer ghp_x"},
            timeout=10,
        )
        assert answer.json() == {"data": {"rateLimit": {"limit": 7, "remaining": 6}}}

        program.send_signal(signal.SIGINT)
        other.send_signal(signal.SIGTERM)

        for ended in (program, other):
            _, errors = ended.communicate(timeout=30)
            assert (ended.returncode, errors) == (0, "")


@pytest.mark.parametrize(
    ("content", "option", "message"),
    [
        ('[{"fault": "explode"}]', "faults", "Fault rule 1: `fault` must be one of"),
        ("{", "faults", "cannot be read as JSON"),
        ("[]", "tokens", "must be a JSON object"),
        ('{"ghp_x": {"role": "admin"}}', "tokens", "Token entry 1"),
        ("nothing", "history", "is not a history file"),
    ],
)
def test_an_invalid_file_is_reported_without_a_traceback(tmp_path: Path, content: str, option: str, message: str) -> None:
    """The command raises CommandError, which manage.py prints as one sentence."""
    file = tmp_path / "given"
    file.write_text(content)

    with pytest.raises(CommandError, match=message):
        call_command("github_simulator", "--port", "0", f"--{option}", str(file))


def test_a_port_in_use_is_reported_without_a_traceback() -> None:
    """The error gives the address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=rf"Cannot listen on 127\.0\.0\.1:{port}: Address already in use"):
            call_command("github_simulator", "--port", str(port), "--synthetic", "1")


@pytest.mark.parametrize(
    "options",
    [
        ("--port", "70000"),
        ("--port", "x"),
        ("--port", "0", "--latency-ms", "-1"),
        ("--port", "0", "--concurrent", "many"),
        ("--port", "0", "--long-lists-every", "0"),
    ],
)
def test_an_invalid_number_is_reported_with_its_option(options: tuple[str, ...]) -> None:
    """The error is the one of argparse."""
    with pytest.raises(CommandError, match=options[-2]):
        call_command("github_simulator", *options)
