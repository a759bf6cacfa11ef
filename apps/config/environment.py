"""Read synctrace's environment variables, and nowhere else; telemetry reads its own (OTEL_*, SYNC_LOG_*)."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

CHECKOUT = Path(__file__).resolve().parents[2]

_NO_DATABASE = "postgresql:///synctrace"  # never connected to: programs that need a database require one first
_BROKER_SCHEMES = ("redis://", "rediss://", "redis+socket://")
_HOST_NAME = re.compile(r"(?!-)[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_MOST = 10_000  # the most of anything counted
_YES = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


@dataclass(frozen=True, kw_only=True)
class Environment:
    """The checked settings from the environment, none of them secret: keys are read where they are used."""

    home: Path
    database: dict[str, Any]
    broker_url: str | None
    debug: bool
    allowed_hosts: list[str]
    sweep_seconds: float
    max_wait_seconds: float
    attempt_seconds: float
    request_seconds: float
    stale_seconds: float
    step_seconds: float
    slice_seconds: float
    attempts_per_account: int
    ready_attempts: int
    fresh_hours: int
    plain_http_hosts: frozenset[str]
    jaeger_url: str
    api_urls: list[str]
    demo_api_url: str
    web_url: str
    web_origin: str
    proxies: int
    hsts_seconds: int
    command: str
    alive_file: Path | None
    embedded: bool


def read() -> Environment:
    """Return the checked environment, and set SYNCTRACE_HOME for telemetry and every program started from here.

    Raises `ImproperlyConfigured` with a sentence that says what to do about a bad value.
    """
    os.environ["SYNCTRACE_HOME"] = str(home())
    request_seconds = _positive("SYNC_REQUEST_SECONDS", default=30)
    stale_seconds = _positive("SYNC_STALE_SECONDS", default=120)
    web_url = (
        _web_address("SYNCTRACE_WEB_URL") or f"http://127.0.0.1:{_count('SYNCTRACE_WEB_PORT', default=8000, most=65_536)}"
    )
    is_tls = web_url.startswith("https:")
    if stale_seconds < 2 * request_seconds:
        raise ImproperlyConfigured(
            f"SYNC_STALE_SECONDS is {stale_seconds:g}, with a SYNC_REQUEST_SECONDS of {request_seconds:g}: set it to twice "
            "that or more, or an attempt that waits for GitHub's answer would be taken for dead."
        )
    return Environment(
        home=home(),
        database=database_settings(os.environ.get("DATABASE_URL") or _NO_DATABASE),
        broker_url=_broker_url(),
        debug=_boolean("SYNCTRACE_DEBUG", default=False),
        allowed_hosts=_words("SYNCTRACE_ALLOWED_HOSTS", default=_hosts_of(web_url)),
        sweep_seconds=_positive("SYNC_SWEEP_SECONDS", default=10),
        max_wait_seconds=_positive("SYNC_MAX_WAIT_SECONDS", default=60),
        attempt_seconds=_positive("SYNC_ATTEMPT_SECONDS", default=3_600),
        request_seconds=request_seconds,
        stale_seconds=stale_seconds,
        step_seconds=_positive("SYNC_STEP_SECONDS", default=300),
        slice_seconds=_positive("SYNC_SLICE_SECONDS", default=60),
        attempts_per_account=_count("SYNC_ATTEMPTS_PER_ACCOUNT", default=2),
        ready_attempts=_count("SYNC_READY_ATTEMPTS", default=16),
        fresh_hours=_count("SYNC_FRESH_HOURS", default=24, most=8_761),
        plain_http_hosts=_host_names("SYNC_PLAIN_HTTP_HOSTS"),
        jaeger_url=_web_address("SYNCTRACE_JAEGER_URL"),
        api_urls=_api_urls(),
        demo_api_url=_web_address("SYNCTRACE_DEMO_API_URL"),
        web_url=web_url,
        web_origin=urlsplit(web_url)._replace(path="", query="", fragment="").geturl(),
        proxies=_count("SYNCTRACE_PROXIES", default=1 if is_tls else 0, least=0),
        hsts_seconds=_count("SYNCTRACE_HSTS_SECONDS", default=30 * 86_400, least=0, most=10**9) if is_tls else 0,
        command=os.environ.get("SYNCTRACE_COMMAND") or "python manage.py",
        alive_file=Path(file) if (file := os.environ.get("SYNCTRACE_ALIVE_FILE")) else None,
        embedded=_boolean("SYNCTRACE_EMBEDDED", default=False),
    )


def home() -> Path:
    """Return the folder for data, keys, spans and lines: SYNCTRACE_HOME, or `var` in the checkout."""
    return Path(os.environ.get("SYNCTRACE_HOME") or CHECKOUT / "var").expanduser().resolve()


def has_servers() -> bool:
    """Return whether the environment names a database and a broker; raise `ImproperlyConfigured` if only one is named."""
    named = [name for name in ("DATABASE_URL", "CELERY_BROKER_URL") if os.environ.get(name)]
    if len(named) == 1:
        raise ImproperlyConfigured(
            f"Only {named[0]} is set: set both DATABASE_URL and CELERY_BROKER_URL to use your own servers, "
            "or neither to use embedded ones."
        )
    return bool(named)


def require_servers() -> None:
    """Raise `ImproperlyConfigured` unless a database and a broker are named, for programs that start none."""
    if not has_servers():
        raise ImproperlyConfigured(
            "Set DATABASE_URL (postgresql://USER:PASSWORD@HOST/NAME) and CELERY_BROKER_URL (redis://HOST:6379/0). "
            "Only the commands of manage.py start servers of their own."
        )


def secret_key(folder: Path) -> str:
    """Return Django's secret key: SYNCTRACE_SECRET_KEY, or one created once and kept in `folder/secret_key`."""
    return os.environ.get("SYNCTRACE_SECRET_KEY") or _kept(folder / "secret_key", secrets.token_urlsafe(50))


