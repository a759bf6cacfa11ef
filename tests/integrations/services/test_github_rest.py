"""Which repositories there are, and what became of one; every call is a span and a line."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from apps.github_simulator.testing import SimulatedGitHub, simulator
from apps.integrations.errors import Forbidden, InvalidAnswer, IpNotAllowed, Moved, NotFound, SsoRequired
from apps.integrations.github.nodes import Response, TokenHolder
from apps.integrations.github.transport import GitHubTransport
from apps.integrations.services.github_rest import GitHubRest, RepositoryPage
from telemetry.testing import Capture
from tests.integrations.github.answers import FreeLane
from tests.integrations.github.hostile_server import hostile_server, sending
from tests.integrations.services.scripted import ScriptedTransport

NAME = "synthetic/repo-0"
pytestmark = pytest.mark.django_db  # for its clock


@pytest.fixture
def github() -> Iterator[SimulatedGitHub]:
    """A small world to change."""
    with simulator(synthetic=3) as github:
        yield github


def _client(github: SimulatedGitHub, token: str = "any-token") -> GitHubRest:  # noqa: S107  # no secret
    return GitHubRest(transport=GitHubTransport(api_url=github.url, token=token), lane=FreeLane())


def _answering(*responses: Response) -> GitHubRest:
    """Return a client that is answered with `responses`, one after the other."""
    return GitHubRest(transport=ScriptedTransport(rest=iter(responses).__next__), lane=FreeLane())


def test_a_repository_is_described(github: SimulatedGitHub) -> None:
    """Its id, name and state."""
    info = _client(github).repository(NAME)
    assert (info.full_name, info.archived, info.renamed_from) == (NAME, False, None)
    assert info.id == github.repository(NAME).database_id


def test_an_archived_repository_says_so(github: SimulatedGitHub) -> None:
    """It can still be read."""
    github.archive(NAME)
    assert _client(github).repository(NAME).archived


def test_a_renamed_repository_is_found_under_its_new_name(github: SimulatedGitHub, captrace: Capture) -> None:
    """By one redirect, followed on purpose; both calls are told, and neither failed."""
    github.rename(NAME, "synthetic/renamed")
    info = _client(github).repository(NAME)
    assert (info.full_name, info.renamed_from) == ("synthetic/renamed", NAME)
    calls = [(line["endpoint"], line["status_code"]) for line in captrace.lines if line["event"] == "sync.api.rest"]
    assert calls == [("/repos/{owner}/{repo}", 301), ("/repositories/{id}", 200)]
    assert {span.outcome for span in captrace.spans if span.name == "sync.api.rest"} == {"completed"}


def test_a_removed_repository_is_not_found(github: SimulatedGitHub, captrace: Capture) -> None:
    """Its call failed, with the status on its span and line."""
    github.remove(NAME)
    with pytest.raises(NotFound):
        _client(github).repository(NAME)
    (span,) = [span for span in captrace.spans if span.name == "sync.api.rest"]
    assert (span.outcome, span.attributes["error.type"]) == ("failed", "not_found")
    assert span.attributes["http.response.status_code"] == 404


@pytest.mark.parametrize(
    "location",
    [
        "https://elsewhere.example/repositories/1",
        "https://api.github.com/repos/a/b",
        "https://api.github.com/repositories/1/../../user",
        "//elsewhere.example/repositories/1",
        "/repos/a/b",
        "",
    ],
)
def test_a_redirect_elsewhere_is_not_followed(location: str) -> None:
    """The token goes to this host's repositories alone."""
    moved = Response(status=301, headers={}, body=b'{"message": "Moved Permanently", "url": "%s"}' % location.encode())
    with pytest.raises(Moved):
        _answering(moved).repository("a/b")


def test_a_redirect_within_the_host_may_leave_it_out() -> None:
    """As a proxy before an Enterprise Server writes it."""
    there = b'{"id": 1, "full_name": "b/a", "archived": false, "private": true}'
    moved = Response(status=302, headers={"location": "/api/v3/repositories/1"}, body=b"")
    info = _answering(moved, Response(status=200, headers={}, body=there)).repository("a/b")
    assert (info.full_name, info.renamed_from) == ("b/a", "a/b")


def test_a_second_redirect_is_not_followed() -> None:
    """One is a rename, two are something else."""
    moved = Response(
        status=301, headers={}, body=b'{"message": "Moved Permanently", "url": "https://api.github.com/repositories/1"}'
    )
    with pytest.raises(Moved):
        _answering(moved, moved).repository("a/b")


def test_a_list_is_read_page_by_page() -> None:
    """By GitHub's links, whatever is in them."""
    document = b'[{"id": %d, "full_name": "o/r%d", "archived": false, "private": true}]'
    link = '<https://api.github.com/user/repos?per_page=100&page=2>; rel="next"'
    pages = [
        Response(status=200, headers={"link": link}, body=document % (1, 1)),
        Response(status=200, headers={}, body=document % (2, 2)),
    ]
    assert [info.full_name for info in _answering(*pages).repositories()] == ["o/r1", "o/r2"]


def test_more_repositories_than_a_page_are_all_listed(github: SimulatedGitHub) -> None:
    """A hundred a request."""
    for seed in range(1, 102):
        github.add_synthetic(1, seed=seed)
    client = _client(github)
    assert {info.full_name for info in client.repositories()} == {each.name_with_owner for each in github.repositories}
    assert client.requests == 2


