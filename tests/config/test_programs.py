"""manage.py, Celery and the web as a person starts them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from kombu.exceptions import OperationalError

from apps.config import app
from apps.embedded import clean
from apps.teams.models import Team

CHECKOUT = Path(__file__).parents[2]
_LOOK = """
from apps.config import app
from apps.teams.models import Team
app.connection().ensure_connection(max_retries=1)
print(Team.objects.get().slug)
"""


def _python(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=environment, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def bare_environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of somebody who has set nothing but a home."""
    yield {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "SYNCTRACE_HOME": str(tmp_path / "home")}
    if (tmp_path / "home").exists():
        clean.main(tmp_path / "home")


def test_a_program_sees_what_the_test_stored(program_environment: dict[str, str]) -> None:
    """The database and the broker are shared with a program in `program_environment`."""
    Team.objects.create(slug="blue", name="Blue")
    result = _python("manage.py", "shell", "-v0", "-c", _LOOK, environment=program_environment)
    assert result.stdout.strip() == "blue", result.stderr


def test_a_command_brings_its_own_servers_and_tables(bare_environment: dict[str, str]) -> None:
    """With nothing set, a command finds a migrated database and a broker, and stops them again."""
    code = "from apps.teams.models import Team; Team.objects.create(slug='blue', name='Blue')\n" + _LOOK
    result = _python("manage.py", "shell", "-v0", "-c", code, environment=bare_environment)
    assert result.stdout.strip() == "blue", result.stderr
    again = _python("manage.py", "shell", "-v0", "-c", _LOOK, environment=bare_environment)
    assert again.stdout.strip() == "blue", again.stderr


def test_a_command_that_needs_no_servers_starts_none(bare_environment: dict[str, str]) -> None:
    """Asking for help costs no database."""
    result = _python("manage.py", "migrate", "--help", environment=bare_environment)
    assert result.returncode == 0
    assert not (Path(bare_environment["SYNCTRACE_HOME"]) / "servers").exists()


def test_a_bad_setting_ends_a_command_with_a_sentence(bare_environment: dict[str, str]) -> None:
    """The sentence goes to stderr, without a traceback, and the exit code says that it failed."""
    bare_environment["DATABASE_URL"] = "mysql://host/name"
    result = _python("manage.py", "migrate", environment=bare_environment)
    assert result.returncode == 1
    assert result.stderr.startswith("manage.py: DATABASE_URL is no PostgreSQL address")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [["trace"], ["logs", "7"], ["sync", "a/b"]], ids=lambda arguments: arguments[0])
def test_a_database_that_is_not_there_is_said(arguments: list[str], bare_environment: dict[str, str]) -> None:
    """In a sentence that names the variable."""
    address = "postgresql://me:hunter2@127.0.0.1:1/name"
    bare_environment |= {"DATABASE_URL": address, "CELERY_BROKER_URL": "redis://127.0.0.1:1/0", "GITHUB_TOKEN": "t"}
    result = _python("manage.py", *arguments, environment=bare_environment)
    assert result.returncode == 1
    assert result.stderr.startswith("manage.py: the database cannot be reached, or failed: check DATABASE_URL")
    assert "Traceback" not in result.stderr
    assert "hunter2" not in result.stderr


def test_a_database_without_our_tables_is_said(program_environment: dict[str, str]) -> None:
    """With the command that makes them."""
    address = program_environment["DATABASE_URL"]
    program_environment["DATABASE_URL"] = (
        f"{address.partition('?')[0].rpartition('/')[0]}/postgres?{address.partition('?')[2]}"
    )
    result = _python("manage.py", "trace", environment=program_environment)
    assert result.stderr == "manage.py: the database has not all of our tables: run `manage.py migrate`\n"


def test_an_argument_in_another_encoding_is_refused(bare_environment: dict[str, str]) -> None:
    """Before anything is started for it."""
    result = _python("manage.py", "trace", "caf\udce9", environment=bare_environment)
    assert (result.returncode, result.stderr) == (1, "manage.py: 'caf\\udce9' is not written in UTF-8\n")


def test_ctrl_c_ends_a_command_with_a_word(program_environment: dict[str, str]) -> None:
    """No traceback, and the exit code of a program that SIGINT ended."""
    code = "import os, signal; os.kill(os.getpid(), signal.SIGINT)"
    result = _python("manage.py", "shell", "-v0", "-c", code, environment=program_environment)
    assert (result.returncode, result.stderr) == (130, "\nmanage.py: stopped\n")


