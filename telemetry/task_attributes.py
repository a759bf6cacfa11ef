"""The span attributes of a task's attempt that others read; `telemetry.celery` writes them, and explains each."""

from __future__ import annotations

__all__ = ["ATTEMPT", "QUEUE_WAIT_MS"]

ATTEMPT = "celery.attempt"
"""Which attempt it is, from 1."""
QUEUE_WAIT_MS = "celery.queue.wait_ms"
"""How long its message was on the queue, a planned delay left out."""
