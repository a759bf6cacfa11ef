"""Pages of complete pull requests, however GitHub behaves; every call is a span and a line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.github_simulator.testing import PROCRASTINATE, SimulatedGitHub, simulator
from apps.integrations.errors import (
    GitHubError,
    InvalidAnswer,
    LaneLost,
    NotFound,
    PartialAnswer,
    QueryTimeout,
    SsoRequired,
    Unauthorized,
    Unreachable,
)
from apps.integrations.github.nodes import Actor, PageInfo, PullRequestNode, Response
from apps.integrations.github.transport import GitHubTransport
from apps.integrations.services.github_graphql import GitHubGraphQL
from telemetry.testing import Capture
from tests.integrations.github.answers import NEWEST, FreeLane, a_file, a_list, a_page, a_pull_request, answer
from tests.integrations.recorded import recorded
from tests.integrations.services.scripted import scripted

REAL, MADE = "procrastinate-org/procrastinate", "synthetic/repo-0"
NAME = "octocat/hello-world"
ANYBODY = "any-token"
pytestmark = pytest.mark.django_db  # for its clock
TIMEOUT = recorded("timeout_502")


@pytest.fixture(scope="module")
def world() -> Iterator[SimulatedGitHub]:
    """A real project's history, and one with everything that is rare."""
    with simulator(history=[PROCRASTINATE], synthetic=60) as github:
        yield github


@pytest.fixture
def github(world: SimulatedGitHub) -> Iterator[SimulatedGitHub]:
    """The same, with no fault left over."""
    yield world
    world.clear_faults()


def _client(github: SimulatedGitHub, token: str = ANYBODY, *, deadline_seconds: float = 10.0) -> GitHubGraphQL:
    transport = GitHubTransport(api_url=github.url, token=token, deadline_seconds=deadline_seconds)
    return GitHubGraphQL(transport=transport, lane=FreeLane())


def _all(client: GitHubGraphQL, name: str) -> list[PullRequestNode]:
    return [node for page in client.pull_requests(name) for node in page.nodes]


def _held(github: SimulatedGitHub, name: str) -> dict[int, tuple[int, int, int]]:
    held = github.repository(name).pull_requests
    return {number: (len(pr.reviews), len(pr.commits), len(pr.files)) for number, pr in held.items()}


def _newest(github: SimulatedGitHub, name: str) -> datetime:
    return datetime.fromisoformat(max(pr.updated_at for pr in github.repository(name).pull_requests.values()))


def _got(nodes: list[PullRequestNode]) -> dict[int, tuple[int, int, int]]:
    return {
        node.number: (len(node.reviews.nodes), len(node.commits.nodes), len(node.files.nodes) if node.files else 0)
        for node in nodes
    }


def test_a_whole_history_comes_complete_in_few_requests(github: SimulatedGitHub) -> None:
    """Equal to what GitHub holds, at no more than 25 requests for 1,000 pull requests."""
    client = _client(github)
    nodes = _all(client, REAL)
    assert _got(nodes) == _held(github, REAL)
    assert client.requests <= 25 * len(nodes) / 1000
    assert client.points == client.requests


def test_lists_over_a_hundred_are_finished(github: SimulatedGitHub) -> None:
    """In batches, in order, without a member twice."""
    nodes = _all(_client(github), MADE)
    assert _got(nodes) == _held(github, MADE)
    longest = max(nodes, key=lambda node: node.commits.total_count)
    assert longest.commits.total_count > 100
    held = github.pull_request(MADE, longest.number)
    assert [node.commit.oid for node in longest.commits.nodes] == [commit.oid for commit in held.commits]


def test_long_lists_come_beside_the_next_pages(github: SimulatedGitHub) -> None:
    """They cost hardly a request, and no point, beyond those of the pages; pages stay whole and in order."""
    name = github.add_synthetic(400, seed=5).name_with_owner
    client = _client(github)
    nodes = _all(client, name)
    assert _got(nodes) == _held(github, name)
    assert [node.updated_at for node in nodes] == sorted((node.updated_at for node in nodes), reverse=True)
    assert client.requests <= 30 * len(nodes) / 1000
    assert client.points == client.requests


