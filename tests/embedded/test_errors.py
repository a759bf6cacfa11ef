"""What cannot work is said in a sentence that says what to do."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from apps.embedded import EmbeddedServerError, folders, postgresql, server_programs, servers, valkey
from apps.processes import unprivileged_account


def test_a_home_that_cannot_be_made(home: Path) -> None:
    """A home below a file names the folder and the setting that moves it."""
    (home / "file").touch()
    with pytest.raises(EmbeddedServerError, match="SYNCTRACE_HOME"), servers(home=home / "file" / "home"):
        pass


@pytest.mark.parametrize("locate", [postgresql.package, valkey.program])
def test_a_platform_without_the_wheel(locate: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing wheel is named, with the way around it."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert callable(locate)
    with pytest.raises(EmbeddedServerError, match=r"wheel .* is not installed .* set DATABASE_URL"):
        locate()


def test_a_full_disk_is_named_first() -> None:
    """The one cause that a person can do something about is not left in the middle of a log."""
    output = 'FATAL: could not write file "pg_wal/x": No space left on device'
    assert server_programs.explain("postgres", output).startswith("The disk is full")


def test_a_server_that_refuses_to_start_says_why(settled_home: Path) -> None:
    """PostgreSQL's own words reach the user, and the next command is not hindered by the failure."""
    version = settled_home / "postgresql" / "data" / "PG_VERSION"
    version.write_text("9.6\n")
    with pytest.raises(EmbeddedServerError, match="not compatible"), servers(home=settled_home):
        pass
    version.write_text("18\n")
    with servers(home=settled_home) as running:
        assert running.database_url


def test_a_data_folder_half_made_is_made_again(home: Path) -> None:
    """A kill during initialization leaves nothing that the next start trips over."""
    data = folders.data(home.resolve(), account=unprivileged_account())
    unfinished = data.with_name("data.unfinished")
    unfinished.mkdir()
    (unfinished / "postgresql.conf").touch()
    with servers(home=home) as running:
        assert running.database_url
