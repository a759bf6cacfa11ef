"""Fault rules: which request meets a fault, and how often."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from apps.github_simulator.faults import FaultsError, fault_rules, read_faults
from apps.github_simulator.testing import SimulatedGitHub, simulator
from tests.github_simulator.asking import PAGE, Client
from tests.github_simulator.conftest import ClientOf

CHEAP = "query Cheap { viewer { login } }"
NAME = "synthetic/repo-0"


def faults_met(github: SimulatedGitHub) -> list[str | None]:
    """The fault that each request met, in order."""
    return [request.fault for request in github.requests()]


def page(client: Client, *, first: int, after: str | None = None, name: str = "repo-0") -> None:
    """One page is asked for, whatever the answer."""
    client.post(PAGE, owner="synthetic", name=name, first=first, after=after)


def test_a_fault_strikes_from_the_nth_match_on_so_many_times(client_of: ClientOf) -> None:
    """Before, between and after, answers are regular."""
    with simulator(synthetic=1, faults=[{"fault": "server_error", "nth": 2, "times": 2}]) as github:
        client = client_of(github)
        for _ in range(5):
            client.get("/user")

        assert faults_met(github) == [None, "server_error", "server_error", None, None]


def test_a_fault_may_last_for_ever_until_cleared(client_of: ClientOf) -> None:
    """`times: null`."""
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
def test_a_rule_chooses_its_requests(client_of: ClientOf, match: dict[str, Any], struck: list[bool]) -> None:
    """By API, operation, page size, cursor, route, repository or account."""
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


def test_a_repository_is_recognised_in_a_search_by_id_and_in_the_query(client_of: ClientOf) -> None:
    """Wherever a client may name it; a longer name is another repository."""
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


def test_the_first_rule_that_is_due_wins_and_the_others_count_on(client_of: ClientOf) -> None:
    """A rule's matches are counted whether it strikes or not."""
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


def test_a_file_of_rules_is_a_list_or_has_one(tmp_path: Path) -> None:
    """Both spellings give the same rules."""
    rules = [{"fault": "hang", "seconds": 3, "match": {"api": "graphql"}}]
    plain, wrapped = tmp_path / "plain.json", tmp_path / "wrapped.json"
    plain.write_text(json.dumps(rules))
    wrapped.write_text(json.dumps({"faults": rules}))

    assert read_faults(plain) == read_faults(wrapped) == fault_rules(rules)
    assert read_faults(plain)[0].parameters == {"seconds": 3}


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"fault": "explode"}, r"fault rule 2: `fault` is one of access_blocked, .*; not 'explode'"),
        ({}, r"fault rule 2: `fault` is one of .*; not None"),
        ("hang", r"fault rule 2 is not an object"),
        (
            {"fault": "hang", "name": "slow", "retry_after": 1},
            r"rule 2 \(slow\) does not know retry_after; it may have .*seconds",
        ),
        ({"fault": "hang", "seconds": "long"}, r"fault rule 2: `seconds` is a number, not 'long'"),
        ({"fault": "hang", "seconds": -1}, r"fault rule 2: `seconds` is a number from 0, not -1"),
        ({"fault": "null_nodes", "indexes": ["1"]}, r"fault rule 2: `indexes` is a list of whole numbers from 0"),
        ({"fault": "secondary_limit", "status": 99}, r"fault rule 2: `status` is one of 200, 403, 429, not 99"),
        ({"fault": "hang", "nth": 0}, r"fault rule 2: `nth` and `times` are whole numbers from 1"),
        ({"fault": "hang", "times": True}, r"fault rule 2: `nth` and `times` are whole numbers from 1"),
        ({"fault": "hang", "delay_ms": None}, r"fault rule 2: `delay_ms` is a number, not None"),
        ({"fault": "hang", "match": []}, r"fault rule 2: `match` is an object"),
        ({"fault": "hang", "match": {"query": "x"}}, r"`match` does not know query; it may have account, api, .*repository"),
        ({"fault": "hang", "match": {"api": "soap"}}, r"fault rule 2: `match.api` is one of graphql, rest, not 'soap'"),
        ({"fault": "hang", "match": {"min_page_size": "30"}}, r"fault rule 2: `match.min_page_size` is a whole number"),
        ({"fault": "secondary_limit", "retry_after": "soon"}, r"fault rule 2: `retry_after` is a number or null"),
    ],
)
def test_a_wrong_rule_is_named_with_what_is_allowed(tmp_path: Path, rule: object, message: str) -> None:
    """The error is a sentence about that rule."""
    script = tmp_path / "faults.json"
    script.write_text(json.dumps([{"fault": "delay"}, rule]))

    with pytest.raises(FaultsError, match=message):
        read_faults(script)


def test_a_file_that_is_no_json_is_named(tmp_path: Path) -> None:
    """Neither a missing file nor a wrong one is a traceback of something else."""
    wrong = tmp_path / "wrong.json"
    wrong.write_text('"text"')

    with pytest.raises(FaultsError, match="holds no rules"):
        read_faults(wrong)
    with pytest.raises(FaultsError, match=r"absent.json cannot be read as JSON"):
        read_faults(tmp_path / "absent.json")
