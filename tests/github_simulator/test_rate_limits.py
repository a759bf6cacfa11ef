"""Primary and secondary rate limits, with a fake clock and over HTTP."""

from __future__ import annotations

import math
import threading
import time

import pytest

from apps.github_simulator.rate_limits import Limits, RateLimits
from apps.github_simulator.testing import simulator
from tests.github_simulator.client import Client
from tests.github_simulator.conftest import ClientOf

CHEAP = "{ viewer { login } }"
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = 1_000.5

    def __call__(self) -> float:
        return self.now


def test_a_window_opens_with_the_first_request_and_ends_at_its_reset() -> None:
    """The reset is in whole seconds, and restores all points."""
    clock = Clock()
    limits = RateLimits(Limits(graphql=10, window_seconds=60), clock=clock)
    limits.charge("ada", "graphql", 12)
    budget = limits.budget("ada", "graphql")
    assert (budget.limit, budget.used, budget.remaining, budget.reset) == (10, 12, 0, 1_061)

    clock.now = 1_061

    fresh = limits.budget("ada", "graphql")
    assert (fresh.used, fresh.remaining, fresh.reset) == (0, 10, 1_121)


def test_each_account_has_a_budget_per_resource() -> None:
    """Using GraphQL affects neither another account nor REST."""
    limits = RateLimits(Limits(), clock=Clock())

    limits.charge("ada", "graphql", 7)

    assert limits.budget("ada", "core").used == limits.budget("brian", "graphql").used == 0


def test_a_budget_can_be_set_until_its_reset() -> None:
    """Afterwards the usual limit applies again."""
    clock = Clock()
    limits = RateLimits(Limits(graphql=100), clock=clock)

    limits.set_budget("ada", "graphql", remaining=3, reset_in=2)

    assert (limits.budget("ada", "graphql").remaining, limits.budget("ada", "graphql").reset) == (3, 1_003)
    clock.now = 1_003
    assert limits.budget("ada", "graphql").remaining == 100


def test_requests_per_minute_are_counted_in_a_sliding_window() -> None:
    """A request over the limit has to wait until the oldest counted one is a minute old."""
    clock = Clock()
    limits = RateLimits(Limits(graphql_per_minute=2), clock=clock)
    assert limits.admit("ada", "graphql") is None
    clock.now += 20
    assert limits.admit("ada", "graphql") is None
    assert limits.admit("ada", "graphql") == 40
    assert limits.admit("ada", "core") is None

    clock.now += 40

    assert limits.admit("ada", "graphql") is None
    assert limits.admit("ada", "graphql") == 20


def test_the_request_after_the_last_point_is_refused(client_of: ClientOf) -> None:
    """GraphQL refuses with HTTP 200 and RATE_LIMITED, and does not charge for it."""
    with simulator(synthetic=1, limits=Limits(graphql=2, window_seconds=100)) as github:
        client = client_of(github)
        good = [client.post(CHEAP) for _ in range(2)]
        refused = [client.post(CHEAP) for _ in range(2)]
        account = github.account_of("ghp_test")

    assert [answer.headers["x-ratelimit-remaining"] for answer in good] == ["1", "0"]
    assert good[1].json()["data"]["viewer"] == {"login": account}
    for answer in refused:
        assert (answer.status_code, answer.headers["x-ratelimit-used"]) == (200, "2")
        assert list(answer.json()) == ["errors"]
        (error,) = answer.json()["errors"]
        assert error["type"] == "RATE_LIMITED"
        assert error["message"].startswith("API rate limit exceeded for user ID ")
        assert 0 < int(answer.headers["x-ratelimit-reset"]) - time.time() <= 101


