"""Fault rules: which requests they strike, how often, and how they are written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from apps.github_simulator.fault_files import FaultsError, fault_rules, read_faults
from apps.github_simulator.testing import SimulatedGitHub, simulator
from tests.github_simulator.client import PAGE, Client
from tests.github_simulator.conftest import ClientOf

CHEAP = "query Cheap { viewer { login } }"
NAME = "synthetic/repo-0"


def faults_met(github: SimulatedGitHub) -> list[str | None]:
    """Return the fault that struck each request, in order."""
    return [request.fault for request in github.requests()]


def page(client: Client, *, first: int, after: str | None = None, name: str = "repo-0") -> None:
    """Request one page, whatever the answer."""
    client.post(PAGE, owner="synthetic", name=name, first=first, after=after)


def test_a_fault_strikes_the_given_number_of_times_from_the_nth_match_on(client_of: ClientOf) -> None:
    """Answers before and after that are regular."""
    with simulator(synthetic=1, faults=[{"fault": "server_error", "nth": 2, "times": 2}]) as github:
        client = client_of(github)
        for _ in range(5):
            client.get("/user")

        assert faults_met(github) == [None, "server_error", "server_error", None, None]


def test_a_fault_with_times_null_lasts_until_cleared(client_of: ClientOf) -> None:
    with simulator(synthetic=1) as github:
        client = client_of(github)
        github.add_faults({"fault": "server_error", "times": None})
        for _ in range(3):
            client.get("/user")
        github.clear_faults()
        client.get("/user")

        assert faults_met(github) == ["server_error"] * 3 + [None]


@pytest.mark.parametrize(
    ("match", "struck"),
    [
        ({"api": "rest"}, [False, False, False, False, True, True]),
        ({"operation": "Page"}, [False, True, True, True, False, False]),
        ({"min_page_size": 30}, [False, True, False, False, False, False]),
        ({"continued": True}, [False, False, True, False, False, False]),
        ({"operation": "Page", "continued": False}, [False, True, False, True, False, False]),
        ({"endpoint": "/repos/{owner}/{repo}"}, [False, False, False, False, True, False]),
        ({"repository": NAME}, [False, True, True, False, True, False]),
        ({"repository": "Synthetic/Repo-7"}, [False, False, False, True, False, False]),
        ({"account": "nobody"}, [False] * 6),
        ({}, [True] * 6),
    ],
)
def test_a_rule_strikes_only_matching_requests(client_of: ClientOf, match: dict[str, Any], struck: list[bool]) -> None:
    """The conditions are API, operation, page size, cursor, route, repository and account."""
    with simulator(synthetic=9, faults=[{"fault": "server_error", "match": match, "times": None}]) as github:
        github.add_synthetic(1, seed=7)
        client = client_of(github)
        client.post(CHEAP)
        page(client, first=30)
        page(client, first=29, after="Y3Vyc29yOnYyOlsxLDFd")
        page(client, first=5, name="repo-7")
        client.get(f"/repos/{NAME}")
        client.get("/user")

        assert [fault is not None for fault in faults_met(github)] == struck


def test_a_repository_is_recognised_wherever_a_request_may_name_it(client_of: ClientOf) -> None:
    """It may be in a search, an id, the query or the path; a longer name is another repository."""
    with simulator(synthetic=2, faults=[{"fault": "server_error", "match": {"repository": NAME}, "times": None}]) as github:
        client = client_of(github)
        node_id = github.pull_request(NAME, 1).id
        number = github.repository(NAME).database_id
        count = "query ($q: String!) { search(query: $q, type: ISSUE, first: 1) { issueCount } }"
        client.post(count, q=f"repo:{NAME} is:pr")
        client.post(count, q=f"repo:{NAME}-more is:pr")
        client.post("query ($id: ID!) { node(id: $id) { id } }", id=node_id)
        client.post('{ repository(owner: "synthetic", name: "repo-0") { id } }')
        client.get(f"/repositories/{number}")
        client.get(f"/api/v3/repos/{NAME}")
        client.get(f"/repos/{NAME}-more")

        assert [fault is not None for fault in faults_met(github)] == [True, False, True, True, True, True, False]


def test_the_first_rule_that_is_due_strikes_and_the_others_keep_counting(client_of: ClientOf) -> None:
    """A rule counts its matches whether or not it strikes."""
    script: list[dict[str, Any]] = [{"fault": "gateway_timeout"}, {"fault": "server_error", "nth": 1, "times": 2}]
    with simulator(synthetic=1, faults=script) as github:
        client = client_of(github)
        for _ in range(3):
            client.get("/user")

        assert faults_met(github) == ["gateway_timeout", "server_error", None]


def test_a_fault_may_cost_points(client_of: ClientOf) -> None:
    """GitHub charges for queries that time out."""
    with simulator(synthetic=1, faults=[{"fault": "query_timeout", "points": 5}]) as github:
        client_of(github).post(CHEAP)

        assert github.budget(github.account_of("ghp_test")).used == github.stats()["points"] == 5


def test_a_faults_file_is_a_list_or_an_object_with_one(tmp_path: Path) -> None:
    rules = [{"fault": "hang", "seconds": 3, "match": {"api": "graphql"}}]
    plain, wrapped = tmp_path / "plain.json", tmp_path / "wrapped.json"
    plain.write_text(json.dumps(rules))
    wrapped.write_text(json.dumps({"faults": rules}))

    assert read_faults(plain) == read_faults(wrapped) == fault_rules(rules)
    assert read_faults(plain)[0].parameters == {"seconds": 3}


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"fault": "explode"}, r"Fault rule 2: `fault` must be one of accepted, .*, not 'explode'"),
        ({}, r"Fault rule 2: `fault` must be one of .*, not None"),
        ("hang", r"Fault rule 2 must be an object"),
        (
            {"fault": "hang", "name": "slow", "retry_after": 1},
            r"Fault rule 2 \(slow\) cannot have retry_after, only .*seconds",
        ),
        ({"fault": "hang", "seconds": "long"}, r"Fault rule 2: `seconds` must be a number, not 'long'"),
        ({"fault": "hang", "seconds": -1}, r"Fault rule 2: `seconds` must be a number of at least 0, not -1"),
        ({"fault": "null_nodes", "indexes": ["1"]}, r"Fault rule 2: `indexes` must be a list of whole numbers"),
        ({"fault": "secondary_limit", "status": 99}, r"Fault rule 2: `status` must be one of 200, 403, 429, not 99"),
        ({"fault": "hang", "nth": 0}, r"Fault rule 2: `nth` and `times` must be whole numbers of at least 1"),
        ({"fault": "hang", "times": True}, r"Fault rule 2: `nth` and `times` must be whole numbers of at least 1"),
        ({"fault": "hang", "delay_ms": None}, r"Fault rule 2: `delay_ms` must be a number, not None"),
        ({"fault": "hang", "match": []}, r"Fault rule 2: `match` must be an object"),
        ({"fault": "hang", "match": {"query": "x"}}, r"`match` cannot have query, only account, api, .*repository"),
        ({"fault": "hang", "match": {"api": "soap"}}, r"Fault rule 2: `match.api` must be one of graphql, rest, not 'soap'"),
        ({"fault": "hang", "match": {"min_page_size": "30"}}, r"Fault rule 2: `match.min_page_size` must be a whole number"),
        ({"fault": "secondary_limit", "retry_after": "soon"}, r"Fault rule 2: `retry_after` must be a number or null"),
    ],
)
def test_an_invalid_rule_is_reported_with_what_is_allowed(tmp_path: Path, rule: object, message: str) -> None:
    """The error also gives its number or name."""
    script = tmp_path / "faults.json"
    script.write_text(json.dumps([{"fault": "delay"}, rule]))

    with pytest.raises(FaultsError, match=message):
        read_faults(script)


def test_an_unreadable_faults_file_is_reported(tmp_path: Path) -> None:
    """The error gives the path of a missing file and of one without rules."""
    wrong = tmp_path / "wrong.json"
    wrong.write_text('"text"')

    with pytest.raises(FaultsError, match="has no rules"):
        read_faults(wrong)
    with pytest.raises(FaultsError, match=r"absent.json cannot be read as JSON"):
        read_faults(tmp_path / "absent.json")
