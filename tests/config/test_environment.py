"""The environment is read once, checked, and bad values are said in a sentence that says what to do."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from apps.config import environment

_KEYS = (
    "SYNCTRACE_HOME",
    "SYNCTRACE_SECRET_KEY",
    "SYNCTRACE_ENCRYPTION_KEY",
    "DATABASE_URL",
    "CELERY_BROKER_URL",
    "SYNCTRACE_DEBUG",
    "SYNCTRACE_ALLOWED_HOSTS",
    "SYNC_SWEEP_SECONDS",
    "SYNC_STALE_SECONDS",
    "SYNC_ATTEMPTS_PER_ACCOUNT",
    "SYNC_READY_ATTEMPTS",
    "SYNC_FRESH_HOURS",
    "SYNC_PLAIN_HTTP_HOSTS",
    "SYNCTRACE_JAEGER_URL",
    "SYNCTRACE_API_URLS",
    "SYNCTRACE_WEB_URL",
    "SYNCTRACE_WEB_PORT",
    "SYNCTRACE_PROXIES",
    "SYNCTRACE_HSTS_SECONDS",
    "SYNCTRACE_COMMAND",
    "SYNCTRACE_ALIVE_FILE",
    "SYNCTRACE_EMBEDDED",
)


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in _KEYS:
        monkeypatch.setenv(key, "")


def test_nothing_set_means_the_checkouts_var_and_no_servers() -> None:
    """Without settings data goes to `var` in the checkout, debugging is off and the servers are embedded."""
    read = environment.read()
    assert read.home == Path(__file__).resolve().parents[2] / "var"
    assert not read.debug
    assert read.broker_url is None
    assert read.plain_http_hosts == set()
    assert (read.jaeger_url, read.command, read.alive_file) == ("", "python manage.py", None)
    assert read.api_urls == ["https://api.github.com"]
    assert not read.embedded
    assert not environment.has_servers()


def test_values_are_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every variable reaches the settings."""
    monkeypatch.setenv("SYNCTRACE_HOME", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:p%40ss@db.example:5433/name?sslmode=require")
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://broker:6379/0")
    monkeypatch.setenv("SYNCTRACE_DEBUG", "yes")
    monkeypatch.setenv("SYNCTRACE_ALLOWED_HOSTS", "a.example, b.example")
    monkeypatch.setenv("SYNC_SWEEP_SECONDS", "2.5")
    monkeypatch.setenv("SYNC_PLAIN_HTTP_HOSTS", "github-simulator, GHE.example,")
    monkeypatch.setenv("SYNC_READY_ATTEMPTS", "40")
    monkeypatch.setenv("SYNC_FRESH_HOURS", "8760")
    monkeypatch.setenv("SYNCTRACE_JAEGER_URL", "http://127.0.0.1:16686/")
    monkeypatch.setenv("SYNCTRACE_API_URLS", "https://ghe.example/api/v3, https://api.github.com/")
    monkeypatch.setenv("SYNCTRACE_COMMAND", "docker compose run --rm")
    monkeypatch.setenv("SYNCTRACE_ALIVE_FILE", "/var/alive")
    monkeypatch.setenv("SYNCTRACE_EMBEDDED", "1")
    read = environment.read()
    database = read.database
    assert (database["USER"], database["PASSWORD"], database["HOST"]) == ("me", "p@ss", "db.example")
    assert (database["PORT"], database["NAME"], database["OPTIONS"]["sslmode"]) == (5433, "name", "require")
    assert database["CONN_MAX_AGE"] is None
    assert database["CONN_HEALTH_CHECKS"] is True
    assert (read.home, read.debug, read.allowed_hosts) == (tmp_path, True, ["a.example", "b.example"])
    assert (read.broker_url, read.sweep_seconds) == ("redis://broker:6379/0", 2.5)
    assert (read.ready_attempts, read.attempts_per_account, read.fresh_hours) == (40, 2, 8_760)
    assert read.plain_http_hosts == {"github-simulator", "ghe.example"}
    assert (read.jaeger_url, read.command) == ("http://127.0.0.1:16686", "docker compose run --rm")
    assert read.api_urls == ["https://ghe.example/api/v3", "https://api.github.com"]
    assert read.alive_file == Path("/var/alive")
    assert read.embedded
    assert environment.has_servers()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", ("http://127.0.0.1:8000", "http://127.0.0.1:8000", 0, 0, "127.0.0.1")),
        ("http://sync.example:81/", ("http://sync.example:81", "http://sync.example:81", 0, 0, "sync.example")),
        ("https://sync.example/there", ("https://sync.example/there", "https://sync.example", 1, 2_592_000, "sync.example")),
        (
            "https://[2001:db8::1]:8443",
            ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443", 1, 2_592_000, "[2001:db8::1]"),
        ),
    ],
)
def test_the_web_s_address_says_whether_tls_is_to_be_had(
    url: str, expected: tuple[str, str, int, int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then a proxy stands before it, unless somebody says otherwise; its name is one that the web is reached by."""
    monkeypatch.setenv("SYNCTRACE_WEB_URL", url)
    read = environment.read()
    assert (read.web_url, read.web_origin, read.proxies, read.hsts_seconds, read.allowed_hosts[-1]) == expected
    assert read.allowed_hosts[:3] == ["localhost", "127.0.0.1", "[::1]"]
    monkeypatch.setenv("SYNCTRACE_PROXIES", "0")
    monkeypatch.setenv("SYNCTRACE_HSTS_SECONDS", "0")
    assert (environment.read().proxies, environment.read().hsts_seconds) == (0, 0)


def test_the_web_s_port_is_in_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody names another."""
    monkeypatch.setenv("SYNCTRACE_WEB_PORT", "8123")
    assert environment.read().web_url == "http://127.0.0.1:8123"


def test_a_sockets_folder_is_the_host() -> None:
    """An embedded database's address puts the folder where Django and its dbshell look."""
    database = environment.database_settings("postgresql://synctrace@/synctrace?host=/run/Some-Folder")
    assert database["HOST"] == "/run/Some-Folder"


@pytest.mark.parametrize(("query", "threshold"), [("", 5), ("?prepare_threshold=1", 1), ("?prepare_threshold=false", None)])
def test_statements_are_prepared_unless_a_pooler_forbids_it(query: str, threshold: int | None) -> None:
    """The address decides."""
    assert environment.database_settings(f"postgresql://host/name{query}")["OPTIONS"]["prepare_threshold"] == threshold


@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        ("DATABASE_URL", "mysql://host/name", "write it as postgresql://"),
        ("DATABASE_URL", "nonsense", "write it as postgresql://"),
        ("DATABASE_URL", "postgresql://host:port/name", "write it as postgresql://"),
        ("DATABASE_URL", "postgresql://host/", "write it as postgresql://"),
        ("CELERY_BROKER_URL", "amqp://host", "write it as redis://"),
        ("CELERY_BROKER_URL", "redis://host:port/0", "write it as redis://"),
        ("SYNCTRACE_DEBUG", "maybe", "set it to 1 or 0"),
        ("SYNC_SWEEP_SECONDS", "soon", "a number of seconds above 0"),
        ("SYNC_SWEEP_SECONDS", "-1", "a number of seconds above 0"),
        ("SYNC_SWEEP_SECONDS", "nan", "a number of seconds above 0"),
        ("SYNC_STALE_SECONDS", "59", "twice that or more"),
        ("SYNC_READY_ATTEMPTS", "0", "a whole number from 1 to 9,999"),
        ("SYNCTRACE_PROXIES", "-1", "a whole number from 0 to 9,999"),
        ("SYNCTRACE_API_URLS", "https://api.github.com,ghe", "write it as http://HOST:PORT"),
        ("SYNCTRACE_WEB_URL", "sync.example", "write it as http://HOST:PORT"),
        ("SYNC_READY_ATTEMPTS", "1.5", "a whole number from 1 to 9,999"),
        ("SYNC_ATTEMPTS_PER_ACCOUNT", "all", "a whole number from 1 to 9,999"),
        ("SYNC_ATTEMPTS_PER_ACCOUNT", "10000", "a whole number from 1 to 9,999"),
        ("SYNC_PLAIN_HTTP_HOSTS", "http://ghe.example", "names alone, without scheme"),
        ("SYNC_PLAIN_HTTP_HOSTS", "ghe.example:8080", "names alone, without scheme"),
        ("SYNC_PLAIN_HTTP_HOSTS", "good, *", "names alone, without scheme"),
        ("SYNC_PLAIN_HTTP_HOSTS", "two words", "names alone, without scheme"),
        ("SYNCTRACE_JAEGER_URL", "javascript:alert(1)", "write it as http://HOST:PORT"),
        ("SYNCTRACE_JAEGER_URL", "jaeger:16686", "write it as http://HOST:PORT"),
    ],
)
def test_a_bad_value_is_explained(name: str, value: str, advice: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the variable and what to write."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=advice) as caught:
        environment.read()
    assert name in str(caught.value)


def test_a_bad_address_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address may hold a password, so that the message about it does not show it."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:hunter2@host:port/name")
    with pytest.raises(ImproperlyConfigured) as caught:
        environment.read()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["DATABASE_URL", "CELERY_BROKER_URL"])
