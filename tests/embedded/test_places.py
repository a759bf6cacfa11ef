"""The servers run from any place, for any user, and change nothing outside their own folders."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.embedded import EmbeddedServerError, clean, folders, postgresql, server_programs, servers, valkey
from apps.processes import Account, unprivileged_account
from tests.embedded.programs import CHECKOUT, answer, holding

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture
def reachable() -> Iterator[Path]:
    """Yield a folder that every user can pass through, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="synctrace-place-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def _copy_checkout(checkout: Path, *, account: Account) -> None:
    """Copy what the embedded servers are made of to a `checkout` of `account`'s."""
    wheel = postgresql.package()
    for source in (CHECKOUT / "apps", wheel, wheel.with_name(f"{wheel.name}.libs"), valkey.program().parents[2]):
        shutil.copytree(source, checkout / source.name, ignore=shutil.ignore_patterns("include", "__pycache__"))
    for path in (checkout, *checkout.rglob("*")):
        account.give(path)


def _python_of(account: Account, *, folder: Path) -> str:
    """Return a Python that `account` can run: this one, the system's, or a copy of this one in `folder`."""
    for python in (os.path.realpath(sys.executable), "/usr/bin/python3", "/usr/local/bin/python3"):
        with contextlib.suppress(EmbeddedServerError, OSError):
            server_programs.run([python, "-c", "import sys; assert sys.version_info >= (3, 11)"], account=account)
            return python
    return _copy_python(folder, account=account)


def _copy_python(folder: Path, *, account: Account) -> str:
    """Copy this Python and its standard library to a `folder` of `account`'s, where it finds its own library again."""
    library = Path(os.__file__).parent
    left_out = shutil.ignore_patterns("site-packages", "test", "idlelib", "tkinter", "__pycache__", "config-*")
    shutil.copytree(library, folder / "lib" / library.name, ignore=left_out)
    for shared in library.parent.glob("libpython3*.so*"):
        shutil.copy2(shared, folder / "lib")
    python = folder / "bin" / Path(os.path.realpath(sys.executable)).name
    python.parent.mkdir()
    shutil.copy2(os.path.realpath(sys.executable), python)
    script = folder / "python"
    script.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH="{folder}/lib" exec "{python}" "$@"\n')
    for path in (folder, *folder.rglob("*")):
        account.give(path)
    return str(script)


def _modes(path: Path) -> dict[Path, tuple[int, int]]:
    return {folder: (folder.stat().st_mode, folder.stat().st_uid) for folder in (path, *path.parents)}


def test_a_deep_path_with_spaces_works(home: Path) -> None:
    """A home longer than a socket's path may be, with spaces and quotes in it, holds data like any other."""
    home = home / 'it\'s a deep, "unusual" place' / ("x" * 60) / ("y" * 60)
    with servers(home=home) as running:
        assert answer(running.database_url) == 1
    assert len(str(home)) > 107
    assert (home / "postgresql" / "data" / "PG_VERSION").exists()


def test_no_other_folder_changes(home: Path) -> None:
    """Owners and permissions of everything above the home and the installed wheels stay as they were."""
    home = home / "private" / "home"
    home.mkdir(parents=True)
    home.parent.chmod(0o700)
    watched = [home.parent, postgresql.package(), Path(tempfile.gettempdir())]
    before = [_modes(path) for path in watched]
    users = Path("/etc/passwd").read_bytes()
    with servers(home=home):
        pass
    assert [_modes(path) for path in watched] == before
    assert Path("/etc/passwd").read_bytes() == users


@as_root
@pytest.mark.slow
def test_an_ordinary_user_runs_them_too(reachable: Path) -> None:
    """A user other than root has servers, with data in the home itself."""
    nobody = unprivileged_account()
    assert nobody is not None
    checkout, home = reachable / "checkout", reachable / "home"
    home.mkdir()
    nobody.give(home)
    _copy_checkout(checkout, account=nobody)  # the real one, and .venv in it, may be where only root can enter
    python = _python_of(nobody, folder=reachable / "python")
    with holding(home, throwaway=False, python=python, user=nobody.uid, checkout=checkout, packages=[checkout]) as holder:
        url = holder.servers().database_url
        data = home / "postgresql" / "data"
        assert data.resolve() == data
        with pytest.raises(Exception, match=r"[Pp]eer authentication failed"):
            answer(url)  # not even root: only the user who started it
        holder.leave()


