"""The stack's broker keeps what is queued, however it ends: its own command, run on this machine."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from redis import Redis
from redis.exceptions import ConnectionError as BrokerAway
from redis.exceptions import RedisError

from apps.embedded import valkey
from deploy.programs import HERE
from tests.acceptance.worker import wait_until

COMMAND: list[str] = yaml.safe_load((HERE.parent / "docker-compose.yml").read_text())["services"]["valkey"]["command"]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder whose name is short enough for a socket's path."""
    made = Path(tempfile.mkdtemp(prefix="synctrace-broker-"))
    yield made
    shutil.rmtree(made)


@contextmanager
def _broker(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], Redis]]:
    """Run the command on `folder`, and kill it at the end of the block if it still runs."""
    assert COMMAND[0] == "valkey-server"
    socket = folder / "socket"
    command = [str(valkey.program()), *COMMAND[1:], "--port", "0", "--unixsocket", str(socket), "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            with Redis(unix_socket_path=str(socket)) as client:
                wait_until(lambda: _answers(client))
                yield process, client
        finally:
            process.kill()


def _answers(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except (BrokerAway, RedisError):
        return False


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_what_is_queued_survives_the_broker(end: signal.Signals, folder: Path) -> None:
    """In order, and of each queue; what was taken from it before does not come back."""
    with _broker(folder) as (process, client):
        for number in range(50):
            client.lpush("sync", f"message {number}")
            client.lpush("background", f"later {number}")
        for _ in range(20):
            client.rpop("sync")
        process.send_signal(end)
        process.wait(20)
    with _broker(folder) as (_, client):
        left = [client.rpop("sync") for _ in range(int(client.llen("sync")))]
        assert left == [f"message {number}".encode() for number in range(20, 50)]
        assert client.llen("background") == 50
