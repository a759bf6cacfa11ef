"""What an exporter is done with is marked before it is counted, so that a SIGKILL in between leaves no span counted twice.

Marks are in journals, and in the rows that keep last wills. Whoever reads one asks the account that is named there whether
it got as far as counting (`home_ledger.is_counted`): if not, the spans wait as they did. That is known also when the account
has been folded into the sum of all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

IsCounted = Callable[[str, str, int], bool]
"""Returns whether, for an exporter, an account has counted what bears its mark of a number."""


class Mark(NamedTuple):
    """Who counts the spans that are done with, and as which of its countings for that exporter.

    Countings of the process's own spans have the numbers 1, 2, …, those of others' spans -1, -2, ….
    """

    by: str
    number: int