def test_a_page_shrinks_until_github_can_answer(github: SimulatedGitHub, captrace: Capture) -> None:
    """At once, within the same call; nothing is lost, and each try is on its span."""
    github.add_faults({"fault": "query_timeout", "match": {"operation": "PullRequests", "min_page_size": 11}, "times": None})
    assert _got(_all(_client(github), MADE)) == _held(github, MADE)
    pages = [span for span in captrace.spans if span.attributes.get("sync.page.size")]
    assert [span.attributes["sync.page.size"] for span in pages[:3]] == [25, 12, 6]
    assert [span.attributes["status"] for span in pages[:3]] == ["server_error", "server_error", "ok"]
    assert [span.outcome for span in pages[:3]] == ["failed", "failed", "completed"]


@pytest.mark.parametrize(
    ("fault", "delay_ms", "status"),
    [
        ("query_timeout", 0, "server_error"),
        ("query_timeout", 1_000, "timeout"),
        ("data_null_string", 0, "server_error"),
        ("gateway_timeout", 1_000, "timeout"),
        ("resource_limits", 0, "too_costly"),
        ("null_nodes", 0, "too_costly"),
    ],
)
def test_one_bad_answer_costs_one_smaller_request(
    fault: str, delay_ms: int, status: str, github: SimulatedGitHub, captrace: Capture
) -> None:
    """And then the page is whole; only what took long is called a timeout."""
    github.add_faults({"fault": fault, "match": {"operation": "PullRequests"}, "delay_ms": delay_ms})
    client = _client(github)
    assert len(next(client.pull_requests(REAL)).nodes) == 12
    assert client.requests == 2
    assert [line["status"] for line in captrace.lines if line["event"] == "sync.api.graphql"] == [status, "ok"]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("server_error", "server_error"),
        ("bad_gateway_page", "server_error"),
        ("gateway_timeout", "server_error"),
        ("unavailable", "server_error"),
        ("limit_page", "secondary_limited"),
        ("accepted", "not_ready"),
        ("conflict", "conflict"),
        ("proxy_authentication", "proxy_refused"),
        ("html_page", "invalid_answer"),
        ("invalid_json", "invalid_answer"),
        ("bad_credentials", "unauthorized"),
        ("not_found", "not_found"),
        ("sso", "sso_required"),
        ("ip_allow_list", "ip_not_allowed"),
        ("access_blocked", "forbidden"),
        ("cut_body", "unreachable"),
        ("connection_reset", "unreachable"),
        ("primary_limit", "rate_limited"),
        ("primary_limit_variant", "rate_limited"),
        ("secondary_limit", "secondary_limited"),
    ],
)
def test_what_a_smaller_page_cannot_cure_is_raised(
    fault: str, error: str, github: SimulatedGitHub, captrace: Capture
) -> None:
    """Once, with its own code, on a span that failed and a line that says so; a limit is an answer, and no error."""
    github.add_faults({"fault": fault, "match": {"operation": "PullRequests"}})
    client = _client(github)
    with pytest.raises(GitHubError) as caught:
        next(client.pull_requests(MADE))
    assert (caught.value.error_type, client.requests) == (error, 1)
    (span,) = [span for span in captrace.spans if span.name == "sync.api.graphql"]
    ended = ("waiting", "UNSET") if "limit" in fault else ("failed", "ERROR")
    assert (span.outcome, span.status, span.attributes["error.type"]) == (*ended, error)
    assert [event.name for event in span.events] == (["exception"] if span.status == "ERROR" else [])
    (line,) = [line for line in captrace.lines if line["event"] == "sync.api.graphql"]
    assert (line["status"], line["points_cost"]) == (caught.value.status, caught.value.points_cost)


def test_a_server_that_hangs_is_given_up_at_the_deadline(github: SimulatedGitHub) -> None:
    """As an answer that did not come in time, it is asked for less."""
    github.add_faults({"fault": "hang", "match": {"operation": "PullRequests"}})
    client = _client(github, deadline_seconds=1.0)
    assert len(next(client.pull_requests(MADE)).nodes) == 12


