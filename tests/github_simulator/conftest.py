"""A simulator that no test changes, and clients that are closed after the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from apps.github_simulator.testing import LIBUV, SimulatedGitHub, simulator
from tests.github_simulator.client import TOKEN, Client

ClientOf = Callable[..., Client]


@pytest.fixture
def client_of() -> Iterator[ClientOf]:
    """Return a function that makes clients: `client_of(github)` or `client_of(github, token)`."""
    with ExitStack() as opened:

        def make(github: SimulatedGitHub, token: str = TOKEN) -> Client:
            client = Client(github, token)
            opened.enter_context(client.session)
            return client

        yield make


@pytest.fixture(scope="module")
def libuv() -> Iterator[SimulatedGitHub]:
    """Run a simulator with libuv's history and a synthetic repository, which no test changes."""
    with simulator(history=[LIBUV], synthetic=120) as github:
        yield github


@pytest.fixture
def client(libuv: SimulatedGitHub, client_of: ClientOf) -> Client:
    """Return a client of that simulator."""
    return client_of(libuv)
