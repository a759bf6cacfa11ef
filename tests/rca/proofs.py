"""By which spans, lines and rows each code can be proven: one of them must stand in the chain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.rca.evidence import AtLeast
from tests.rca.scenario import Code, Proof

_SECONDS = 2.0
_SYNC, _STEP = "run/apps.integrations.tasks.sync_repository", "run/apps.integrations.tasks.run_phase"


def _errors(*kinds: str, status: str = "", codes: tuple[int, ...] = ()) -> Iterator[Proof]:
    """Yield where an error of these kinds, which a call with that status and code met, can be seen."""
    if status:
        yield Proof("span", "sync.api.graphql", {"status": status})
        yield Proof("line", "sync.api.graphql", {"status": status})
    if codes:
        yield Proof("span", "sync.api.rest", {"status_code": codes})
        yield Proof("line", "sync.api.rest", {"status_code": codes})
    for key in ("error_type", "error.type"):
        for name in ("sync.api.graphql", "sync.api.rest", "sync.repo", "sync.pipeline", _SYNC, _STEP):
            yield Proof("span", name, {key: kinds})
    yield Proof("span", "sync.backoff", {"sync.backoff.error_type": kinds})
    yield Proof("line", "sync.repo.failed", {"error_type": kinds})
    yield Proof("line", "sync.pipeline.failed", {"error_type": kinds})
    yield Proof("line", "sync.task.retry", {"error": tuple(f"{each}*" for each in kinds)})
    yield Proof("row", "RepoSync", {"error_type": kinds})
    yield Proof("row", "PipelineRun", {"error_type": kinds})


def _limit(reason: str, kind: str, status: str) -> Iterator[Proof]:
    yield Proof("span", "sync.api.rate_wait", {"sync.rate_wait.reason": reason})
    yield Proof("span", "sync.parked", {"sync.rate_wait.reason": reason})
    yield Proof("line", "sync.api.rate_wait")
    yield Proof("row", "RepoSync", {"wait_reason": reason})
    yield Proof("row", "ApiLane", {"blocked_reason": reason})
    yield from _errors(kind, status=status, codes=(403, 429))


def _slow() -> Iterator[Proof]:
    for name in ("sync.api.graphql", "sync.api.rest"):
        yield Proof("span", name, {"seconds": AtLeast(_SECONDS)})
        yield Proof("line", name, {"duration_ms": AtLeast(_SECONDS * 1000)})
    yield from _errors("query_timeout", status="timeout", codes=(502, 504))


def _deaths() -> Iterator[Proof]:
    for name in ("sync.repo", "sync.api.graphql", "sync.api.rest", "sync.db.write", _SYNC, _STEP):
        yield Proof("span", name, {"outcome": "died"})
    for event in ("sync.worker.killed", "sync.attempt.dead", "sync.step.resent", "sync.lane.taken_over"):
        yield Proof("line", event)
    yield from _errors("attempt_died", "step_never_finished")


def _nobody() -> Iterator[Proof]:
    yield Proof("span", "sync.queue.wait", {"seconds": AtLeast(_SECONDS)})
    for name in (_SYNC, _STEP):
        yield Proof("span", name, {"celery.queue.wait_ms": AtLeast(_SECONDS * 1000)})
    for event in (
        "sync.worker.started",
        "sync.worker.drained",
        "sync.step.resent",
        "sync.beat.late",
        "sync.pipeline.started",
    ):
        yield Proof("line", event)
    for model in ("RepoSync", "PipelineRun", "Admission", "SweepTime"):
        yield Proof("row", model)


def _queue() -> Iterator[Proof]:
    yield Proof("span", "sync.queue.wait", {"seconds": AtLeast(_SECONDS)})
    for name in (_SYNC, _STEP):
        yield Proof("span", name, {"celery.queue.wait_ms": AtLeast(_SECONDS * 1000)})
    yield Proof("row", "Admission")
    yield Proof("row", "RepoSync")


def _lane() -> Iterator[Proof]:
    yield Proof("span", "sync.lane.wait", {"seconds": AtLeast(_SECONDS)})
    for name in ("sync.api.graphql", "sync.api.rest"):
        yield Proof("span", name, {"sync.lane.wait_ms": AtLeast(_SECONDS * 1000)})
    yield Proof("row", "RepoSync", {"wait_reason": "lane"})
    yield Proof("row", "ApiLane", {"holder": True})


def _database() -> Iterator[Proof]:
    yield Proof("line", "sync.database.lost")
    yield Proof("line", "sync.database.back")
    yield from _errors("OperationalError", "InterfaceError", "AdminShutdown")


def _broker() -> Iterator[Proof]:
    yield Proof("line", "sync.broker.lost")
    yield Proof("line", "sync.broker.back")
    yield Proof("line", "The broker cannot be reached: the sweep will send what is due.")


def _limits_of_time() -> Iterator[Proof]:
    yield Proof("line", "sync.worker.killed", {"cause": "its hard time limit*"})
    yield Proof(
        "row", "RepoSync", {"error_msg": tuple(f"Attempt {n} was killed: its hard time limit*" for n in range(1, 7))}
    )
    killed = tuple(f"attempt_died: Attempt {n} was killed: its hard time limit*" for n in range(1, 7))
    yield Proof("line", "sync.task.retry", {"error": killed})
    for name in (_SYNC, _STEP, "sync.repo", "sync.api.graphql", "sync.api.rest", "sync.db.write"):
        yield Proof("span", name, {"died.cause": "time_limit"})
    yield from _errors("out_of_time", "SoftTimeLimitExceeded")


def _called_off() -> Iterator[Proof]:
    yield Proof("line", "sync.run.cancelled")
    yield Proof("row", "PipelineRun", {"state": "cancelled"})
    yield Proof("row", "RepoSync", {"state": "cancelled"})
    for name in ("sync.pipeline", "sync.repo"):
        yield Proof("span", name, {"outcome": "cancelled"})


def _missing() -> Iterator[Proof]:
    yield Proof("row", "RepoSync", {"gaps": True})
    yield Proof("span", "sync.pipeline", {"sync.run.complete": False})
    yield from _errors("incomplete_history", "partial_answer")


_CONFIGURATION = ("proxy_refused", "invalid_api_url", "ImproperlyConfigured", "certificates_missing")
_OF_CODE: Mapping[Code, tuple[Proof, ...]] = {
    "token_refused": tuple(_errors("unauthorized", status="unauthorized", codes=(401,))),
    "sso_required": tuple(_errors("sso_required", status="forbidden", codes=(403,))),
    "ip_not_allowed": tuple(_errors("ip_not_allowed", status="forbidden", codes=(403,))),
    "forbidden": tuple(_errors("forbidden", status="forbidden", codes=(403,))),
    "not_found": tuple(_errors("not_found", status="not_found", codes=(404,))),
    "primary_limit": tuple(_limit("primary", "rate_limited", "rate_limited")),
    "secondary_limit": tuple(_limit("secondary", "secondary_limited", "secondary_limited")),
    "github_slow": tuple(_slow()),
    "github_errors": tuple(_errors("server_error", "query_failed", status="server_error", codes=(500, 502, 503, 504))),
    "github_unreachable": tuple(_errors("unreachable", "tls_broken", status="unreachable")),
    "answer_invalid": tuple(_errors("invalid_answer", status="invalid", codes=(200,))),
    "incomplete_at_github": tuple(_missing()),
    "worker_died": tuple(_deaths()),
    "no_worker": tuple(_nobody()),
    "queue_busy": tuple(_queue()),
    "lane_busy": tuple(_lane()),
    "database_unavailable": tuple(_database()),
    "database_slow": (
        Proof("span", "sync.db.write", {"seconds": AtLeast(_SECONDS)}),
        Proof("line", "sync.db.write", {"duration_ms": AtLeast(_SECONDS * 1000)}),
    ),
    "broker_unavailable": tuple(_broker()),
    "time_limit": tuple(_limits_of_time()),
    "misconfigured": tuple(_errors(*_CONFIGURATION, codes=(407,))),
    "program_error": tuple(_errors("ZeroDivisionError")),
    "cancelled": tuple(_called_off()),
    "unknown": (),
}


def proofs_of(code: Code) -> tuple[Proof, ...]:
    """Return what proves the code, each alone."""
    return _OF_CODE[code]
