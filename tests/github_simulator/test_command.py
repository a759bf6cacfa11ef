"""`manage.py github_simulator`, as a person or a program starts it."""

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
    """The program, starting; it is killed if the test has not ended it."""
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
    """What the program prints when it is ready."""
    assert program.stdout is not None
    return program.stdout.readline().strip()


def test_it_serves_without_database_or_broker_until_told_to_stop(tmp_path: Path) -> None:
    """One line says where; Ctrl-C and SIGTERM end it with 0, at once and without a word."""
    options = ("--synthetic", "30", "--seed", "4", "--graphql-limit", "7")
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
        ('[{"fault": "explode"}]', "faults", "fault rule 1: `fault` is one of"),
        ("{", "faults", "cannot be read as JSON"),
        ("[]", "tokens", "should be a JSON object"),
        ('{"ghp_x": {"role": "admin"}}', "tokens", "token entry 1"),
        ("nothing", "history", "is no history"),
    ],
)
def test_a_wrong_file_is_a_sentence(tmp_path: Path, content: str, option: str, message: str) -> None:
    """CommandError, which manage.py prints without a traceback."""
    file = tmp_path / "given"
    file.write_text(content)

    with pytest.raises(CommandError, match=message):
        call_command("github_simulator", "--port", "0", f"--{option}", str(file))


def test_a_port_that_is_taken_is_a_sentence() -> None:
    """It names the address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=rf"Cannot listen on 127\.0\.0\.1:{port}: Address already in use"):
            call_command("github_simulator", "--port", str(port), "--synthetic", "1")


@pytest.mark.parametrize("options", [("--port", "70000"), ("--port", "x"), ("--port", "0", "--latency-ms", "-1")])
def test_a_wrong_number_is_a_sentence(options: tuple[str, ...]) -> None:
    """argparse's own error, which says which option."""
    with pytest.raises(CommandError, match=options[-2]):
        call_command("github_simulator", *options)
