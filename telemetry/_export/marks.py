"""Mark what an exporter is done with before counting it, so that a SIGKILL in between leaves no span counted twice.

Marks are in journals, and in the rows that keep last wills. A reader asks the account that a mark names whether it got
as far as counting (`home_ledger.is_counted`); if not, the spans still wait. The answer remains known after the account
has been folded into the total.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

IsCounted = Callable[[str, str, int], bool]
"""Returns whether an account has counted, for an exporter, the spans under its mark with a number."""


class Mark(NamedTuple):
    """The account that counts the spans, and the number of this count for that exporter.

    Counts of the process's own spans are numbered 1, 2, …, those of others' spans -1, -2, ….
    """

    by: str
    number: int