def encryption_keys(folder: Path) -> list[str]:
    """Return the Fernet keys for tokens at rest; the first one encrypts.

    They come from SYNCTRACE_ENCRYPTION_KEY (separated by commas; to rotate, put the new key first), or one is created
    once and kept in `folder/encryption_key`.
    """
    text = os.environ.get("SYNCTRACE_ENCRYPTION_KEY") or _kept(folder / "encryption_key", Fernet.generate_key().decode())
    keys = [key.strip() for key in text.split(",") if key.strip()]
    try:
        for key in keys:
            Fernet(key)
    except ValueError:
        raise ImproperlyConfigured(
            "SYNCTRACE_ENCRYPTION_KEY (or the file encryption_key) holds something that is not a Fernet key: "
            "make one with `python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'`."
        ) from None
    return keys


def github_app() -> tuple[str, str]:
    r"""Return the GitHub App's id, or client id, and its private key in PEM, or both empty; one alone is refused.

    SYNCTRACE_GITHUB_APP_PRIVATE_KEY is the key itself, in which ` ` may stand for a newline, or the path of its file.
    Whether it is a valid key is checked by `manage.py check` and by the code that signs with it.
    """
    app_id = os.environ.get("SYNCTRACE_GITHUB_APP_ID", "").strip()
    key = os.environ.get("SYNCTRACE_GITHUB_APP_PRIVATE_KEY", "").strip()
    if bool(app_id) != bool(key):
        names = ("SYNCTRACE_GITHUB_APP_ID", "SYNCTRACE_GITHUB_APP_PRIVATE_KEY")
        there, missing = names if app_id else names[::-1]
        raise ImproperlyConfigured(
            f"{there} is set, and {missing} is not: set {missing} to that of the same GitHub App, or unset {there} to use "
            "tokens alone."
        )
    if key and not key.startswith("-----BEGIN"):
        try:
            key = Path(key).expanduser().read_text().strip()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise ImproperlyConfigured(
                f"The file that SYNCTRACE_GITHUB_APP_PRIVATE_KEY names cannot be read ({reason}): give its path, as this "
                "process sees it, or the key itself, beginning with -----BEGIN."
            ) from None  # a key mistaken for a path is not shown
    return app_id, key.replace("\\n", "\n")


