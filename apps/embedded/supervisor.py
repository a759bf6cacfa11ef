"""The process that owns the embedded servers: it starts both, stays while any command holds them, and stops both.

`apps.embedded.sharing` runs it as `python -m apps.embedded.supervisor HOME [--throwaway]`. It reports the start as one
line of JSON: the two addresses, or what to do about the error.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from apps.embedded import folders, locks, server_programs
from apps.embedded.errors import OWN_SERVERS, EmbeddedServerError
from apps.embedded.postgresql import Cluster
from apps.embedded.valkey import Broker
from apps.processes import Program, exit_on, unprivileged_account

_POLL_SEC = 0.05


def main(home: Path, *, throwaway: bool) -> None:
    """Run both servers until no command holds them any more, and leave nothing running."""
    with exit_on(signal.SIGTERM, signal.SIGINT, signal.SIGHUP), contextlib.ExitStack() as stack:
        try:
            folder = home / folders.SERVERS
            state = stack.enter_context(locks.opened_state(folder))
            holders = stack.enter_context(locks.opened_holders(folder))
            if not state.claim():
                raise EmbeddedServerError("The embedded servers are already being started: run the command again.")
            folders.remove_runtime(state.read().get("runtime"))  # left by a supervisor that was killed
            runtime = stack.enter_context(folders.runtime())
            addresses, running = stack.enter_context(_servers(home, runtime=runtime, throwaway=throwaway))
        except EmbeddedServerError as error:
            return _answer({"error": str(error)})
        except OSError as error:
            return _answer({"error": f"{error}: make room or give permission there, or {OWN_SERVERS}."})
        state.publish(addresses | {"runtime": str(runtime)})
        stack.callback(state.clear)
        _answer(addresses)
        while all(server.returncode is None for server in running) and not locks.try_lock(holders, fcntl.LOCK_EX):
            time.sleep(_POLL_SEC)
    return None


@contextlib.contextmanager
def _servers(home: Path, *, runtime: Path, throwaway: bool) -> Iterator[tuple[dict[str, str], list[Program]]]:
    """Start both servers side by side, and yield their addresses and programs once they are ready."""
    account = unprivileged_account()
    cluster = Cluster(
        data=(
            folders.private(runtime / "cluster", account=account) / "data"
            if throwaway
            else folders.data(home, account=account)
        ),
        socket_folder=folders.private(runtime / "postgresql", account=account),
        log=home / folders.SERVERS / "postgresql.log",
        account=account,
        throwaway=throwaway,
    )
    broker = Broker(socket_folder=folders.private(runtime / "valkey"), log=home / folders.SERVERS / "valkey.log")
    with contextlib.ExitStack() as stopping:
        running = []
        for server in (broker, cluster):
            program = server.program()
            stopping.callback(program.stop)
            program.launch()
            running.append(program)
        for program in running:
            server_programs.wait_until_ready(program)
        yield {"database_url": cluster.url, "broker_url": broker.url}, running


def _answer(content: Mapping[str, str]) -> None:
    """Answer the command that started us; if it is already gone, nobody holds us and we stop."""
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(json.dumps(dict(content)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), throwaway="--throwaway" in sys.argv[2:])
