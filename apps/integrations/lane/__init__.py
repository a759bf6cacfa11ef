"""One lane per GitHub account: one request in flight over all processes and machines, within GitHub's limits.

GitHub asks for requests one after the other, and its limits are the account's, not the token's
(https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api). So whoever wants to send a request
takes the account's turn first. A turn is leased for longer than a request can last, and numbered: the lane of a holder that
died becomes free by itself, and a holder that was stopped for a while sends nothing late: it looks at its turn before it
sends, and the kernel kills it if its turn ends between that look and the request's last byte. Waiting for GitHub happens
only here: a short wait sleeps in place, where it is a span and a line, a long one raises `Parked`.
"""

from apps.integrations.lane.lane import Lane
from apps.integrations.lane.turns import Heartbeat, Resource, Turn, Turns

__all__ = ["Heartbeat", "Lane", "Resource", "Turn", "Turns"]
