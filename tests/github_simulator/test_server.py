"""The HTTP server: its statistics, its two roots, and its end."""

from __future__ import annotations

import threading
import time

import pytest
import requests

from apps.github_simulator.testing import simulator
from tests.github_simulator.client import PAGE, TOKEN
from tests.github_simulator.conftest import ClientOf


def test_stats_count_requests_points_and_trace_headers(client_of: ClientOf) -> None:
    """They also give the most requests in flight per account, and do not count themselves."""
    with simulator(synthetic=5) as github:
        client = client_of(github)
        client.get("/user", traceparent="00-1-1-01")
        client.get("/user", baggage="a=b")
        client.post(PAGE, owner="synthetic", name="repo-0", first=100)
        client_of(github, "").get("/user")
        stats = [requests.get(f"{github.url}/_simulator/stats", timeout=10).json() for _ in range(2)]

        assert stats[0] == stats[1] == github.stats()
        assert stats[0] == {
            "requests": {"graphql": 1, "rest": 3},
            "points": 3,
            "max_in_flight": {github.account_of(TOKEN): 1},
            "overlaps": [],
            "trace_headers": 2,
        }


@pytest.mark.parametrize("path", ["/graphql", "/api/graphql"])
def test_graphql_is_served_at_both_paths(client_of: ClientOf, path: str) -> None:
    """They are those of github.com and of GitHub Enterprise."""
    with simulator(synthetic=1) as github:
        client = client_of(github)
        answer = client.session.post(github.url + path, json={"query": "{ viewer { login } }"}, timeout=10)

    assert "data" in answer.json()


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"{", 400, "Problems parsing JSON"),
        (b"[]", 200, "A query attribute must be specified and must be a string."),
        (b'{"query": 7}', 200, "A query attribute must be specified and must be a string."),
    ],
)
def test_a_body_without_a_query_gets_githubs_error(client_of: ClientOf, body: bytes, status: int, message: str) -> None:
    with simulator(synthetic=1) as github:
        answer = client_of(github).session.post(github.graphql_url, data=body, timeout=10)

    assert answer.status_code == status
    assert message in answer.text


def test_answered_requests_are_remembered(client_of: ClientOf) -> None:
    """Their operation and variables, or route and path, are kept with status and points."""
    with simulator(synthetic=5) as github:
        client = client_of(github)
        client.post(PAGE, owner="synthetic", name="repo-0", first=100)
        client.get("/api/v3/repos/no/body")
        graphql, rest = github.requests()

    assert (graphql.api, graphql.operation, graphql.variables["first"], graphql.points) == ("graphql", "Page", 100, 3)
    assert (rest.endpoint, rest.path, rest.status) == ("/repos/{owner}/{repo}", "/api/v3/repos/no/body", 404)


def test_it_stops_immediately_despite_open_connections(client_of: ClientOf) -> None:
    """Neither a hanging request nor an idle connection delays it, and its port is free again."""
    broken = threading.Event()
    with simulator(synthetic=5, faults=[{"fault": "hang", "seconds": 60, "match": {"endpoint": "/user"}}]) as github:
        client_of(github).get("/rate_limit")

        def hang() -> None:
            try:
                client_of(github).get("/user", timeout=30)
            except requests.ConnectionError:
                broken.set()

        thread = threading.Thread(target=hang)
        thread.start()
        while github.stats()["requests"]["rest"] != 2:
            time.sleep(0.01)
        port = int(github.url.rpartition(":")[2])
        ending = time.monotonic()
    assert time.monotonic() - ending < 2
    thread.join(5)
    assert broken.is_set()
    with simulator(synthetic=1, port=port) as again:
        assert again.url.endswith(f":{port}")


def test_stats_can_be_read_after_the_end(client_of: ClientOf) -> None:
    """The handle outlives the server."""
    with simulator(synthetic=1) as github:
        client_of(github).get("/user")

    assert github.stats()["requests"] == {"graphql": 0, "rest": 1}


def test_small_answers_do_not_wait_for_acknowledgements(client_of: ClientOf) -> None:
    """Headers and body are two writes; without TCP_NODELAY each answer would take 40 ms."""
    with simulator(synthetic=1) as github:
        client = client_of(github)
        client.get("/rate_limit")
        durations = []
        for _ in range(10):
            started = time.perf_counter()
            client.get("/rate_limit")
            durations.append(time.perf_counter() - started)

    assert min(durations[1:]) < 0.03