def test_a_reader_that_has_seen_enough_is_no_error(program_environment: dict[str, str]) -> None:
    """`manage.py logs 7 | head` ends in silence."""
    command = [sys.executable, "manage.py", "shell", "-v0", "-c", "for _ in range(99_999): print('x' * 99)"]
    with subprocess.Popen(
        command, env=program_environment, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as program:
        assert program.stdout is not None
        program.stdout.readline()
        program.stdout.close()
        assert program.stderr is not None
        assert program.stderr.read() == b""
    assert program.returncode == 141


@pytest.mark.parametrize(
    "program",
    [
        ["-m", "celery", "-A", "apps.config", "worker", "--pool=solo"],
        ["-m", "celery", "-A", "apps.config", "beat"],
        ["-c", "import apps.config.wsgi"],
    ],
    ids=["worker", "beat", "web"],
)
def test_a_service_without_servers_asks_for_them(program: list[str], bare_environment: dict[str, str]) -> None:
    """Worker, beat and web do not guess: they end and name the variables."""
    result = _python(*program, environment=bare_environment)
    assert result.returncode != 0
    assert "Set DATABASE_URL" in result.stdout + result.stderr


@pytest.mark.parametrize(
    "program",
    [
        ["manage.py", "catalog"],
        ["-m", "celery", "-A", "apps.config", "worker", "--pool=solo"],
        ["-m", "gunicorn", "apps.config.wsgi", "--bind", "127.0.0.1:0"],
    ],
    ids=["command", "worker", "web"],
)
def test_a_bad_setting_of_telemetry_ends_a_program_with_a_sentence(
    program: list[str], bare_environment: dict[str, str]
) -> None:
    """It names the variable, its value and what may stand there; no traceback, no program that starts again and again."""
    bare_environment |= {
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none",
        "CELERY_BROKER_URL": "redis://127.0.0.1:9/0",
        "OTEL_TRACES_SAMPLER": "sometimes",
    }
    result = _python(*program, environment=bare_environment)
    said = result.stdout + result.stderr
    assert result.returncode != 0
    assert "OTEL_TRACES_SAMPLER is 'sometimes': nothing provides sometimes here: " in said
    assert "or choose from always_off, always_on, " in said
    assert "Traceback" not in said


def test_a_bad_setting_ends_a_worker_with_a_sentence(bare_environment: dict[str, str]) -> None:
    """As it ends a command: nothing else is said."""
    bare_environment["SYNC_SWEEP_SECONDS"] = "often"
    result = _python("-m", "celery", "-A", "apps.config", "worker", environment=bare_environment)
    assert result.returncode == 1
    assert result.stderr == "celery: SYNC_SWEEP_SECONDS is 'often': set it to a number of seconds above 0.\n"


def test_a_program_with_tables_missing_from_migrations_is_a_mistake(program_environment: dict[str, str]) -> None:
    """Every model's table comes from a migration that is kept with it."""
    result = _python("manage.py", "makemigrations", "--check", "--dry-run", environment=program_environment)
    assert result.returncode == 0, result.stdout


def test_a_dead_broker_is_said_within_five_seconds() -> None:
    """Sending to a port that swallows connections fails soon, so that nobody waits for a hung command."""
    with socket.socket() as silent, socket.socket() as filler, socket.socket() as another:
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        for waiting in (filler, another):  # the queue is full: the next connection gets no answer
            waiting.setblocking(False)
            waiting.connect_ex(silent.getsockname())
        started = time.monotonic()
        with (
            app.connection_for_write(f"redis://127.0.0.1:{silent.getsockname()[1]}/0") as connection,
            pytest.raises(OperationalError),
        ):
            app.send_task("nobody.listens", connection=connection)
        assert time.monotonic() - started < 5


def test_the_sweep_is_due_and_every_queue_is_served() -> None:
    """Beat sends the sweep by its name; a worker without -Q serves it first, then phase 1, then phase 2."""
    assert app.conf.beat_schedule["sweep"]["task"] == "apps.integrations.tasks.sweep"
    assert list(app.amqp.queues) == ["sweep", "sync", "background"]
    assert app.conf.task_default_queue == "sync"
    assert app.conf.task_acks_late is False


def test_a_step_ends_before_the_sweep_takes_it_for_dead() -> None:
    """Whatever SYNC_STEP_SECONDS is, its limits are above 0, in their order, and below it; so are an attempt's."""
    for name in ("start_pipeline", "run_phase", "sweep"):
        limits = app.conf.task_annotations[f"apps.integrations.tasks.{name}"]
        assert 0 < limits["soft_time_limit"] < limits["time_limit"] < settings.SYNC_STEP_SECONDS
    assert 0 < app.conf.task_soft_time_limit < app.conf.task_time_limit <= settings.SYNC_ATTEMPT_SECONDS
