"""A program runs while it is needed, and nothing of it is left, however whoever started it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from apps.processes import NotReadyError, Program, unprivileged_account

SLEEP = "import time; time.sleep(600)"
FAMILY = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"
TIDY = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(print("tidied")))
print("up", flush=True)
time.sleep(600)
"""
ECHO = """
import sys
print("listening", file=sys.stderr, flush=True)
for line in sys.stdin:
    print(line * 2, end="", flush=True)
"""
PARENT = """
import signal, sys, time
from pathlib import Path
from apps.processes import Program, exit_on
with exit_on(signal.SIGTERM), Program([sys.executable, "-c", sys.argv[1]], log=Path(sys.argv[2])) as program:
    print(program.pid, flush=True)
    time.sleep(600)
"""


def python(code: str, log: Path, **options: object) -> Program:
    """Return a program that runs `code`."""
    return Program([sys.executable, "-c", code], log=log, **options)  # type: ignore[arg-type]  # as a test names them


def printed(log: Path) -> Callable[[], str | None]:
    """Return a readiness that waits for anything to be printed."""
    return lambda: None if log.exists() and log.read_text().strip() else "it has printed nothing"


def is_running(pid: int) -> bool:
    """Return whether the process is there and no zombie."""
    command = ["/bin/ps", "-o", "stat=", "-p", str(pid)]
    state = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return bool(state) and not state.startswith("Z")


def ends(pid: int) -> None:
    """Wait for a process to end, or fail the test."""
    deadline = time.monotonic() + 20
    while is_running(pid):
        assert time.monotonic() < deadline, "it is still running"
        time.sleep(0.02)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return where a program's output goes."""
    return tmp_path / "program.log"


def test_it_runs_inside_its_block(log: Path) -> None:
    """And ends in good order when the block does."""
    program = python(TIDY, log, ready=printed(log))
    with program:
        assert (program.returncode, is_running(program.pid)) == (None, True)
    assert (program.returncode, is_running(program.pid)) == (0, False)
    assert log.read_text() == "up\ntidied\n"


def test_what_does_not_end_is_killed_with_all_that_it_started(log: Path) -> None:
    """A worker's children, too."""
    with python(DEAF + "#", log, ready=printed(log), stop_seconds=0.2) as deaf:
        pass
    assert deaf.returncode == -signal.SIGKILL
    family = log.with_name("family.log")
    with python(FAMILY, family, ready=printed(family)) as program:
        child = int(family.read_text())
        assert is_running(child)
    assert program.returncode is not None
    ends(child)


def test_one_that_ends_before_it_is_ready_says_why(log: Path) -> None:
    """In its own words, and at once."""
    with pytest.raises(NotReadyError, match=r"python\S* ended with exit code 3\. It printed last:\nno such port"):
        python("import sys; print('no such port'); sys.exit(3)", log, ready=lambda: "no answer").start()


def test_one_that_takes_too_long_is_ended(log: Path) -> None:
    """Nothing of it is left."""
    program = python("print('starting', flush=True); " + SLEEP, log, ready=lambda: "no answer", ready_seconds=0.3)
    with pytest.raises(NotReadyError, match=r"not ready after 0\.3 s \(no answer\)"):
        program.start()
    assert program.returncode == -signal.SIGKILL


def test_one_that_cannot_be_run_says_so(log: Path) -> None:
    """As a program that ended."""
    with pytest.raises(NotReadyError, match="cannot be run: No such file or directory"):
        Program(["/no/such/program"], log=log, ready=lambda: "no answer").start()


def test_why_it_is_not_ready_holds_nothing_of_an_earlier_run(log: Path) -> None:
    """The log goes on, and what is quoted of it is what this run printed."""
    with python("print('up', flush=True); " + SLEEP, log, ready=printed(log)):
        pass
    with pytest.raises(NotReadyError, match=r"ended with exit code 3\. It printed nothing") as failed:
        python("import sys; sys.exit(3)", log, ready=lambda: "no answer").start()
    assert "up" not in str(failed.value)
    assert log.read_text() == "up\n"


