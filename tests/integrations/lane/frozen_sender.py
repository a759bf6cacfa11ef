"""A program that is stopped after its last look at its turn: ``frozen_sender.py URL TOKEN ACCOUNT SECONDS NTH``.

It asks for a page in a turn of the account's lane, and stops itself in the standard library's socket, before the bytes of
the request's head (NTH 1) or of its body (2) are given to the kernel.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from typing import Any

import django

django.setup()

from apps.integrations.github.transport import GitHubTransport  # noqa: E402  # after Django is set up
from apps.integrations.lane import Lane  # noqa: E402
from apps.integrations.services.github_graphql import GitHubGraphQL  # noqa: E402


def main(url: str, token: str, account: str, request_seconds: str, nth: str) -> None:
    """Say ``sent`` if there was an answer."""
    seconds = float(request_seconds)
    transport = GitHubTransport(api_url=url, token=token, deadline_seconds=seconds)
    send, sent = socket.socket.sendall, 0

    def stop_and_send(self: socket.socket, *args: Any) -> None:
        nonlocal sent
        sent += 1
        if sent == int(nth):
            os.kill(os.getpid(), signal.SIGSTOP)
        send(self, *args)

    socket.socket.sendall = stop_and_send  # type: ignore[method-assign,assignment]  # where a freeze would hit it
    GitHubGraphQL(transport=transport, lane=Lane(account=account, request_seconds=seconds)).viewer()
    sys.stdout.write("sent\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
