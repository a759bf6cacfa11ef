"""manage.py, Celery and the web server, as a person starts them."""

from __future__ import annotations

import ast
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from kombu.exceptions import OperationalError

from apps.config.celery import app
from apps.embedded import clean
from apps.teams.models import Team

CHECKOUT = Path(__file__).parents[2]
_LOOK = """
from apps.config.celery import app
from apps.teams.models import Team
app.connection().ensure_connection(max_retries=1)
print(Team.objects.get().slug)
"""


def _python(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=environment, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def bare_environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Yield the environment of somebody who has set nothing but a home."""
    yield {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "SYNCTRACE_HOME": str(tmp_path / "home")}
    if (tmp_path / "home").exists():
        clean.main(tmp_path / "home")


def test_a_program_sees_what_the_test_stored(program_environment: dict[str, str]) -> None:
    """A program started in `program_environment` uses the test's own database and broker."""
    Team.objects.create(slug="blue", name="Blue")
    result = _python("manage.py", "shell", "-v0", "-c", _LOOK, environment=program_environment)
    assert result.stdout.strip() == "blue", result.stderr


@pytest.mark.slow
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


@pytest.fixture
def bare_checkout(tmp_path: Path) -> Path:
    """A checkout in which nothing is installed yet."""
    checkout = tmp_path / "a checkout"
    checkout.mkdir()
    shutil.copy(CHECKOUT / "manage.py", checkout)
    for folder in ("apps", "telemetry"):
        (checkout / folder).symlink_to(CHECKOUT / folder)
    return checkout


def _manage_without_packages(*options: str, checkout: Path) -> str:
    """Return what a manage.py that cannot work says before it fails."""
    command = [sys.executable, "-S", *options, "manage.py", "logs", "repo 7"]  # -S: the standard library alone
    environment = {"PATH": os.environ["PATH"]}
    result = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 1
    return result.stderr


def test_a_python_without_packages_asks_for_them(bare_checkout: Path) -> None:
    """Without .venv, manage.py ends with a sentence that says how to make it."""
    said = _manage_without_packages(checkout=bare_checkout)
    assert said.startswith("manage.py: /")
    assert said.endswith(" has no django: run `make demo` once, which installs what synctrace needs into .venv\n")


def test_a_python_beside_the_environment_names_the_right_one(bare_checkout: Path) -> None:
    """With .venv, manage.py ends with the same command as it should be typed, quoted for a shell."""
    python = bare_checkout / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    said = _manage_without_packages(checkout=bare_checkout)
    assert said.endswith(" has no django: run `.venv/bin/python manage.py logs 'repo 7'`\n")


def test_an_old_python_is_named(bare_checkout: Path) -> None:
    """Python 3.10 can read manage.py, which says that it is too old."""
    ast.parse((bare_checkout / "manage.py").read_text(), feature_version=(3, 7))  # the oldest that `ast` still knows
    (bare_checkout / "old.py").write_text(
        "import runpy, sys\n"
        "sys.version_info = (3, 10, 2)\n"
        "sys.argv = sys.argv[1:]\n"
        "runpy.run_path('manage.py', run_name='__main__')\n"
    )
    said = _manage_without_packages("old.py", checkout=bare_checkout)
    assert said.startswith("manage.py: this is Python 3.10, and 3.11 or newer is needed: run `make demo` once")


def test_a_bad_setting_ends_a_command_with_a_sentence(bare_environment: dict[str, str]) -> None:
    """The sentence goes to stderr without a traceback, and the exit code is 1."""
    bare_environment["DATABASE_URL"] = "mysql://host/name"
    result = _python("manage.py", "migrate", environment=bare_environment)
    assert result.returncode == 1
    assert result.stderr.startswith("manage.py: DATABASE_URL is not a PostgreSQL address")
    assert result.stderr.count("\n") == 1


_NO_DATABASE = "manage.py: the database cannot be reached, or failed: check DATABASE_URL"
_FILES_ALONE = "The database does not answer, so this is what the files of this home tell."


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["trace"], _FILES_ALONE), (["logs", "7"], _FILES_ALONE), (["sync", "a/b"], _NO_DATABASE)],
    ids=["trace", "logs", "sync"],
)
@pytest.mark.slow
def test_an_unreachable_database_is_told(arguments: list[str], said: str, bare_environment: dict[str, str]) -> None:
    """By a sentence that names DATABASE_URL, or says that files alone are read; the password in it is nowhere."""
    address = "postgresql://me:hunter2@127.0.0.1:1/name"
    bare_environment |= {"DATABASE_URL": address, "CELERY_BROKER_URL": "redis://127.0.0.1:1/0", "GITHUB_TOKEN": "t"}
    result = _python("manage.py", *arguments, environment=bare_environment)
    assert result.returncode == 1
    assert result.stderr.startswith(said)
    assert "Traceback" not in result.stderr
    assert "hunter2" not in result.stderr


def test_a_database_without_our_tables_asks_for_migrate(program_environment: dict[str, str]) -> None:
    """The error names the command that creates them."""
    address = program_environment["DATABASE_URL"]
    program_environment["DATABASE_URL"] = (
        f"{address.partition('?')[0].rpartition('/')[0]}/postgres?{address.partition('?')[2]}"
    )
    result = _python("manage.py", "trace", environment=program_environment)
    assert result.stderr == "manage.py: the database has not all of our tables: run `manage.py migrate`\n"


def test_an_argument_in_another_encoding_is_refused(bare_environment: dict[str, str]) -> None:
    """The error comes before any server is started."""
    result = _python("manage.py", "trace", "caf\udce9", environment=bare_environment)
    assert (result.returncode, result.stderr) == (1, "manage.py: 'caf\\udce9' is not written in UTF-8\n")


