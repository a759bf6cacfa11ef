"""Django's and Celery's settings; `apps.config.environment` reads what the environment decides."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from django.utils.functional import SimpleLazyObject

from apps.config import environment, instrumentation

if TYPE_CHECKING:
    from kombu import Queue


def _queues() -> list[Queue]:
    """Return the queues on first use: a command that only reads needs nothing of Celery."""
    from kombu import Queue

    return [Queue("sweep"), Queue("sync"), Queue("background")]


_environment = environment.read()
_telemetry = instrumentation.settings()

SYNCTRACE_HOME = _environment.home
SECRET_KEY = environment.secret_key(SYNCTRACE_HOME)
SYNCTRACE_ENCRYPTION_KEYS = environment.encryption_keys(SYNCTRACE_HOME)
"""Fernet keys for tokens at rest; encrypt with the first, decrypt with any."""
SYNCTRACE_GITHUB_APP_ID, SYNCTRACE_GITHUB_APP_PRIVATE_KEY = environment.github_app()
"""A GitHub App whose installations can replace tokens, at the first of SYNCTRACE_API_URLS; empty: none."""

DEBUG = _environment.debug
DEFAULT_EXCEPTION_REPORTER_FILTER = "apps.config.debug_page.WithoutAddresses"
ALLOWED_HOSTS = _environment.allowed_hosts
ROOT_URLCONF = "apps.config.urls"
WSGI_APPLICATION = "apps.config.wsgi.application"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "apps.config",
    "apps.utils",
    "apps.teams",
    "apps.repositories",
    "apps.integrations",
    "apps.pulls",
    "apps.analysis",
    "apps.console",
    "apps.github_simulator",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "apps.console.web.content_policy.ContentPolicy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "apps.console.web.for_users.ForUsers",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.console.web.navigation.navigation",
            ]
        },
    }
]

SYNCTRACE_HAS_DATABASE = environment.has_servers()
"""Whether the environment names a database; commands that only read can do without one."""
SYNCTRACE_API_URLS = _environment.api_urls
"""The GitHub APIs that people may connect to in the console: our server sends requests to no others for them."""
SYNCTRACE_DEMO_API_URL = _environment.demo_api_url
"""The simulated GitHub with the demo's data, for looking around first; empty: there is none."""
SYNCTRACE_WEB_URL = _environment.web_url
"""Where a browser finds our pages; with https, cookies are sent only over TLS."""
SYNCTRACE_PROXIES = _environment.proxies
"""How many proxies stand before the web, each adding to X-Forwarded-For; what precedes theirs is not believed."""
_is_tls = SYNCTRACE_WEB_URL.startswith("https:")
if SYNCTRACE_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CSRF_TRUSTED_ORIGINS = [_environment.web_origin]
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _is_tls
SECURE_REDIRECT_EXEMPT = ["^healthz$"]  # asked for from inside, without TLS
SECURE_HSTS_SECONDS = _environment.hsts_seconds
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]  # we cannot promise TLS for other hosts of the domain
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"