def test_one_server_of_two_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the servers embedded and half not is nothing that anybody wants."""
    monkeypatch.setenv(name, "redis://host")
    with pytest.raises(ImproperlyConfigured, match=f"Only {name} is set"):
        environment.has_servers()


@pytest.mark.parametrize(
    ("name", "value", "other"),
    [
        ("SYNCTRACE_GITHUB_APP_ID", "4711", "SYNCTRACE_GITHUB_APP_PRIVATE_KEY"),
        ("SYNCTRACE_GITHUB_APP_PRIVATE_KEY", "-----BEGIN RSA PRIVATE KEY-----", "SYNCTRACE_GITHUB_APP_ID"),
    ],
)
def test_half_a_github_app_is_refused(name: str, value: str, other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are named, with what to do, and the key is not shown."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured) as caught:
        environment.github_app()
    todo = f"set {other} to that of the same GitHub App, or unset {name} to use tokens alone."
    assert str(caught.value) == f"{name} is set, and {other} is not: {todo}"
    monkeypatch.setenv(other, "-----BEGIN RSA PRIVATE KEY-----" if value == "4711" else "4711")
    assert environment.github_app() == ("4711", "-----BEGIN RSA PRIVATE KEY-----")


def test_programs_without_servers_of_their_own_ask_for_them() -> None:
    """A worker or web process without addresses says which variables to set."""
    with pytest.raises(ImproperlyConfigured, match=r"Set DATABASE_URL .* and CELERY_BROKER_URL"):
        environment.require_servers()


def test_keys_are_made_once_and_for_their_owner_alone(tmp_path: Path) -> None:
    """The first process makes each key, in a file that only its user can read; later ones read it."""
    home = tmp_path / "home"
    first = environment.secret_key(home), environment.encryption_keys(home)
    assert (environment.secret_key(home), environment.encryption_keys(home)) == first
    for name in ("secret_key", "encryption_key"):
        assert stat.S_IMODE((home / name).stat().st_mode) == 0o600


def test_processes_that_start_together_agree_on_a_key(tmp_path: Path) -> None:
    """Of many that find no key, one makes it and all use it."""
    together = threading.Barrier(8)
    keys = []

    def start() -> None:
        together.wait()
        keys.append(environment.secret_key(tmp_path))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_several_encryption_keys_are_for_rotation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys separated by commas are all returned, in order, and no file is made."""
    keys = [Fernet.generate_key().decode() for _ in range(2)]
    monkeypatch.setenv("SYNCTRACE_ENCRYPTION_KEY", ", ".join(keys))
    assert environment.encryption_keys(tmp_path) == keys
    assert list(tmp_path.iterdir()) == []


