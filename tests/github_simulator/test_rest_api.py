"""REST, checked with PyGithub as an independent client and in its raw answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from github import Auth, Github, UnknownObjectException

from apps.github_simulator.testing import Limits, SimulatedGitHub, simulator
from tests.github_simulator.client import TOKEN, Client
from tests.github_simulator.conftest import ClientOf


@pytest.fixture(scope="module")
def organization() -> Iterator[SimulatedGitHub]:
    """Run a simulator with five repositories of one organization, after a rename, an archiving and a removal."""
    tokens: dict[str, dict[str, Any]] = {
        TOKEN: {"account": "ada"},
        "ghs_installation": {"account": "our-app", "type": "Installation"},
        "ghs_selected": {"account": "our-app", "type": "Installation", "repositories": ["synthetic/repo-1"]},
    }
    with simulator(synthetic=3, seed=1, tokens=tokens) as github:
        for seed in (2, 3, 4, 5, 6):
            github.add_synthetic(2, seed=seed)
        github.rename("synthetic/repo-3", "synthetic/moved")
        github.archive("synthetic/repo-4")
        github.remove("synthetic/repo-6")
        yield github


@pytest.fixture
def pygithub(organization: SimulatedGitHub) -> Iterator[Github]:
    """Return an independent client that requests pages of two."""
    root = organization.enterprise_url
    with Github(auth=Auth.Token(TOKEN), base_url=root, per_page=2, retry=None, seconds_between_requests=None) as client:
        yield client


@pytest.fixture
def client(organization: SimulatedGitHub, client_of: ClientOf) -> Client:
    """Return a client for raw requests to the same simulator."""
    return client_of(organization)


def test_pygithub_lists_an_organization_page_by_page(pygithub: Github) -> None:
    """It follows the Link headers and reads the repositories."""
    found = {repository.full_name: repository.archived for repository in pygithub.get_organization("synthetic").get_repos()}

    assert found == {
        "synthetic/repo-1": False,
        "synthetic/repo-2": False,
        "synthetic/moved": False,
        "synthetic/repo-4": True,
        "synthetic/repo-5": False,
    }


def test_pygithub_reads_the_account_and_its_limits(pygithub: Github) -> None:
    """`/user`, `/user/repos` and `/rate_limit` have the expected shapes."""
    assert pygithub.get_user().login == "ada"
    assert len(list(pygithub.get_user().get_repos())) == 5
    limit = pygithub.get_rate_limit()
    assert limit.resources.core.limit == limit.resources.graphql.limit == 5_000
    assert limit.resources.core.remaining == 5_000 - limit.resources.core.used


def test_pygithub_follows_a_rename(pygithub: Github) -> None:
    """The old name redirects to the URL with the repository's id, which has the new name."""
    assert pygithub.get_repo("synthetic/repo-3").full_name == "synthetic/moved"


def test_pygithub_does_not_find_a_removed_repository(pygithub: Github) -> None:
    """The answer is GitHub's 404."""
    with pytest.raises(UnknownObjectException) as refused:
        pygithub.get_repo("synthetic/repo-6")

    assert refused.value.data == {
        "message": "Not Found",
        "documentation_url": "https://docs.github.com/rest/repos/repos#get-a-repository",
        "status": "404",
    }


def test_a_former_name_redirects_to_the_repositorys_id(client: Client, organization: SimulatedGitHub) -> None:
    """Body and Location have the root that the client uses."""
    number = organization.repository("synthetic/moved").database_id
    for root in ("", "/api/v3"):
        response = client.get(f"{root}/repos/synthetic/repo-3")
        url = f"{organization.url}{root}/repositories/{number}"
        assert (response.status_code, response.headers["location"]) == (301, url)
        assert response.json() == {
            "message": "Moved Permanently",
            "url": url,
            "documentation_url": "https://docs.github.com/rest/guides/best-practices-for-using-the-rest-api#follow-redirects",
        }