def test_what_it_quotes_is_bounded(log: Path) -> None:
    """The end says most."""
    with pytest.raises(NotReadyError) as failed:
        python("print('x' * 100_000, 'the end'); exit(3)", log, ready=lambda: "no answer").start()
    assert str(failed.value).endswith("xxx the end")
    assert len(str(failed.value)) < 3_000


def test_one_that_was_killed_names_the_signal(log: Path) -> None:
    """Such as by the kernel, when memory is short."""
    with pytest.raises(NotReadyError, match="was killed by SIGKILL"):
        python("import os; os.kill(os.getpid(), 9)", log, ready=lambda: "no answer").start()


def test_a_piped_program_can_be_talked_to(log: Path) -> None:
    """Its errors alone are in the log; it may end with its input, and need not."""
    with python(ECHO, log, piped=True, ready=printed(log)) as program:
        program.stdin.write(b"ho\n")
        program.stdin.flush()
        assert program.stdout.readline() + program.stdout.readline() == b"ho\nho\n"
        program.stdin.close()
        assert program.wait(20) == 0
    with python(ECHO, log, piped=True, ready=printed(log)) as program:
        program.stdin.write(b"not flushed")
    assert program.returncode is not None
    assert set(log.read_text().split()) == {"listening"}


def test_it_is_started_again(log: Path) -> None:
    """Stopped twice, it is stopped; the log goes on."""
    program = python("print('up', flush=True); " + SLEEP, log, ready=printed(log))
    for _ in range(2):
        program.start()
        program.stop()
        program.stop()
    assert log.read_text().splitlines()[0] == "up"


def test_its_log_does_not_grow_without_end(log: Path) -> None:
    """Others than its user and group cannot read it."""
    log.write_text("x" * 1_000)
    talk = "print('new', flush=True); " + SLEEP
    with python(talk, log, most_log_bytes=999, ready=lambda: None if "new\n" in log.read_text() else "silent"):
        assert log.read_text() == "new\n"
    log.unlink()
    with python(talk, log, ready=printed(log)):
        pass
    assert log.stat().st_mode & 0o007 == 0


def test_it_has_the_environment_and_the_folder_it_is_given(log: Path, tmp_path: Path) -> None:
    """And nothing else."""
    show = "import os; print(sorted(set(os.environ) - {'LC_CTYPE'}), os.getcwd(), flush=True); " + SLEEP
    with python(show, log, environment={"ONE": "1"}, folder=tmp_path, ready=printed(log)):
        pass
    assert log.read_text().strip() == f"['ONE'] {tmp_path}"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_it_runs_under_the_account_it_is_given(log: Path) -> None:
    """Without root's groups."""
    account = unprivileged_account()
    assert account is not None
    command = ["/bin/sh", "-c", "echo $(id -u) $(id -G); exec sleep 600"]
    with Program(command, log=log, account=account, ready=printed(log), folder=Path("/")) as program:
        assert Path(f"/proc/{program.pid}").stat().st_uid == account.uid
    assert log.read_text().split() == [str(account.uid), str(account.gid)]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's death")
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_whoever_started_it(end: signal.Signals, log: Path) -> None:
    """Ctrl-C, SIGTERM and kill -9 all end it."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, SLEEP, str(log)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        restore_signals=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_running(child)
        parent.send_signal(end)
        parent.wait(20)
    ends(child)


@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_does_not_wait_for_what_does_not_end(presses: int, log: Path) -> None:
    """It is killed after a second of the twenty that it would have, or at once when Ctrl-C comes again meanwhile."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, DEAF, str(log)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        while printed(log)():
            time.sleep(0.02)
        began = time.monotonic()
        for _ in range(presses):
            parent.send_signal(signal.SIGINT)
            time.sleep(0.3)
        assert parent.wait(30) == -signal.SIGINT
        assert time.monotonic() - began < 10
        assert not is_running(child)
