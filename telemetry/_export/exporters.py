"""The exporters of spans that the settings ask for: any that an installed package registers, and our own file."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

from telemetry import _health
from telemetry._export import home_ledger
from telemetry._export.accounts import Account
from telemetry._export.batching import BatchingProcessor
from telemetry._export.outlets import Outlet
from telemetry._export.sending import ExporterSender, FileSender, GrpcSender, HttpSender, Sender, grpc_compression
from telemetry._export.span_files import SpanFile
from telemetry._export.span_requests import Settled
from telemetry._export.spool import spool_of
from telemetry.settings import TelemetrySettings

_PATIENCE = 5.0  # a busy machine may take seconds for a write; what nobody waits for is lost
FILE = "file"
"""What our file is called among exporters."""


class _Process:
    """The account of this process, whichever provider its spans are of."""

    account: Account | None = None
    lock = threading.RLock()


def make_processor(
    settings: TelemetrySettings, *, registered: bool, settled: Settled, turned: Callable[[], None]
) -> BatchingProcessor | None:
    """Return the processor of this process's spans: to our file, and to the `registered` exporters that are asked for.

    None if nothing is asked for. `settled` hears which spans an exporter is done with, `turned` of each turn of exporting.
    """
    makes: dict[str, Callable[[], Sender]] = {}
    if settings.traces_file is not None:
        path = settings.traces_file
        makes[FILE] = lambda: FileSender(SpanFile(path, settings.rotate_bytes))
    for name in settings.traces_exporters if registered else ():
        makes[name] = _sender(name, settings.traces_timeout)
    if not makes:
        return None
    outlets = [
        Outlet(
            name,
            number,
            make,
            batching=settings.batching,
            spool=None
            if settings.home is None or not settings.spool_bytes or not name.startswith("otlp_proto_")
            else spool_of(settings.home, name, settings.spool_bytes),
            patience=_PATIENCE if name == FILE else 1.0,
            settled=settled,
            turned=turned,
        )
        for number, (name, make) in enumerate(makes.items())
    ]
    return BatchingProcessor(lambda: _open_account(settings, list(makes)), outlets)


def _open_account(settings: TelemetrySettings, names: list[str]) -> tuple[Account, threading.RLock]:
    if _Process.account is None:
        account = Account(None if settings.home is None else settings.home / home_ledger.FOLDER, names)
        try:
            account.file()
            if settings.home is not None:
                home_ledger.settle(settings.home)
        except OSError as error:  # the exporting thread tries again
            _health.aside(error)
        _Process.account = account
    return _Process.account, _Process.lock


def _after_fork() -> None:
    if _Process.account is not None:
        _Process.account.forget()
    _Process.account, _Process.lock = None, threading.RLock()


os.register_at_fork(after_in_child=_after_fork)


def _sender(name: str, timeout: float) -> Callable[[], Sender]:
    (registered, *_) = entry_points(group="opentelemetry_traces_exporter", name=name)
    match name:
        case "otlp_proto_http":
            return lambda: HttpSender(registered.load(), timeout=timeout)
        case "otlp_proto_grpc":
            return lambda: GrpcSender(registered.load(), timeout=timeout)
    return lambda: ExporterSender(registered.load()())


def make_exporter(group: str, name: str, otlp_timeout: float) -> Any:
    """Return a new exporter that is registered as `name`; OTLP's own get their timeout, which the SDK has at 10 s."""
    (registered, *_) = entry_points(group=group, name=name)
    exporter: Callable[..., Any] = registered.load()
    match name:
        case "otlp_proto_http":
            return exporter(timeout=otlp_timeout)
        case "otlp_proto_grpc":
            return exporter(timeout=otlp_timeout, compression=grpc_compression("METRICS"))
    return exporter()
