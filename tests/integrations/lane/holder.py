"""A program that takes a lane's turn and then dies or stands still: ``holder.py ACCOUNT REQUEST_SECONDS kill|stop``."""

from __future__ import annotations

import os
import signal
import sys

import django

django.setup()

from apps.integrations.errors import LaneLost  # noqa: E402  # after Django is set up
from apps.integrations.lane import Lane  # noqa: E402


def main(account: str, request_seconds: str, fate: str) -> None:
    """Says ``held`` in its turn; woken from standing still, says whether it would have sent."""
    with Lane(account=account, request_seconds=float(request_seconds)).turn(resource=None) as turn:
        sys.stdout.write("held\n")
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGKILL if fate == "kill" else signal.SIGSTOP)
        try:
            turn.confirm()
        except LaneLost:
            sys.stdout.write("sent nothing\n")
        else:
            sys.stdout.write("sent late\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