def test_link_headers_lead_through_the_pages(client: Client) -> None:
    """The first page has no prev and first, the last no next and last; other parameters are kept."""
    url = f"{client.github.url}/orgs/synthetic/repos?type=all&per_page=2&page="

    middle = client.get("/orgs/synthetic/repos?type=all&per_page=2&page=2").headers["link"]
    last = client.get("/orgs/synthetic/repos?per_page=2&page=3").links

    assert middle == f'<{url}1>; rel="prev", <{url}1>; rel="first", <{url}3>; rel="next", <{url}3>; rel="last"'
    assert set(last) == {"prev", "first"}
    assert "link" not in client.get("/orgs/synthetic/repos?per_page=100").headers


def test_a_user_is_not_an_organization(client_of: ClientOf) -> None:
    """`/orgs` finds organizations only, `/users` both."""
    with simulator(synthetic=1, seed=1) as github:
        github.add_synthetic(1, seed=2)
        github.rename("synthetic/repo-1", "ada/mine", to_user=True)
        client = client_of(github)
        found = [client.get(f"/orgs/{path}").status_code for path in ("ada", "ada/repos", "synthetic/repos")]
        user = client.get("/users/ada").json()
        theirs = client.get("/users/ada/repos").json()

    assert found == [404, 404, 200]
    assert user["type"] == "User"
    assert [one["full_name"] for one in theirs] == ["ada/mine"]


def test_every_answer_has_githubs_headers(client: Client) -> None:
    """They give limits, scopes, request id and media type."""
    headers = client.get("/repos/synthetic/repo-1").headers

    assert headers["x-ratelimit-resource"] == "core"
    assert {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-used", "x-ratelimit-reset"} <= set(headers)
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert headers["x-oauth-scopes"] == "repo, read:org"
    assert headers["x-github-request-id"]
    assert headers["server"] == "github.com"


def test_an_unchanged_answer_is_free(client: Client) -> None:
    """If-None-Match with its ETag gives 304 and is not charged."""
    first = client.get("/repos/synthetic/repo-1")

    again = client.get("/repos/synthetic/repo-1", if_none_match=first.headers["etag"])

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["x-ratelimit-used"] == first.headers["x-ratelimit-used"]


def test_an_installation_lists_the_repositories_selected_for_it(organization: SimulatedGitHub, client_of: ClientOf) -> None:
    """`/installation/repositories` has its own envelope, and refuses users."""
    everything = client_of(organization, "ghs_installation").get("/installation/repositories?per_page=1").json()
    selected = client_of(organization, "ghs_selected").get("/installation/repositories").json()

    assert (everything["total_count"], everything["repository_selection"], len(everything["repositories"])) == (5, "all", 1)
    assert (selected["total_count"], selected["repository_selection"]) == (1, "selected")
    assert [repository["full_name"] for repository in selected["repositories"]] == ["synthetic/repo-1"]
    assert client_of(organization).get("/installation/repositories").status_code == 403
    assert client_of(organization, "ghs_selected").get("/user").json()["message"] == "Resource not accessible by integration"


def test_a_token_sees_only_its_repositories(organization: SimulatedGitHub, client_of: ClientOf) -> None:
    """The others are not found, in REST and in GraphQL."""
    client = client_of(organization, "ghs_selected")

    assert client.get("/repos/synthetic/repo-1").status_code == 200
    assert client.get("/repos/synthetic/repo-2").status_code == 404
    assert client.graphql('{ repository(owner: "synthetic", name: "repo-2") { id } }')["data"] == {"repository": None}


def test_reading_the_limits_is_free(client_of: ClientOf) -> None:
    """`/rate_limit` is not charged, and answers when no points are left."""
    with simulator(synthetic=1, limits=Limits(core=1)) as github:
        client = client_of(github)
        client.get("/user")
        answers = [client.get("/rate_limit") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert answers[-1].json()["resources"]["core"]["remaining"] == 0
    assert answers[-1].json()["rate"] == answers[-1].json()["resources"]["core"]


def test_an_unknown_path_is_not_found(client: Client) -> None:
    """The 404 is GitHub's JSON rather than the server's page."""
    assert client.get("/no/such/page").json()["message"] == "Not Found"
