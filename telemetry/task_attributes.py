"""Span attributes of a task's attempt that others read; `telemetry.celery` writes and explains them."""

from __future__ import annotations

__all__ = ["ATTEMPT", "QUEUE_WAIT_MS"]

ATTEMPT = "celery.attempt"
"""The attempt's number, from 1."""
QUEUE_WAIT_MS = "celery.queue.wait_ms"
"""How long its message was on the queue, without any planned delay."""
