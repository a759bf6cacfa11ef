"""Primary and secondary limits, by the clock and over HTTP."""

from __future__ import annotations

import math
import threading
import time

import pytest

from apps.github_simulator.rate_limits import Limits, RateLimits
from apps.github_simulator.testing import simulator
from tests.github_simulator.asking import Client
from tests.github_simulator.conftest import ClientOf

CHEAP = "{ viewer { login } }"
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."


class Clock:
    """Epoch seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1_000.5

    def __call__(self) -> float:
        return self.now


def test_a_window_opens_with_the_first_request_and_starts_again_after_its_reset() -> None:
    """The reset is in whole seconds; what was used is forgotten then."""
    clock = Clock()
    limits = RateLimits(Limits(graphql=10, window_seconds=60), clock=clock)
    limits.charge("ada", "graphql", 12)
    budget = limits.budget("ada", "graphql")
    assert (budget.limit, budget.used, budget.remaining, budget.reset) == (10, 12, 0, 1_061)

    clock.now = 1_061

    fresh = limits.budget("ada", "graphql")
    assert (fresh.used, fresh.remaining, fresh.reset) == (0, 10, 1_121)


def test_accounts_and_resources_have_budgets_of_their_own() -> None:
    """What one account uses of GraphQL concerns nobody else, and not its REST."""
    limits = RateLimits(Limits(), clock=Clock())

    limits.charge("ada", "graphql", 7)

    assert limits.budget("ada", "core").used == limits.budget("brian", "graphql").used == 0


def test_a_set_budget_is_what_is_left_until_its_reset() -> None:
    """For tests that want a limit just ahead; then the window is a normal one again."""
    clock = Clock()
    limits = RateLimits(Limits(graphql=100), clock=clock)

    limits.set_budget("ada", "graphql", remaining=3, reset_in=2)

    assert (limits.budget("ada", "graphql").remaining, limits.budget("ada", "graphql").reset) == (3, 1_003)
    clock.now = 1_003
    assert limits.budget("ada", "graphql").remaining == 100


def test_the_minutes_requests_are_counted_as_they_slide_by() -> None:
    """A request over the limit is told when the oldest of the minute is a minute old."""
    clock = Clock()
    limits = RateLimits(Limits(graphql_per_minute=2), clock=clock)
    assert limits.retry_after("ada", "graphql") is None
    clock.now += 20
    assert limits.retry_after("ada", "graphql") is None
    assert limits.retry_after("ada", "graphql") == 40
    assert limits.retry_after("ada", "core") is None

    clock.now += 40

    assert limits.retry_after("ada", "graphql") is None
    assert limits.retry_after("ada", "graphql") == 20


def test_the_last_answer_carries_remaining_0_and_the_next_is_refused(client_of: ClientOf) -> None:
    """GraphQL says it with HTTP 200 and RATE_LIMITED; refusals use nothing up."""
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
    """Message, documentation and headers are GitHub's; GraphQL goes on."""
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


def test_points_come_back_after_the_reset(client_of: ClientOf) -> None:
    """A client that waits for x-ratelimit-reset is served again."""
    with simulator(synthetic=1, limits=Limits(graphql=1, window_seconds=1)) as github:
        client = client_of(github)
        reset = int(client.post(CHEAP).headers["x-ratelimit-reset"])
        assert "errors" in client.ask(CHEAP)
        while time.time() < reset:
            time.sleep(max(0.0, reset - time.time()))
        answer = client.ask(CHEAP)

    assert "data" in answer


def test_two_tokens_of_one_account_share_its_budget(client_of: ClientOf) -> None:
    """Any other token is an account of its own."""
    tokens = {"one": {"account": "ada"}, "two": {"account": "ada"}, "three": {"account": "brian"}}
    with simulator(synthetic=1, tokens=tokens) as github:
        used = [client_of(github, token).post(CHEAP).headers["x-ratelimit-used"] for token in tokens]
        in_flight = github.stats()["max_in_flight"]

    assert used == ["1", "2", "1"]
    assert in_flight == {"ada": 1, "brian": 1}


@pytest.mark.parametrize("limits", [Limits(graphql_per_minute=1), Limits(core_per_minute=1)])
def test_too_many_requests_a_minute_meet_the_secondary_limit(client_of: ClientOf, limits: Limits) -> None:
    """403 with Retry-After, budget left; the other API is not concerned."""
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


def test_requests_in_flight_are_counted_truly_and_limited(client_of: ClientOf) -> None:
    """With latency, requests of a parallel client overlap; of those over the limit each is refused."""
    with simulator(synthetic=1, latency_ms=200, limits=Limits(concurrent=3)) as github:
        client_of(github).get("/rate_limit")
        clients = [client_of(github) for _ in range(5)]
        start = threading.Barrier(len(clients))
        statuses: list[int] = []

        def ask(client: Client) -> None:
            start.wait(10)
            statuses.append(client.get("/user").status_code)

        threads = [threading.Thread(target=ask, args=(client,)) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        (in_flight,) = github.stats()["max_in_flight"].values()

    assert 3 < in_flight <= 5
    assert sorted(statuses) == [200, 200, 200, 403, 403]


def test_a_reset_is_never_in_the_past(client_of: ClientOf) -> None:
    """Not even with a window of a fraction of a second."""
    with simulator(synthetic=1, limits=Limits(window_seconds=0.1)) as github:
        answer = client_of(github).post(CHEAP)

    assert int(answer.headers["x-ratelimit-reset"]) >= math.floor(time.time())
