"""A Django and Celery project of somebody else's, in an environment of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from telemetry.reading import Span, read_lines, read_spans
from tests.package.environments import CHECKOUT

_CELERY_PY: Final = """\
import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
app = Celery("shop")
app.config_from_object("django.conf:settings", namespace="CELERY")

{sample}

@app.task
def ship_later(order):
    ship(order)
"""
_SETTINGS: Final = """
import os

CELERY_BROKER_URL = os.environ["BROKER_URL"]
CELERY_TASK_DEFAULT_QUEUE = "shop"
"""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """A virtual environment, and the folder of wheels that it is filled from."""

    folder: Path
    wheels: Path

    def make(self) -> None:
        """Create the environment, with nothing in it."""
        venv.create(self.folder, symlinks=True)

    @property
    def python(self) -> Path:
        """The interpreter."""
        return self.folder / "bin" / "python"

    def install(self, *requirements: str, compiled: bool = True) -> None:
        """Install `requirements` with pip, from the wheels alone; what is not compiled is sooner there, and smaller."""
        pip = [sys.executable, "-m", "pip", "--python", str(self.python), "--disable-pip-version-check"]
        options = ["--quiet", "--no-index", "--find-links", str(self.wheels), "--compile" if compiled else "--no-compile"]
        subprocess.run([*pip, "install", *options, *requirements], check=True)

    def packages(self) -> int:
        """Return how many distributions are installed."""
        return len(list(self.folder.rglob("*.dist-info")))

    def megabytes(self) -> float:
        """Return what the environment takes on disk, compiled modules included."""
        return sum(path.lstat().st_size for path in self.folder.rglob("*") if not path.is_dir()) / 1e6


def readme_samples() -> tuple[str, str]:
    """Return the operation that the README shows, and its test."""
    readme = (CHECKOUT / "README.md").read_text()
    operation, test = re.findall(r"^```python\n(.*?)^```", readme, re.DOTALL | re.MULTILINE)
    return operation, test


@dataclass(frozen=True, kw_only=True)
class Shop:
    """The project, and what its telemetry wrote."""

    python: Path
    folder: Path
    broker_url: str

    def make(self) -> None:
        """Start the project as Django does, with a Celery app that holds the README's sample."""
        self.folder.mkdir()
        self.run("-m", "django", "startproject", "shop", ".")
        package = self.folder / "shop"
        (package / "celery.py").write_text(_CELERY_PY.format(sample=readme_samples()[0]))
        (package / "__init__.py").write_text("from shop.celery import app as celery_app\n")
        with (package / "settings.py").open("a") as settings:
            settings.write(_SETTINGS)

    @contextmanager
    def started(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run Python in the project meanwhile."""
        environment = {
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "shop.settings",
            "BROKER_URL": self.broker_url,
            "TELEMETRY_LOG_FILE": str(self.folder / "logs.jsonl"),
            "TELEMETRY_TRACES_FILE": str(self.folder / "traces.jsonl"),
        }
        with subprocess.Popen([self.python, *arguments], cwd=self.folder, env=environment) as program:
            try:
                yield program
            finally:
                program.kill()

    def run(self, *arguments: str) -> None:
        """Run Python in the project, to a good end."""
        with self.started(*arguments) as program:
            assert program.wait(60) == 0

    def events(self) -> list[str]:
        """Return the events of its lines."""
        return [str(line["event"]) for line in read_lines(self.folder / "logs.jsonl")]

    def spans(self) -> list[Span]:
        """Return its spans."""
        return read_spans(self.folder / "traces.jsonl")
