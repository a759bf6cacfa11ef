"""The machine's own operations and events, beside the table of a sync's: what workers, queues, lanes and waits do.

They are declared as those of the table are, and ``python manage.py catalog --all`` prints both; the table stays as it is.
"""

from __future__ import annotations

from typing import Annotated, Literal

from telemetry.model import Field, Operation

QueueReason = Literal["account", "limit", "workers", "unknown"]
"""What a queued repository waited for: another attempt with its account, a limit of GitHub's, a worker for those ahead."""


class QueueWait(Operation[None], name="sync.queue.wait"):
    """A repository's wait to be admitted, from when it was due; its wait for a worker then is `celery.queue.wait_ms`."""

    account: Annotated[
        str, Field("The account for which it queued.", key="sync.queue.account", example="api.github.com/ada")
    ]
    reason: Annotated[
        QueueReason,
        Field("What it waited for, as far as can be proven.", key="sync.queue.reason", low_cardinality=True),
    ]


EVENTS: tuple[str, ...] = ()
"""The machine's events in the order people read them."""

OPERATIONS: tuple[str, ...] = ("sync.queue.wait",)
"""The machine's operations, in the same order: spans that need no line."""