def test_rest_refuses_with_403(client_of: ClientOf) -> None:
    """The message and the headers are those of GitHub, and GraphQL still answers."""
    with simulator(synthetic=1, limits=Limits(core=1)) as github:
        client = client_of(github)
        client.get("/user")
        refused = client.get("/user")
        other = client.post(CHEAP)

    assert refused.status_code == 403
    assert refused.json()["message"].startswith("API rate limit exceeded for user ID ")
    assert refused.json()["documentation_url"] == "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api"
    assert (refused.headers["x-ratelimit-remaining"], refused.headers["x-ratelimit-resource"]) == ("0", "core")
    assert "retry-after" not in refused.headers
    assert "data" in other.json()


@pytest.mark.slow
def test_a_client_that_waits_for_the_reset_is_served_again(client_of: ClientOf) -> None:
    """The time is that of the x-ratelimit-reset header."""
    with simulator(synthetic=1, limits=Limits(graphql=1, window_seconds=1)) as github:
        client = client_of(github)
        reset = int(client.post(CHEAP).headers["x-ratelimit-reset"])
        assert "errors" in client.graphql(CHEAP)
        while time.time() < reset:
            time.sleep(max(0.0, reset - time.time()))
        answer = client.graphql(CHEAP)

    assert "data" in answer


def test_tokens_of_one_account_share_its_budget(client_of: ClientOf) -> None:
    """A token of another account does not."""
    tokens = {"one": {"account": "ada"}, "two": {"account": "ada"}, "three": {"account": "brian"}}
    with simulator(synthetic=1, tokens=tokens) as github:
        used = [client_of(github, token).post(CHEAP).headers["x-ratelimit-used"] for token in tokens]
        in_flight = github.stats()["max_in_flight"]

    assert used == ["1", "2", "1"]
    assert in_flight == {"ada": 1, "brian": 1}


@pytest.mark.parametrize("limits", [Limits(graphql_per_minute=1), Limits(core_per_minute=1)])
def test_too_many_requests_per_minute_hit_the_secondary_limit(client_of: ClientOf, limits: Limits) -> None:
    """The answer is 403 with Retry-After and a budget left, and the other API is not affected."""
    with simulator(synthetic=1, limits=limits) as github:
        client = client_of(github)
        graphql = [client.post(CHEAP) for _ in range(2)]
        rest = [client.get("/user") for _ in range(2)]

    over, fine = (graphql, rest) if limits.graphql_per_minute == 1 else (rest, graphql)
    assert [answer.status_code for answer in over] == [200, 403]
    assert [answer.status_code for answer in fine] == [200, 200]
    assert over[1].json()["message"] == SECONDARY
    assert over[1].json()["documentation_url"].endswith("#secondary-rate-limits")
    assert 58 <= int(over[1].headers["retry-after"]) <= 60
    assert int(over[1].headers["x-ratelimit-remaining"]) > 0


def test_requests_in_flight_are_counted_and_limited(client_of: ClientOf) -> None:
    """Of five simultaneous requests the two over the limit are refused."""
    with simulator(synthetic=1, latency_ms=200, limits=Limits(concurrent=3)) as github:
        client_of(github).get("/rate_limit")
        clients = [client_of(github) for _ in range(5)]
        start = threading.Barrier(len(clients))
        statuses: list[int] = []

        def send(client: Client) -> None:
            start.wait(10)
            statuses.append(client.get("/user").status_code)

        threads = [threading.Thread(target=send, args=(client,)) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        stats = github.stats()
        (in_flight,) = stats["max_in_flight"].values()

    assert 3 < in_flight <= 5
    assert [len(overlap["beside"]) for overlap in stats["overlaps"]][:2] == [1, 2]
    assert all(0 <= age < 10 for overlap in stats["overlaps"] for age in overlap["beside"].values())
    assert sorted(statuses) == [200, 200, 200, 403, 403]


def test_a_reset_is_never_in_the_past(client_of: ClientOf) -> None:
    """This holds even for a window of a fraction of a second."""
    with simulator(synthetic=1, limits=Limits(window_seconds=0.1)) as github:
        answer = client_of(github).post(CHEAP)

    assert int(answer.headers["x-ratelimit-reset"]) >= math.floor(time.time())
