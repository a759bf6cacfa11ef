"""Commands share one pair of servers, however they begin and end."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import psutil
import pytest
from redis import Redis

from apps.embedded import running_servers, servers
from tests.embedded.programs import answer, ended, eventually, holding, processes_of


def _runtime(database_url: str) -> Path:
    return Path(database_url.partition("host=")[2]).parent


def test_both_servers_answer_and_nothing_is_left_of_them(home: Path) -> None:
    """PostgreSQL 18 and Valkey answer inside the block; after it no process and no socket folder remains."""
    with servers(home=home, throwaway=True) as running:
        started = processes_of(home)
        assert str(answer(running.database_url, "SHOW server_version")).startswith("18.")
        address = running.broker_url.replace("redis+socket", "unix").replace("virtual_host", "db")
        with Redis.from_url(address) as broker:
            assert broker.ping()
    assert len(started) > 2
    assert ended(started)
    assert not _runtime(running.database_url).exists()


def test_a_second_command_joins_and_outlives_the_first(home: Path) -> None:
    """The first to come starts the servers, the last to leave has them stopped."""
    with holding(home) as first:
        addresses = first.servers()
        with holding(home) as second:
            assert second.servers() == addresses
            first.leave()
            assert answer(addresses.database_url) == 1
            started = processes_of(home)
            second.leave()
            assert eventually(lambda: ended(started), timeout=2)


def test_two_commands_started_together_start_one_pair(home: Path) -> None:
    """One of two simultaneous commands starts the servers and the other waits for them."""
    with holding(home) as first, holding(home) as second:
        assert first.servers() == second.servers()


@pytest.mark.slow
def test_two_homes_have_servers_of_their_own(home: Path) -> None:
    """Two checkouts run at once without meeting."""
    with servers(home=home / "a", throwaway=True) as one, servers(home=home / "b", throwaway=True) as other:
        answer(one.database_url, "CREATE TABLE here AS SELECT 1")
        assert answer(other.database_url, "SELECT to_regclass('here')") is None


def test_who_only_reads_uses_servers_that_run_and_starts_none(home: Path) -> None:
    """And leaves them to whoever has them; a home that is not there is not made."""
    with running_servers(home=home / "nowhere") as running:
        assert running is None
    assert not (home / "nowhere").exists()
    with servers(home=home, throwaway=True) as started:
        with running_servers(home=home) as running:
            assert running == started
        assert answer(started.database_url) == 1
    with running_servers(home=home) as running:
        assert running is None
    assert processes_of(home) == []


def test_data_stays_when_the_servers_stop(settled_home: Path) -> None:
    """What one command stored, the next one finds."""
    with servers(home=settled_home) as running:
        assert answer(running.database_url, "SELECT number FROM kept") == 42


def test_servers_stop_when_their_only_command_is_killed(settled_home: Path) -> None:
    """SIGKILL of the command ends the servers too, and the next command finds the data."""
    with holding(settled_home, throwaway=False) as killed:
        killed.servers()
        started = processes_of(settled_home)
        killed.kill()
        assert eventually(lambda: ended(started))
    with servers(home=settled_home) as running:
        assert answer(running.database_url, "SELECT number FROM kept") == 42


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's death")
def test_servers_stop_when_their_supervisor_is_killed(settled_home: Path) -> None:
    """No server outlives its supervisor, and the next command removes what the supervisor could not."""
    with holding(settled_home, throwaway=False) as holder:
        left = _runtime(holder.servers().database_url)
        started = processes_of(settled_home)
        started[0].kill()
        assert eventually(lambda: ended(started))
        assert left.exists()
        with servers(home=settled_home) as running:
            assert answer(running.database_url) == 1
            assert not left.exists()


def test_a_server_that_lost_its_supervisor_makes_room(settled_home: Path) -> None:
    """A PostgreSQL that still runs on the data, as it may on macOS, is stopped by the next start."""
    with holding(settled_home, throwaway=False) as holder:
        holder.servers()
        supervisor, *started = processes_of(settled_home)
        stray = next(process for process in started if "-D" in process.cmdline())
        stray.suspend()  # it cannot hear of its parent's death
        supervisor.kill()
        assert eventually(lambda: ended([supervisor]))
        stray.resume()
        with servers(home=settled_home) as running:
            assert answer(running.database_url) == 1
            assert ended([stray])


def test_a_stale_number_of_another_process_is_no_obstacle(settled_home: Path) -> None:
    """After a crash postmaster.pid may name any process: that one is left alone, and PostgreSQL starts."""
    bystander = psutil.Process().pid
    pid_file = settled_home / "postgresql" / "data" / "postmaster.pid"
    pid_file.write_text(f"{bystander}\n")
    with servers(home=settled_home) as running:
        assert answer(running.database_url) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_starting_leaves_nothing(home: Path, number: signal.Signals) -> None:
    """Ctrl-C or an end asked for at an early moment leaves no process behind."""
    with holding(home) as holder:
        assert eventually(lambda: bool(processes_of(home)))
        started = processes_of(home)
        holder.process.send_signal(number)
        holder.process.wait(timeout=20)
        assert eventually(lambda: ended(started) and not processes_of(home))