def database_settings(url: str) -> dict[str, Any]:
    """Return Django's settings for the PostgreSQL at `url`, with persistent connections that are checked before use."""
    try:
        parsed: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=None, conn_health_checks=True))
    except ValueError:
        parsed = {}
    if parsed.get("ENGINE") != "django.db.backends.postgresql" or not parsed["NAME"]:
        raise ImproperlyConfigured(
            "DATABASE_URL is not a PostgreSQL address: write it as postgresql://USER:PASSWORD@HOST:5432/NAME."
        )
    options = parsed.setdefault("OPTIONS", {})
    parsed["HOST"] = options.pop("host", parsed["HOST"])  # where Django's dbshell expects a socket's folder
    options.setdefault("connect_timeout", 5)
    # The store prepares its statements, like psycopg but unlike Django's cursors; some poolers cannot keep them.
    options["prepare_threshold"] = options.get("prepare_threshold", 5) or None
    return parsed


def _kept(path: Path, new: str) -> str:
    """Return the content of `path`, first written as `new`, atomically even when many processes start together."""
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}-") as file:  # mode 0600
                file.write(new)
                file.flush()
                with contextlib.suppress(FileExistsError):  # another process was first
                    os.link(file.name, path)
        content = path.read_text().strip()
    except OSError as error:
        variable = f"SYNCTRACE_{path.name.upper()}"
        raise ImproperlyConfigured(
            f"{path} cannot be read or written ({error.strerror}): set {variable}, "
            "or set SYNCTRACE_HOME to a folder of your own."
        ) from error
    except UnicodeDecodeError:
        raise ImproperlyConfigured(f"{path} is damaged: restore it, or remove it to have a new one made.") from None
    if not content:
        raise ImproperlyConfigured(f"{path} is empty: restore it, or remove it to have a new one made.")
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ImproperlyConfigured(f"{path} can be read by others: run `chmod 600` on it.")
    return content


def _broker_url() -> str | None:
    url = os.environ.get("CELERY_BROKER_URL") or None
    if url and not (url.startswith(_BROKER_SCHEMES) and _has_a_port(url)):
        raise ImproperlyConfigured(
            "CELERY_BROKER_URL is not a Redis or Valkey address: write it as redis://:PASSWORD@HOST:6379/0."
        )
    return url


def _has_a_port(url: str) -> bool:
    """Return whether the URL's port is valid or absent."""
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def _boolean(name: str, *, default: bool) -> bool:
    text = os.environ.get(name)
    if not text:
        return default
    if text.lower() not in _YES:
        raise ImproperlyConfigured(f"{name} is {text!r}: set it to 1 or 0.")
    return _YES[text.lower()]


def _words(name: str, *, default: list[str]) -> list[str]:
    return [word.strip() for word in os.environ.get(name, "").split(",") if word.strip()] or default


def _host_names(name: str) -> frozenset[str]:
    hosts = [word.lower() for word in _words(name, default=[])]
    for host in hosts:
        if not _HOST_NAME.fullmatch(host):
            raise ImproperlyConfigured(
                f"{name} holds {host!r}, which is not a host name: write names alone, without scheme, port or wildcard, "
                "separated by commas."
            )
    return frozenset(hosts)


def _hosts_of(web_url: str) -> list[str]:
    """Return the host names of the web server: this machine's own, and that of its public address."""
    here = ["localhost", "127.0.0.1", "[::1]"]
    host = urlsplit(web_url).hostname or ""
    return [*here, f"[{host}]" if ":" in host else host]


def _api_urls() -> list[str]:
    """Return the GitHub APIs that people may connect to in the console; the first is offered first."""
    name = "SYNCTRACE_API_URLS"
    return [_checked_address(name, word) for word in _words(name, default=["https://api.github.com"])]


def _web_address(name: str) -> str:
    return _checked_address(name, os.environ.get(name, "").strip())


def _checked_address(name: str, text: str) -> str:
    try:
        parts = urlsplit(text)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_address = False
    if text and not is_address:
        raise ImproperlyConfigured(f"{name} is {text!r}: write it as http://HOST:PORT, as a browser would need it.")
    return text.rstrip("/")


def _positive(name: str, *, default: float) -> float:
    text = os.environ.get(name)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value < float("inf"):
        raise ImproperlyConfigured(f"{name} is {text!r}: set it to a number of seconds above 0.")
    return value


def _count(name: str, *, default: int, least: int = 1, most: int = _MOST) -> int:
    text = os.environ.get(name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and least <= int(text) < most):
        raise ImproperlyConfigured(f"{name} is {text!r}: set it to a whole number from {least} to {most - 1:,}.")
    return int(text)
