"""A Django and Celery project that has none of our apps, written to a folder: what an adopter of telemetry would have."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from tests.telemetry.canary import SECRETS

SETTINGS = """
ROOT_URLCONF = "bakery"
ALLOWED_HOSTS = ["*"]
SECRET_KEY = "of a bakery"
LOGGING_CONFIG = None
USE_TZ = True
MIDDLEWARE = []
"""

MODULE = '''
import asyncio, json, logging, os, sys, threading, time, warnings
from typing import Annotated

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bakery_settings")
django.setup()

import requests
import structlog
from celery import Celery, chain, chord, group
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.urls import path
from opentelemetry import baggage, context, trace

import telemetry
from telemetry import bind, emit, observe
from telemetry.celery import QuietTask, after_attempt
from telemetry.model import Event, Field, Level, Line, Operation, Result

telemetry.configure(stream=sys.stdout, excluded_urls=("/healthz$",))

app = Celery("bakery", broker=os.environ["BROKER"], backend=os.environ["BROKER"])
apart = {"global_keyprefix": os.environ["BAKERY"]}
app.conf.update(
    broker_connection_retry_on_startup=True,
    broker_transport_options=apart,
    result_backend_transport_options=apart,
    worker_prefetch_multiplier=1,
)
SECRETS = json.loads(os.environ["SECRETS"])


class Baked(Result):
    crumbs: Annotated[int, Field("Crumbs.")]


class Bake(
    Operation[Baked],
    name="bakery.bake",
    completed=Line(Level.INFO, "loaf", "crumbs", "duration_sec", when="it is out"),
    failed=Line(Level.ERROR, "loaf", "error_type", "error_msg", when="it burnt"),
):
    """One loaf."""

    loaf: Annotated[str, Field("Its name.")]


class Rang(Event, name="bakery.rang", level=Level.INFO, when="the bell rings"):
    """The bell."""

    times: Annotated[int, Field("How often.")]


@app.task(name="bake", bind=True)
def bake(self, loaf, failures=0):
    with observe(Bake(loaf=loaf)) as baking:
        emit(Rang(times=1))
        if self.request.retries < failures:
            error = ValueError("too cold")
            baking.retrying(error, countdown=0.05)
            raise self.retry(exc=error, countdown=0.05, max_retries=5)
        baking.completed(Baked(crumbs=3))
    return 1


@app.task(name="auto", autoretry_for=(ValueError,), retry_backoff=False, default_retry_delay=0.05, bind=True)
def auto(self):
    if self.request.retries < 1:
        raise ValueError("once")
    return 1


@app.task(name="add")
def add(*numbers):
    return 1


@app.task(name="bound")
def bound():
    emit(Rang(times=2))


@app.task(name="hang", time_limit=1)
def hang():
    with observe(Bake(loaf="forgotten")):
        time.sleep(60)


@app.task(name="fall")
def fall(number=9):
    """Die by a signal in the middle of three open spans, one of which has ended children."""
    with observe(Bake(loaf="fallen")) as baking, telemetry.span("bakery.knead", flour=1) as kneading:
        kneading.set(water=2)
        kneading.link("00-" + "1" * 32 + "-" + "2" * 16 + "-01")
        tracer = trace.get_tracer("somebody's", "1.2")
        with tracer.start_as_current_span("oven", kind=trace.SpanKind.CLIENT, attributes={"heat": 1}) as oven:
            oven.set_attribute("heat", 2)
            oven.set_attribute("token", SECRETS[0])
            oven.add_link(trace.SpanContext(3, 4, is_remote=True), {"why": "same"})
            oven.add_event("hot", {"degrees": 200})
            for turn in range(3):
                with telemetry.span("bakery.turn", turn=turn):
                    pass
            if number:
                os.kill(os.getpid(), number)
            os._exit(3)


@app.task(name="stubborn", time_limit=1)
def stubborn():
    """Ask for more than the hard time limit leaves."""
    import signal

    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with observe(Bake(loaf="stubborn")):
        while True:
            time.sleep(1)


@app.task(name="eat")
def eat():
    """Take all the memory that there is."""
    with observe(Bake(loaf="endless")):
        loaves = []
        while True:
            loaves.append(b"crumb" * 1_000_000)


@app.task(name="doze")
def doze():
    """Stay open until killed from outside."""
    with observe(Bake(loaf="dozing")):
        emit(Rang(times=9))
        time.sleep(300)


@app.task(name="pid")
def pid():
    return os.getpid()


@app.task(name="sticky")
def sticky():
    structlog.contextvars.bind_contextvars(stuck=1)
    structlog.get_logger().info("stuck")


@app.task(name="last")
def last():
    after_attempt(lambda ended_ns: structlog.get_logger().info("after", ended_ns=ended_ns))


@app.task(name="burn")
def burn():
    raise RuntimeError("burnt")


@app.task(name="swap", bind=True)
def swap(self):
    raise self.replace(add.s(1))


class Unpicklable(Exception):
    def __init__(self, oven, shelf):
        super().__init__(f"{oven} {shelf}")
        self.lock = threading.Lock()


@app.task(name="odd")
def odd():
    raise Unpicklable("left", "top")


@app.task(name="expected", throws=(KeyError,))
def expected():
    raise KeyError("rye")


@app.task(name="tick", base=QuietTask)
def tick(finds):
    if finds:
        emit(Rang(times=3))
        root = telemetry.Root.reserve(Bake)
        with root.addressed():
            add.delay(3)
        with root.finish(Bake(loaf="root")) as baking:
            baking.completed(Baked(crumbs=0))


@app.task(name="leak")
def leak(*secrets, **named):
    """Every secret goes every way in which something can leave a process."""
    log, tracer = structlog.get_logger(), trace.get_tracer("somebody's")
    for secret in secrets:
        with tracer.start_as_current_span(f"leak {secret}", attributes={"a": secret, "client_secret": secret}) as span:
            span.set_attribute("many", [secret, secret])
            span.add_link(span.get_span_context(), {"link": secret})
            span.add_event(f"event {secret}", {"e": secret})
            span.set_status(trace.StatusCode.ERROR, secret)
            with bind(note=secret):
                log.info(secret, field=secret, nested={"list": [secret], secret: 1}, password=secret)
                logging.getLogger("library").error("failed: %s", secret)
                warnings.warn(secret)
                try:
                    try:
                        raise ValueError(secret)
                    except ValueError as error:
                        span.record_exception(error)
                        raise RuntimeError("chained") from error
                except RuntimeError:
                    log.exception("caught")
        try:
            with observe(Bake(loaf=secret)):
                raise ValueError(secret)
        except ValueError:
            pass
    try:
        requests.get("http://127.0.0.1:9/rolls", params={"access_token": secrets[0]}, auth=("user", secrets[0]))
    except requests.RequestException as error:
        logging.getLogger("library").exception("no rolls: %s", error)
    raise RuntimeError(" ".join(secrets))


def order(request):
    token = context.attach(baggage.set_baggage("note", SECRETS[0]))
    with bind(team_id=9):
        bake.delay(request.GET["loaf"])
    context.detach(token)
    return HttpResponse("ordered")


def leaky(request):
    leak.delay(*SECRETS, named=SECRETS)
    raise LookupError(f"no {SECRETS}")


def wait_for(name):
    while not os.path.exists(name):
        time.sleep(0.01)


def slices(name):
    for number in range(3):
        emit(Rang(times=number))
        yield f"{number}\\n"
        wait_for(name)
        if name == "broken":
            raise OSError("the knife is blunt")


async def async_slices(name):
    for number in range(3):
        emit(Rang(times=number))
        yield f"{number}\\n"
        await asyncio.to_thread(wait_for, name)
        if name == "broken":
            raise OSError("the knife is blunt")


def sliced(request, name):
    return StreamingHttpResponse(slices(name))


async def async_sliced(request, name):
    return StreamingHttpResponse(async_slices(name))


async def async_order(request):
    emit(Rang(times=7))
    await asyncio.sleep(0)
    with observe(Bake(loaf="async")) as baking:
        baking.completed(Baked(crumbs=1))
    return HttpResponse("ordered")


async def burnt(request):
    raise LookupError("burnt")


def recipe(request):
    return FileResponse(open(__file__, "rb"))


def healthz(request):
    return HttpResponse("ok")


urlpatterns = [
    path("order/<slug:of>", lambda request, of: order(request)),
    path("leak", leaky),
    path("sliced/<slug:name>", sliced),
    path("async-sliced/<slug:name>", async_sliced),
    path("async-order", async_order),
    path("burnt", burnt),
    path("recipe", recipe),
    path("healthz", healthz),
]
application, asgi = get_wsgi_application(), get_asgi_application()
'''


class Broker(Protocol):
    """Servers of the tests, as far as a project that only uses telemetry has them."""

    @property
    def broker_url(self) -> str:
        """The address of a Valkey or Redis."""
        ...


class Bakery:
    """The project in a folder, with its own queues on the embedded broker; programs of it run in `environment`."""

    def __init__(self, folder: Path, broker: Broker, **environment: str) -> None:
        self.folder, self.home = folder, folder / "home"
        (folder / "bakery.py").write_text(MODULE)
        (folder / "bakery_settings.py").write_text(SETTINGS)
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{folder}:{Path.cwd()}",
            "DJANGO_SETTINGS_MODULE": "bakery_settings",
            "BAKERY": str(folder),
            "BROKER": broker.broker_url,
            "SECRETS": json.dumps(SECRETS),
            "TELEMETRY_HOME": str(self.home),
            "OTEL_SERVICE_NAME": "bakery",
            **environment,
        }

    def run(self, code: str, *, through: tuple[str, ...] = (), **environment: str) -> str:
        """What the program ``code`` printed; it must succeed."""
        result = subprocess.run(
            [sys.executable, *through, "-c", code],
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    def answer(self, code: str) -> str:
        """What the program ``code`` printed last that is no line of telemetry's."""
        return [said for said in self.run(code).splitlines() if not said.startswith("{")][-1]

    @contextmanager
    def running(self, *arguments: str, out: str, pass_fds: tuple[int, ...] = (), **environment: str) -> Iterator[None]:
        """The program runs inside, and has been asked to stop afterwards; what it printed is in the file ``out``."""
        with (self.folder / out).open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=self.folder,
                env={**self.environment, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=pass_fds,
            )
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def printed(self, out: str) -> str:
        """What a program printed."""
        return (self.folder / out).read_text()


def wait_until(fact: Callable[[], bool], *, seconds: float = 60) -> None:
    """``fact`` is true, or nearly a minute has passed: what is missing is for the tests to say."""
    deadline = time.monotonic() + seconds
    while not fact() and time.monotonic() < deadline:
        time.sleep(0.05)