def test_a_page_that_never_comes_is_raised_at_the_smallest_size() -> None:
    """After each size once."""
    client, asked = scripted(lambda _asked: TIMEOUT)
    with pytest.raises(QueryTimeout):
        next(client.pull_requests(NAME))
    assert [(each["first"], each["withFiles"]) for each in asked] == [
        (25, True),
        (12, True),
        (6, True),
        (6, False),
        (3, False),
        (1, False),
    ]
    assert client.page_size == 1


def test_a_null_pull_request_is_never_an_empty_page() -> None:
    """Down to the smallest page it stays an error."""
    client, _ = scripted(lambda _asked: answer(a_page(None)))
    with pytest.raises(PartialAnswer):
        next(client.pull_requests(NAME))


def test_a_page_ends_where_its_window_does() -> None:
    """What is older is left out, and its long lists are not read."""
    long = a_list([a_file("a")], total=200, end="f1")
    client, asked = scripted(
        lambda _asked: answer(a_page(a_pull_request(1), a_pull_request(2), a_pull_request(9, files=long), more=True))
    )
    (page,) = client.pull_requests(NAME, updated_since=NEWEST - timedelta(days=2))
    assert [edge.cursor for edge in page.edges] == ["c1", "c2"]
    assert (page.page_info, len(asked)) == (PageInfo(has_next_page=False, end_cursor="c2"), 1)


def test_a_page_wholly_before_its_window_is_empty_and_the_last() -> None:
    """Where paging stood stays where it stands."""
    client, _ = scripted(lambda _asked: answer(a_page(a_pull_request(9), more=True)))
    (page,) = client.pull_requests(NAME, after="here", updated_since=NEWEST)
    assert (page.edges, page.page_info) == ((), PageInfo(has_next_page=False, end_cursor="here"))


@pytest.mark.parametrize("end", [None, "here"])
def test_a_page_that_leads_nowhere_is_no_answer(end: str | None) -> None:
    """A page that another follows, behind no cursor or behind its own, ends the attempt instead of being read for ever."""
    data = a_page(a_pull_request(1), more=True)
    data["repository"]["pullRequests"]["pageInfo"]["endCursor"] = end
    client, asked = scripted(lambda _: answer(data))
    with pytest.raises(InvalidAnswer, match="names no cursor"):
        next(client.pull_requests(NAME, after="here"))
    assert len(asked) == 1


def test_numbers_that_lead_nowhere_are_no_answer() -> None:
    """The list of all numbers is not read for ever either."""
    page = {"repository": {"pullRequests": a_list([{"number": 1}], total=2, end="c1")}, "rateLimit": None}
    client, asked = scripted(lambda _: answer(page))
    with pytest.raises(InvalidAnswer, match="names no cursor"):
        client.numbers(NAME)
    assert len(asked) == 2


@given(st.lists(st.sampled_from("abcde"), min_size=8, max_size=8))
def test_pages_that_lead_in_a_circle_are_no_answer(cursors: list[str]) -> None:
    """However long it is: of five cursors none leads anywhere for a sixth time."""
    for ask in (lambda client: list(client.pull_requests(NAME)), lambda client: client.numbers(NAME)):
        ends = iter(cursors)

        def handle(request: dict[str, Any], ends: Iterator[str] = ends) -> Response:
            if request["operation"] == "PullRequestNumbers":
                return answer({"repository": {"pullRequests": a_list([{"number": 1}], end=next(ends))}, "rateLimit": None})
            data = a_page(a_pull_request(1), more=True)
            data["repository"]["pullRequests"]["pageInfo"]["endCursor"] = next(ends)
            return answer(data)

        client, asked = scripted(handle)
        with pytest.raises(InvalidAnswer, match="names no cursor"):
            ask(client)
        assert len({request["after"] for request in asked}) == len(asked) <= 6


def test_counts_are_asked_for_on_demand(github: SimulatedGitHub) -> None:
    """The window's own count and the newest change of all."""
    client = _client(github)
    newest = _newest(github, REAL)
    since = newest - timedelta(days=365)
    first, *further = client.pull_requests(REAL, updated_since=since, with_counts=True)
    assert (first.window_count, first.newest_updated_at) == (sum(len(page.nodes) for page in [first, *further]), newest)
    assert further
    assert {page.window_count for page in further} == {None}
    (unasked, *_) = client.pull_requests(REAL, updated_since=since)
    assert (unasked.window_count, unasked.newest_updated_at) == (None, None)