@pytest.mark.slow
def test_ctrl_c_stops_a_command_quietly(program_environment: dict[str, str]) -> None:
    """There is one word, no traceback, and the exit code of a program that SIGINT ended."""
    code = "import os, signal; os.kill(os.getpid(), signal.SIGINT)"
    result = _python("manage.py", "shell", "-v0", "-c", code, environment=program_environment)
    assert (result.returncode, result.stderr) == (130, "\nmanage.py: stopped\n")


@pytest.mark.slow
def test_a_reader_that_has_seen_enough_is_no_error(program_environment: dict[str, str]) -> None:
    """`manage.py logs 7 | head` ends without a word."""
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
def test_a_service_without_server_settings_asks_for_them(program: list[str], bare_environment: dict[str, str]) -> None:
    """Worker, beat and web exit and name the variables, rather than guess."""
    result = _python(*program, environment=bare_environment)
    assert result.returncode != 0
    assert "Set DATABASE_URL" in result.stdout + result.stderr


@pytest.mark.parametrize(
    "program",
    [
        ["manage.py", "catalog"],
        ["-m", "celery", "-A", "apps.config", "worker", "--pool=solo"],
        ["-m", "gunicorn", "apps.config.wsgi", "--bind", "127.0.0.1:0"],
        ["-m", "uvicorn", "apps.config.asgi:application", "--port", "0"],
        ["-m", "uvicorn", "apps.config.asgi:application", "--port", "0", "--workers", "2"],
    ],
    ids=["command", "worker", "wsgi", "asgi", "several-asgi"],
)
def test_a_bad_setting_of_telemetry_ends_a_program_with_a_sentence(
    program: list[str], bare_environment: dict[str, str]
) -> None:
    """The sentence names the variable, its value and the possible ones; nothing restarts in a loop."""
    said = _refused(program, bare_environment, OTEL_TRACES_SAMPLER="sometimes")
    assert "OTEL_TRACES_SAMPLER is 'sometimes': nothing provides sometimes here: " in said
    assert "or choose from always_off, always_on, " in said


def _refused(program: list[str], environment: dict[str, str], **setting: str) -> str:
    """Return what a program says that has servers and ends all the same, because of a setting; no traceback is in it."""
    servers = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none", "CELERY_BROKER_URL": "redis://127.0.0.1:9/0"}
    result = _python(*program, environment={**environment, **servers, **setting})
    said = result.stdout + result.stderr
    assert result.returncode != 0 or "failed to start, stopping the parent process" in said  # uvicorn's with several
    assert "Traceback" not in said
    return said


@pytest.mark.parametrize(
    "program",
    [
        ["manage.py", "migrate"],
        ["-m", "celery", "-A", "apps.config", "worker", "--pool=solo"],
        ["-m", "celery", "-A", "apps.config", "beat"],
        ["-m", "gunicorn", "apps.config.wsgi", "--bind", "127.0.0.1:0"],
        ["-m", "uvicorn", "apps.config.asgi:application", "--port", "0", "--workers", "2"],
    ],
    ids=["command", "worker", "beat", "wsgi", "asgi"],
)
def test_half_a_github_app_ends_a_program_with_a_sentence(program: list[str], bare_environment: dict[str, str]) -> None:
    """When it starts, and not when somebody first wants to use the app."""
    said = _refused(program, bare_environment, SYNCTRACE_GITHUB_APP_ID="4711")
    assert "SYNCTRACE_GITHUB_APP_ID is set, and SYNCTRACE_GITHUB_APP_PRIVATE_KEY is not: set " in said


def test_a_bad_setting_ends_a_worker_with_a_sentence(bare_environment: dict[str, str]) -> None:
    """A worker exits as a command does, and prints nothing else."""
    bare_environment["SYNC_SWEEP_SECONDS"] = "often"
    result = _python("-m", "celery", "-A", "apps.config", "worker", environment=bare_environment)
    assert result.returncode == 1
    assert result.stderr == "celery: SYNC_SWEEP_SECONDS is 'often': set it to a number of seconds above 0.\n"


@pytest.mark.slow
def test_every_model_is_in_a_migration(program_environment: dict[str, str]) -> None:
    """`makemigrations` finds nothing to write."""
    result = _python("manage.py", "makemigrations", "--check", "--dry-run", environment=program_environment)
    assert result.returncode == 0, result.stdout


@pytest.mark.slow
def test_a_silent_broker_fails_within_five_seconds() -> None:
    """Sending to a port that accepts no connection fails soon, so that no command hangs."""
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
    """Beat sends the sweep by name; a worker without -Q serves it first, then recent runs, then backfill."""
    assert app.conf.beat_schedule["sweep"]["task"] == "apps.integrations.tasks.sweep"
    assert list(app.amqp.queues) == ["sweep", "sync", "background"]
    assert app.conf.task_default_queue == "sync"
    assert app.conf.task_acks_late is False


def test_a_step_ends_before_the_sweep_declares_it_dead() -> None:
    """The limits of a step are positive, in order and below SYNC_STEP_SECONDS; likewise those of an attempt."""
    for name in ("start_pipeline", "run_phase", "sweep"):
        limits = app.conf.task_annotations[f"apps.integrations.tasks.{name}"]
        assert 0 < limits["soft_time_limit"] < limits["time_limit"] < settings.SYNC_STEP_SECONDS
    assert 0 < app.conf.task_soft_time_limit < app.conf.task_time_limit <= settings.SYNC_ATTEMPT_SECONDS