@as_root
def test_a_copy_of_this_python_is_one_that_every_user_can_run(reachable: Path) -> None:
    """Where this one and the system's are out of reach or too old, the test above has its own: it is skipped nowhere."""
    nobody = unprivileged_account()
    assert nobody is not None
    python = _copy_python(reachable / "python", account=nobody)
    say = "import json, os, ssl, sys; print(os.__file__, sys.version_info[:2])"
    said = server_programs.run([python, "-I", "-c", say], account=nobody)
    assert said.strip() == f"{reachable}/python/lib/{Path(os.__file__).parent.name}/os.py {sys.version_info[:2]}"


@as_root
def test_others_cannot_connect_to_roots_servers(home: Path) -> None:
    """PostgreSQL runs as nobody, yet a process of nobody's is refused, and Valkey's socket is out of its reach."""
    with servers(home=home, throwaway=True) as running:
        account = unprivileged_account()
        psql = postgresql.programs(account=account) / "psql"
        with pytest.raises(EmbeddedServerError, match="Peer authentication failed"):
            server_programs.run([psql, running.database_url, "-c", "SELECT 1"], account=account)
        socket = running.broker_url.removeprefix("redis+socket://").partition("?")[0]
        with pytest.raises(EmbeddedServerError, match="Permission denied"):
            server_programs.run(["/bin/ls", Path(socket).parent], account=account)


@as_root
def test_programs_out_of_reach_are_copied(reachable: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody cannot enter the virtual environment, PostgreSQL runs from a copy, made once."""
    hidden = reachable / "home of root" / "site-packages"
    hidden.mkdir(parents=True, mode=0o700)
    hidden.parent.chmod(0o700)
    wheel = postgresql.package()
    (hidden / wheel.name).symlink_to(wheel)
    (hidden / f"{wheel.name}.libs").symlink_to(wheel.with_name(f"{wheel.name}.libs"))
    monkeypatch.setattr(postgresql, "package", lambda: hidden / wheel.name)
    monkeypatch.setattr(folders, "ROOTS_FILES", reachable / "var" / "own")
    (reachable / "var").mkdir(mode=0o755)
    account = unprivileged_account()
    copy = postgresql.programs(account=account)
    assert copy.is_relative_to(reachable / "var")
    assert "18." in server_programs.run([copy / "postgres", "--version"], account=account)
    made = copy.stat().st_ino
    assert postgresql.programs(account=account).stat().st_ino == made


@as_root
@pytest.mark.slow
def test_roots_data_goes_with_the_home(home: Path) -> None:
    """Root's data is elsewhere, but a home that was removed and made again starts empty."""
    home = home / "home"
    with servers(home=home) as running:
        answer(running.database_url, "CREATE TABLE kept AS SELECT 1")
    shutil.rmtree(home)
    with servers(home=home) as running:
        assert answer(running.database_url, "SELECT to_regclass('kept')") is None


@as_root
def test_leftovers_are_those_of_homes_that_are_gone(reachable: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copied programs and the data of homes that were removed go; the data of a home that exists stays."""
    monkeypatch.setattr(folders, "ROOTS_FILES", reachable / "own")
    homes = [reachable / name for name in ("kept", "gone")]
    data = []
    for home in homes:
        home.mkdir()
        data.append(folders.data(home, account=unprivileged_account()))
    (reachable / "own" / "postgresql-1").mkdir()
    shutil.rmtree(homes[1])
    folders.remove_leftovers()
    assert list((reachable / "own").iterdir()) == [data[0].parent]


@pytest.mark.slow
def test_clean_removes_all_and_refuses_while_servers_run(home: Path) -> None:
    """`make clean` takes data that lies outside the checkout too, but not from under a running command."""
    with servers(home=home):
        data = (home / "postgresql").resolve()
        with pytest.raises(SystemExit, match="end the commands"):
            clean.main(home)
        assert data.exists()
    clean.main(home)
    assert not data.exists()
    assert list(home.iterdir()) == []