def test_what_was_updated_since_is_read_again(github: SimulatedGitHub) -> None:
    """The pull request that jumped ahead of our paging."""
    client = _client(github)
    newest = _newest(github, MADE)
    github.touch(MADE, 7, title="Changed meanwhile")
    (page,) = client.pull_requests(MADE, updated_since=newest + timedelta(seconds=1))
    assert [node.title for node in page.nodes] == ["Changed meanwhile"]


def test_an_unknown_repository_is_not_found(github: SimulatedGitHub) -> None:
    """GitHub's own words are in the error."""
    with pytest.raises(NotFound, match="Could not resolve to a Repository"):
        next(_client(github).pull_requests("nobody/nothing"))


def test_whose_token_it_is(github: SimulatedGitHub) -> None:
    """The account that the limits belong to."""
    github.add_token("mona-s", account="mona")
    assert _client(github, "mona-s").viewer() == Actor(login="mona", kind="User")


def test_every_call_is_a_span_and_a_line(github: SimulatedGitHub, captrace: Capture) -> None:
    """With the size, the nodes, the cost and what is left."""
    github.add_token("counted", account="counted")
    next(_client(github, "counted").pull_requests(REAL))
    (span,) = [span for span in captrace.spans if span.name == "sync.api.graphql"]
    assert {key: span.attributes[key] for key in span.attributes if key != "duration_ms"} == {
        "query_name": "PullRequests",
        "graphql.operation.name": "PullRequests",
        "sync.page.size": 25,
        "sync.page.nodes": 25,
        "sync.lane.wait_ms": 0.0,
        "sync.outcome": "completed",
        "points_cost": 1,
        "status": "ok",
        "sync.rate_limit.remaining": 4999,
        "http.response.status_code": 200,
    }
    (line,) = [line for line in captrace.lines if line["event"] == "sync.api.graphql"]
    assert (line["query_name"], line["points_cost"], line["status"]) == ("PullRequests", 1, "ok")


def test_github_sees_no_trace_context(github: SimulatedGitHub, captrace: Capture) -> None:
    """Nor two requests at once."""
    next(_client(github).pull_requests(REAL))
    assert github.stats()["trace_headers"] == 0
    assert max(github.stats()["max_in_flight"].values()) == 1


def test_what_an_answer_says_of_the_budget_reaches_the_lane() -> None:
    """From headers, also of errors, or else from the answer itself."""
    lane = FreeLane()
    answers = [answer(a_page()), recorded("sso"), recorded("sso")]
    client, _ = scripted(lambda _asked: answers.pop(0), lane=lane)
    next(client.pull_requests(NAME))
    with pytest.raises(SsoRequired):
        next(client.pull_requests(NAME))
    assert [turn.budgets["graphql"].remaining for turn in lane.turns] == [4999, 4990, 4990]


def test_nobody_listening_is_told_by_its_span(captrace: Capture) -> None:
    """No status code, no cost, and a line all the same."""
    transport = GitHubTransport(api_url="http://127.0.0.1:1", token=ANYBODY)
    with pytest.raises(Unreachable):
        GitHubGraphQL(transport=transport, lane=FreeLane()).viewer()
    (line,) = [line for line in captrace.lines if line["event"] == "sync.api.graphql"]
    assert (line["status"], line["points_cost"]) == ("unreachable", None)


def test_a_turn_that_was_lost_counts_no_request(captrace: Capture) -> None:
    """Nothing was sent: the call is cancelled, and whoever asks takes another turn."""

    def lost(_asked: dict[str, Any]) -> Response:
        raise LaneLost("too late")

    client, _ = scripted(lost)
    with pytest.raises(LaneLost):
        client.viewer()
    assert (client.requests, client.points, captrace.span("sync.api.graphql").outcome) == (0, 0, "cancelled")


def test_a_refused_token_says_what_to_do(github: SimulatedGitHub) -> None:
    """It was good a moment ago."""
    github.add_token("short-lived", account="somebody")
    github.expire_token("short-lived")
    with pytest.raises(Unauthorized) as caught:
        _client(github, "short-lived").viewer()
    assert "Create a new one" in caught.value.advice
