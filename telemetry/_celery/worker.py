"""What a worker does for telemetry beside its tasks: it leaves logging alone, and flushes before it ends."""

from __future__ import annotations

from typing import Any

import click
from billiard.process import current_process
from celery.utils.log import mlevel
from click.core import ParameterSource

from telemetry import _health
from telemetry._celery import dying
from telemetry._lines import writing
from telemetry._spans import provider


@_health.guarded
def keep_logging(**_: Any) -> None:
    """Keep Celery from configuring logging, by listening to its signal, and honour `-l LEVEL`."""
    use_asked_level()


def use_asked_level() -> None:
    """Let the stream have the lines from the level that this process's command line asks Celery for, if it does."""
    command = click.get_current_context(silent=True)
    if command is None or command.get_parameter_source("loglevel") in (None, ParameterSource.DEFAULT):
        return
    writing.set_stream_level(mlevel(command.params["loglevel"]))


@_health.guarded
def before_init(options: dict[str, Any] | None = None, **_: Any) -> None:
    """Honour the level that a program gives its own `app.Worker(loglevel=...)`."""
    asked = (options or {}).get("loglevel")
    if asked is not None and click.get_current_context(silent=True) is None:
        writing.set_stream_level(mlevel(asked))


@_health.guarded
def before_children(**_: Any) -> None:
    """Stop what must not be running while a worker forks; it starts again with the next span."""
    provider.rest()
    dying.read_memory_kills()


@_health.guarded
def child_begins(**_: Any) -> None:
    """Look after the spans of children that died: here, for their parent has no exporter. A solo pool is no child."""
    provider.watch(is_child=current_process().name != "MainProcess")


@_health.guarded
def beat_begins(**_: Any) -> None:
    """Look after dead processes in beat, too, which has no span of its own: it may outlive all of a worker."""
    provider.watch(is_child=False)


@_health.guarded
def ready(sender: Any = None, **_: Any) -> None:
    """Look after dead processes also in a worker without children, whose threads may have no span for long."""
    pool = getattr(sender, "pool", None)
    if not type(pool).__module__.endswith((".prefork", ".solo")):
        provider.watch(is_child=False)


@_health.guarded
def leave(**_: Any) -> None:
    """Export what has ended, and say what became of it: Celery's children end without Python's own exit handlers."""
    provider.leave()
