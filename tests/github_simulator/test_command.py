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
from time import time

import jwt
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_it_has_a_github_app_at_each_owner_whose_key_is_made_once(tmp_path: Path) -> None:
    """Whoever signs with the key has tokens made that see what the owner has; nobody else can read the key's file."""
    key = tmp_path / "app.pem"
    with started("--app", str(key), home=tmp_path / "one") as program:
        address = first_line(program).split()[4]
        line = first_line(program)
        assert line == f"GitHub App simulated-app, id 1, key {key}, installed at libuv, procrastinate-org"
        made = key.read_text()
        assert key.stat().st_mode & 0o777 == 0o600
        proof = jwt.encode({"iss": "1", "iat": int(time()) - 60, "exp": int(time()) + 300}, made, algorithm="RS256")
        signed = {"authorization": f"Bearer {proof}"}
        listed = requests.get(f"{address}/app/installations", headers=signed, timeout=10).json()
        assert [(each["id"], each["account"]["login"]) for each in listed] == [(1, "libuv"), (2, "procrastinate-org")]
        token = requests.post(f"{address}/app/installations/2/access_tokens", headers=signed, timeout=10).json()["token"]
        seen = requests.get(f"{address}/installation/repositories", headers={"authorization": f"token {token}"}, timeout=10)
        assert [each["full_name"] for each in seen.json()["repositories"]] == ["procrastinate-org/procrastinate"]
    with started("--app", str(key), "--synthetic", "1", home=tmp_path / "two") as again:
        first_line(again)
        assert first_line(again).endswith("installed at synthetic")
        assert key.read_text() == made


def test_a_key_that_cannot_be_made_is_reported_without_a_traceback(tmp_path: Path) -> None:
    """With its path and the reason."""
    with pytest.raises(CommandError, match=r"missing/app\.pem cannot be read or made: No such file or directory"):
        call_command("github_simulator", "--port", "0", "--app", str(tmp_path / "missing" / "app.pem"))


@pytest.mark.parametrize(
    ("content", "option", "message"),
    [
        ('[{"fault": "explode"}]', "faults", "Fault rule 1: `fault` must be one of"),
        ("{", "faults", "cannot be read as JSON"),
        ("[]", "tokens", "must be a JSON object"),
        ('{"ghp_x": {"role": "admin"}}', "tokens", "Token entry 1"),
        ("nothing", "history", "is not a history file"),
        ("-----BEGIN RSA PRIVATE KEY-----", "app", "holds no RSA key in PEM: name a file that does not exist"),
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
