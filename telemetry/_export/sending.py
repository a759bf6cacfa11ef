"""Hand spans to an exporter and tell the result: taken, refused for good, or away for now.

An exporter says only that it failed. Whether a retry makes sense follows from its receiver's answer, which is seen
through the session given to the HTTP exporter and through the stub of the gRPC one. Each tries once: the spool decides
when to retry, not an exporter that sleeps. The specification of OTLP lists what may be retried
(https://opentelemetry.io/docs/specs/otlp/#failures).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, Protocol

from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from telemetry import _health
from telemetry._export.counts import reason_of
from telemetry._export.span_files import SpanFile

_AGAIN_LATER = frozenset({429, 502, 503, 504})
_AGAIN_LATER_GRPC = frozenset(
    {"CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS", "RESOURCE_EXHAUSTED"}
)
_MOST_SECONDS = 60.0
_NO_METERS = NoOpMeterProvider()  # `own_metrics` counts for them


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The result of handing over one batch."""

    is_away: bool = False
    """Whether it may be sent again later."""
    reason: str | None = None
    """Why it was not taken; None if it was."""
    rejected: int = 0
    """How many spans of a taken batch the receiver rejected."""
    after_seconds: float | None = None
    """How long a receiver that is away asks us to wait."""


TAKEN = Answer()


class Sender(Protocol):
    """Hands batches to one exporter."""

    def send(self, spans: Sequence[ReadableSpan]) -> Answer:
        """Hand over one batch, once."""
        raise NotImplementedError

    def close(self) -> None:
        """Shut the exporter down."""