def test_a_bad_encryption_key_is_explained_and_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says how to make a key and does not repeat what was given."""
    monkeypatch.setenv("SYNCTRACE_ENCRYPTION_KEY", "hunter2")
    with pytest.raises(ImproperlyConfigured, match=r"Fernet\.generate_key") as caught:
        environment.encryption_keys(tmp_path)
    assert "hunter2" not in str(caught.value)


def test_an_empty_key_file_is_not_replaced(tmp_path: Path) -> None:
    """A damaged key is a person's to restore: a new one would make every stored token unreadable."""
    (tmp_path / "encryption_key").touch(mode=0o600)
    with pytest.raises(ImproperlyConfigured, match="is empty: restore it"):
        environment.encryption_keys(tmp_path)


def test_a_damaged_key_file_is_not_replaced(tmp_path: Path) -> None:
    """Bytes that are no text are said to be none."""
    (tmp_path / "secret_key").write_bytes(b"\xff\xfe")
    with pytest.raises(ImproperlyConfigured, match="is damaged: restore it"):
        environment.secret_key(tmp_path)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """A key file open to others is an error with the command that closes it."""
    environment.secret_key(tmp_path)
    (tmp_path / "secret_key").chmod(0o644)
    with pytest.raises(ImproperlyConfigured, match="chmod 600"):
        environment.secret_key(tmp_path)


def test_a_home_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    """Without a place for the key, the message names both ways out."""
    (tmp_path / "file").touch()
    with pytest.raises(ImproperlyConfigured, match="set SYNCTRACE_SECRET_KEY, or set SYNCTRACE_HOME"):
        environment.secret_key(tmp_path / "file")
