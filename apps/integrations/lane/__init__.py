"""One lane per GitHub account: one request in flight over all processes and machines, within GitHub's limits.

GitHub wants requests one after another, and its limits are per account, not per token
(https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api). So a sender takes the account's
turn first. A turn is leased for longer than a request can last, and numbered. The lane of a dead holder frees itself,
and a holder that was stopped for a while sends nothing late: it checks its turn before it sends, and the kernel kills
it if the turn ends between that check and the request's last byte. Waiting for GitHub happens only here: a short wait
sleeps in place, as a span and a line; a long one raises `Parked`.
"""

from apps.integrations.lane.lane import Lane
from apps.integrations.lane.turns import Heartbeat, Resource, Turn, Turns

__all__ = ["Heartbeat", "Lane", "Resource", "Turn", "Turns"]