def test_an_organization_s_repositories_are_listed(github: SimulatedGitHub) -> None:
    """Those and no others."""
    assert [info.full_name for info in _client(github).repositories("synthetic")] == [NAME]


def test_an_installation_s_repositories_are_listed(github: SimulatedGitHub) -> None:
    """A token that is no user's may not ask for a user's."""
    github.add_token("ghs_app", account="my-app", type="Installation")
    assert [info.full_name for info in _client(github, "ghs_app").repositories()] == [NAME]


def test_organizations_left_out_of_a_list_are_known() -> None:
    """A list that is not whole says so."""
    client = _answering(Response(status=200, headers={"x-github-sso": "partial-results; organizations=1,2"}, body=b"[]"))
    assert client.repository_page() == RepositoryPage(repositories=(), hidden_organizations=("1", "2"))


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("Resource protected by organization SAML enforcement.", SsoRequired),
        ("the `x` organization has an IP allow list enabled", IpNotAllowed),
    ],
)
def test_a_refusal_with_a_cure_is_not_taken_for_an_installation(message: str, error: type[Forbidden]) -> None:
    """Asking differently would hide what to do."""
    refusal = Response(status=403, headers={}, body=b'{"message": "%s"}' % message.encode())
    with pytest.raises(error):
        list(_answering(refusal).repositories())
    with pytest.raises(error):
        _answering(refusal).user()


def test_whose_token_it_is(github: SimulatedGitHub) -> None:
    """A user by REST, an installation by GraphQL."""
    github.add_token("mona-s", account="mona")
    github.add_token("ghs_app", account="my-app", type="Installation")
    scopes = ("repo", "read:org")
    assert _client(github, "mona-s").user() == TokenHolder(login="mona", kind="User", scopes=scopes)
    assert _client(github, "ghs_app").user() == TokenHolder(login="my-app", kind="User")


def test_organizations_are_named(github: SimulatedGitHub) -> None:
    """Those that own what the token sees; for a token that may not ask, or is no user's, that is not an empty list."""
    github.add_token("mona-s", account="mona")
    github.add_token("narrow", account="mona", scopes=["repo"])
    github.add_token("ghs_app", account="my-app", type="Installation")
    assert _client(github, "mona-s").organizations() == ("synthetic",)
    assert _client(github, "narrow").organizations() is None
    assert _client(github, "ghs_app").organizations() is None


def test_a_page_names_the_next_one(github: SimulatedGitHub) -> None:
    """Whoever stops after one goes on there later, with another client."""
    for seed in range(1, 102):
        github.add_synthetic(1, seed=seed)
    first = _client(github).repository_page()
    second = _client(github).repository_page(first.following)
    assert (len(first.repositories), len(second.repositories), second.following) == (100, 2, None)


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("/user/repos?page=2", "/user/repos"),
        ("/api/v3/installation/repositories?page=3", "/installation/repositories"),
        ("/orgs/acme/repos?page=2", "/orgs/{org}/repos"),
        ("/organizations/7/repos?page=2", "/orgs/{org}/repos"),
    ],
)
def test_a_further_page_is_told_by_its_list(path: str, endpoint: str, captrace: Capture) -> None:
    """Whatever names are in its path."""
    _answering(Response(status=200, headers={}, body=b"[]")).repository_page(path)
    assert captrace.line("sync.api.rest")["endpoint"] == endpoint


def test_the_budgets_are_listed(github: SimulatedGitHub) -> None:
    """What is left of each."""
    github.add_token("mona-s", account="mona")
    github.set_budget("mona", "graphql", remaining=7)
    limits = {limit.resource: limit.remaining for limit in _client(github, "mona-s").rate_limit()}
    assert (limits["graphql"], limits["core"]) == (7, 5000)


def test_a_link_that_leads_nowhere_is_no_answer() -> None:
    """A page whose next page is itself ends the list with an error instead of being read for ever."""
    link = '<https://api.github.com/user/repos?page=2>; rel="next"'
    client = _answering(*[Response(status=200, headers={"link": link}, body=b"[]")] * 2)
    with pytest.raises(InvalidAnswer, match="the same one"):
        list(client.repositories())


def test_links_that_lead_in_a_circle_are_no_answer() -> None:
    """Each page once, then an error."""
    client = _answering(
        *[
            Response(
                status=200, headers={"link": f'<https://api.github.com/user/repos?page={page}>; rel="next"'}, body=b"[]"
            )
            for page in (2, 3, 2, 3)
        ]
    )
    with pytest.raises(InvalidAnswer, match="one before"):
        list(client.repositories())


def test_an_enterprise_server_s_links_are_followed() -> None:
    """They hold the API's own path."""
    link = b'<http://h/api/v3/user/repos?page=2>; rel="next"'
    first = b"HTTP/1.1 200 OK\r\nLink: %s\r\nContent-Length: 2\r\n\r\n[]" % link
    answers = [first, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"]
    with hostile_server(lambda connection: sending(answers.pop(0))(connection)) as server:
        transport = GitHubTransport(api_url=f"{server.url}/api/v3", token="none")
        assert list(GitHubRest(transport=transport, lane=FreeLane()).repositories()) == []
    assert [request.split(" ")[1] for request in server.requests] == [
        "/api/v3/user/repos?per_page=100",
        "/api/v3/user/repos?page=2",
    ]