class FileSender:
    """Writes to our file of spans; any error that prevents that may pass soon."""

    def __init__(self, file: SpanFile) -> None:
        self._file = file

    def send(self, spans: Sequence[ReadableSpan]) -> Answer:
        """Append one line with these spans."""
        try:
            self._file.write(spans)
        except OSError as error:
            _health.aside(error)
            return Answer(is_away=True, reason=reason_of(error))
        return TAKEN

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class ExporterSender:
    """Any registered exporter: what it does not take is dropped, as OpenTelemetry specifies."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def send(self, spans: Sequence[ReadableSpan]) -> Answer:
        """Export one batch."""
        return TAKEN if self._export(spans) else Answer(reason="failed")

    def close(self) -> None:
        """Shut the exporter down."""
        self._exporter.shutdown()

    def _export(self, spans: Sequence[ReadableSpan]) -> bool:
        try:
            return self._exporter.export(spans) is SpanExportResult.SUCCESS
        except Exception as error:  # noqa: BLE001  # somebody's exporter; telemetry never breaks its host
            _health.aside(error)
            return False


class LateSender:
    """An exporter that could not be made yet: until it can, it is away."""

    def __init__(self, make: Callable[[], Sender]) -> None:
        self._make = make
        self._made: Sender | None = None

    def send(self, spans: Sequence[ReadableSpan]) -> Answer:
        """Make the exporter, and hand over one batch."""
        try:
            self._made = self._made or self._make()
        except Exception as error:  # noqa: BLE001  # as above
            _health.aside(error)
            return Answer(is_away=True, reason="failed")
        return self._made.send(spans)

    def close(self) -> None:
        """Shut the exporter down, if it is there."""
        if self._made is not None:
            self._made.close()


class HttpSender(ExporterSender):
    """OTLP over HTTP, through a session that sees each answer."""

    def __init__(self, make: Callable[..., SpanExporter], *, timeout: float) -> None:
        self._answer: Answer | None = None
        super().__init__(make(timeout=timeout, session=self._watched(_session()), meter_provider=_NO_METERS))

    def send(self, spans: Sequence[ReadableSpan]) -> Answer:
        """Export one batch."""
        self._answer = None
        is_taken = self._export(spans)
        if is_taken:
            return self._answer or TAKEN
        return self._answer or Answer(reason="failed")

    def _watched(self, session: Any) -> Any:
        request = session.request

        def watch(*args: Any, **options: Any) -> Any:
            import requests

            try:
                try:
                    response = request(*args, **options)
                except requests.Timeout:
                    raise
                except requests.ConnectionError:  # such as a connection kept alive too long
                    response = request(*args, **options)
            except requests.RequestException as error:
                self._answer = Answer(is_away=True, reason="unreachable")
                raise _NotTakenError(_summary(error)) from None
            if 200 <= response.status_code < 300:
                self._answer = Answer(rejected=_rejected(response))
                return response
            is_away = response.status_code in _AGAIN_LATER
            after = _seconds(response.headers.get("Retry-After")) if is_away else None
            self._answer = Answer(is_away=is_away, reason="unreachable" if is_away else "refused", after_seconds=after)
            raise _NotTakenError(f"the receiver answered {response.status_code} {response.reason}")

        session.request = watch
        return session


class GrpcSender(ExporterSender):
    """OTLP over gRPC, through a stub that sees each answer."""

    def __init__(self, make: Callable[..., SpanExporter], *, timeout: float) -> None:
        from grpc import StatusCode

        self._answer: Answer | None = None
        super().__init__(
            make(
                timeout=timeout,
                compression=grpc_compression("TRACES"),
                retryable_error_codes=[StatusCode.OK],  # OK is not an error's code, so nothing is retried
                meter_provider=_NO_METERS,
            )
        )

    def send(self, spans: Sequence[ReadableSpan]) -> Answer:
        """Export one batch."""
        self._answer = None
        self._watch()
        if self._export(spans):
            return self._answer or TAKEN
        return self._answer or Answer(is_away=True, reason="unreachable")

    def _watch(self) -> None:
        stub = getattr(self._exporter, "_client", None)  # the status has no public way; the stub may be new
        if stub is None or isinstance(stub, _WatchedStub):
            return
        vars(self._exporter)["_client"] = _WatchedStub(stub, self._heard)

    def _heard(self, code: str | None, rejected: int) -> None:
        if code is None:
            self._answer = Answer(rejected=rejected)
        else:
            is_away = code in _AGAIN_LATER_GRPC
            self._answer = Answer(is_away=is_away, reason="unreachable" if is_away else "refused")


def send_once(sender: Sender, spans: Sequence[ReadableSpan]) -> Answer:
    """Hand over one batch; an exporter that raises has failed."""
    try:
        return sender.send(spans)
    except Exception as error:  # noqa: BLE001  # somebody's exporter; telemetry never breaks its host
        _health.aside(error)
        return Answer(reason="failed")


def grpc_compression(signal: str) -> Any:
    """Return what tells a gRPC exporter not to compress, if the environment does; None: it reads that for itself.

    It fails for the specification's `none` (opentelemetry-exporter-otlp-proto-grpc 1.45).
    """
    from grpc import Compression

    general = os.environ.get("OTEL_EXPORTER_OTLP_COMPRESSION", "")
    asked = os.environ.get(f"OTEL_EXPORTER_OTLP_{signal}_COMPRESSION") or general
    return Compression.NoCompression if asked.strip().lower() == "none" else None


class _WatchedStub:
    def __init__(self, stub: Any, heard: Callable[[str | None, int], None]) -> None:
        self._stub, self._heard = stub, heard

    def Export(self, *args: Any, **options: Any) -> Any:  # noqa: N802  # gRPC's name
        from grpc import RpcError

        try:
            response = self._stub.Export(*args, **options)
        except RpcError as error:
            code: Any = error
            self._heard(code.code().name, 0)
            raise
        self._heard(None, int(response.partial_success.rejected_spans))
        return response


class _NotTakenError(Exception):
    """A request failed in a way that the exporter must not retry by itself."""


def _session() -> Any:
    """Return the session of the credential provider named in the environment, or a new one."""
    import requests

    for part in ("TRACES_", ""):
        name = os.environ.get(f"OTEL_PYTHON_EXPORTER_OTLP_HTTP_{part}CREDENTIAL_PROVIDER", "")
        for provider in entry_points(group="opentelemetry_otlp_credential_provider", name=name) if name else ():
            return provider.load()()
    return requests.Session()


def _rejected(response: Any) -> int:
    """Return how many spans the receiver rejected of a batch that it took."""
    if not response.content or "protobuf" not in response.headers.get("Content-Type", ""):
        return 0
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

    with suppress(Exception):
        return int(ExportTraceServiceResponse.FromString(response.content).partial_success.rejected_spans)
    return 0


def _seconds(text: str | None) -> float | None:
    try:
        return None if text is None else min(max(float(text), 0.0), _MOST_SECONDS)
    except ValueError:
        return None


def _summary(error: Exception) -> str:
    """Return an error's class and cause, without the address, which may contain a password."""
    return f"{type(error).__name__}: {type(error.__context__ or error).__name__}"