DATABASES = {"default": _environment.database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = "apps.config.formats"  # a language's own formats would otherwise override any setting

STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True  # static files are served from the apps' folders: nothing to collect

LOGGING_CONFIG = None  # telemetry configures logging, for Django, Celery and libraries alike

SYNC_SWEEP_SECONDS = _environment.sweep_seconds
"""How often the sweep looks for lost and parked work."""
SYNC_MAX_WAIT_SECONDS = _environment.max_wait_seconds
"""A longer wait for GitHub's limit parks the repository instead of sleeping."""
SYNC_ATTEMPT_SECONDS = _environment.attempt_seconds
"""The hard time limit of one attempt at a repository: nothing may hang at 0%. The soft limit is nine tenths of it."""
SYNC_REQUEST_SECONDS = _environment.request_seconds
"""The total deadline of one request to GitHub."""
SYNC_PLAIN_HTTP_HOSTS = _environment.plain_http_hosts
"""Hosts, besides this machine, to which tokens may be sent without TLS: a simulated GitHub on a private network."""
SYNC_STALE_SECONDS = _environment.stale_seconds
"""An attempt without a sign of life for this long counts as dead, and another is sent."""
SYNC_ATTEMPTS_PER_ACCOUNT = _environment.attempts_per_account
"""How many attempts may be in flight with one GitHub account: one asks, the others have asked and are writing."""
SYNC_READY_ATTEMPTS = _environment.ready_attempts
"""How many attempts may wait for a worker on each queue: all others wait as rows, whose order is fair."""
SYNC_SLICE_SECONDS = _environment.slice_seconds
"""How long an attempt keeps its place while other teams want its account, or other attempts its worker."""
SYNC_FRESH_HOURS = _environment.fresh_hours
"""How old a team's stored data may be, unless the team has a promise of its own."""
SYNC_STEP_SECONDS = _environment.step_seconds
"""An analysis or metrics task that has not ended by then counts as dead and is sent again; it is stopped before."""

SYNCTRACE_SERVICE_NAME = _telemetry.service_name
"""The service name of our traces in Jaeger."""
SYNCTRACE_VERSION = dict(_telemetry.resource)["service.version"]
SYNCTRACE_LOG_FILE = _telemetry.log_file
"""The file that our processes write lines to, or None."""
SYNCTRACE_TRACES_FILE = _telemetry.traces_file
"""The file that our processes write spans to, or None."""
SYNCTRACE_JOURNAL = _telemetry.journal
"""The folder where our processes keep spans not exported yet, or None."""
SYNCTRACE_JAEGER_URL = _environment.jaeger_url
"""Where a browser finds Jaeger; empty if there is none."""
SYNCTRACE_COMMAND = _environment.command
"""How people here call commands, before the command's name, as printed on pages and in results."""
SYNCTRACE_ALIVE_FILE = _environment.alive_file
"""A file that a worker touches every two seconds while it has its broker, for a health check; None: no file."""
SYNCTRACE_EMBEDDED = _environment.embedded
"""Whether this command runs on its own servers (`apps.config.local_servers`), which no other worker serves."""

CELERY_BROKER_URL = _environment.broker_url
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True  # a task's results are in the database
CELERY_TASK_ACKS_LATE = False  # the sweep finds a lost attempt, and its row numbers it
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_DB_REUSE_MAX = sys.maxsize  # a connection outlives its task, and is checked before the next (`apps.config.celery`)
CELERY_TASK_TIME_LIMIT = SYNC_ATTEMPT_SECONDS
CELERY_TASK_SOFT_TIME_LIMIT = SYNC_ATTEMPT_SECONDS * 0.9  # leaves time to report it before the hard limit
CELERY_TASK_ANNOTATIONS = {
    f"apps.integrations.tasks.{name}": {
        "time_limit": SYNC_STEP_SECONDS * 0.9,  # so it ends before the sweep takes it for dead
        "soft_time_limit": SYNC_STEP_SECONDS * 0.8,
    }
    for name in ("start_pipeline", "run_phase", "sweep", "admit")
}
CELERY_TASK_DEFAULT_QUEUE = "sync"
CELERY_TASK_QUEUES = SimpleLazyObject(_queues)
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 2 * CELERY_TASK_TIME_LIMIT,
    # In the order of CELERY_TASK_QUEUES: the sweep waits behind nobody, backfills behind recent runs.
    "queue_order_strategy": "priority",
    "socket_connect_timeout": 3,  # a dead broker is reported within five seconds
    "retry_on_timeout": False,
}
CELERY_BROKER_CONNECTION_TIMEOUT = 3
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY = True
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 3, "interval_start": 0.2, "interval_step": 0.5, "interval_max": 1}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(SYNCTRACE_HOME / "celerybeat-schedule")
CELERY_BEAT_SCHEDULE: dict[str, Any] = {
    "sweep": {
        "task": "apps.integrations.tasks.sweep",
        "schedule": SYNC_SWEEP_SECONDS,
        "options": {"queue": "sweep"},
    },
}
