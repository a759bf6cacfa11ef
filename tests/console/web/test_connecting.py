"""An account is connected with a token, its repositories are picked, a run is started; then it is changed and removed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from apps.console.web import connecting
from apps.github_simulator.testing import SimulatedGitHub, simulator
from apps.integrations.models import PipelineRun
from apps.repositories.models import GitHubConnection, TokenAccess, TrackedRepository
from apps.teams.models import Membership, Team
from apps.utils import clock
from telemetry.testing import Capture
from tests.console.web.people import People, make_run

TOKEN = "a-token-of-no-known-shape"
"""Nothing would redact it."""
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def github(settings: Settings) -> Iterator[SimulatedGitHub]:
    """A GitHub that knows one token, and is the one that the console connects to."""
    with simulator(synthetic=1, tokens={TOKEN: {"account": "ada"}}) as github:
        settings.SYNCTRACE_API_URLS = [github.url]
        yield github


@pytest.fixture
def owner(people: People, client: Client, broker_url: str) -> Client:
    """An owner of the core team, signed in."""
    client.force_login(people.owner)
    return client


def _text(content: bytes) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", unescape(content.decode())))


def _form(people: People, github: SimulatedGitHub, token: str = TOKEN) -> dict[str, Any]:
    return {"team": people.team.pk, "api_url": github.url, "token": token}


def _connected(owner: Client, people: People, github: SimulatedGitHub) -> str:
    """Connect, and return the address of the connection's page."""
    return owner.post("/connect/", _form(people, github)).headers["Location"]


def test_a_token_is_checked_and_its_repositories_offered(owner: Client, people: People, github: SimulatedGitHub) -> None:
    """Whose it is, what it may, what is left, and what it sees; whoever comes again finds the same without asking GitHub."""
    for seed in range(1, 3):
        github.add_synthetic(1, seed=seed)
    github.archive("synthetic/repo-1")
    address = _connected(owner, people, github)
    asked = github.stats()["requests"]
    stored = GitHubConnection.objects.get()
    assert (address, stored.team, stored.token()) == (f"/connect/{stored.pk}/", people.team, TOKEN)
    for _ in range(2):
        page = _text(owner.get(address).content)
        assert "May repo read:org Organizations synthetic Limits 5,000 of 5,000 points left" in page
        assert "3 repositories · 0 chosen" in page
        assert "synthetic/repo-1 archived" in page
    assert github.stats()["requests"] == asked == {"graphql": 0, "rest": 4}


def test_the_token_is_nowhere_but_encrypted_in_its_row(
    owner: Client, people: People, github: SimulatedGitHub, captrace: Capture
) -> None:
    """Not in an answer, be it refused or not, nor in a session, a span, a line, or any other row."""
    other, unknown = "a-second-token-of-no-shape", "an-unknown-token-of-no-shape"
    github.add_token(other, account="ada")
    answers = [owner.post("/connect/", _form(people, github, unknown))]
    address = _connected(owner, people, github)
    answers += [owner.post(f"{address}token/", {"token": unknown}), owner.post(f"{address}token/", {"token": other})]
    answers += [
        owner.get(page) for page in ("/", "/connect/", address, f"{address}token/", f"{address}remove/", "/accounts/")
    ]
    staff = Client()
    staff.force_login(people.staff)
    answers += [staff.get("/admin/repositories/githubconnection/"), owner.post(address, {"do": "list"})]
    assert [answer.status_code for answer in answers] == [422, 422, 302, *[200] * 8]
    said = b"".join(answer.content + str(dict(answer.headers)).encode() for answer in answers).decode()
    said += "".join(json.dumps(session.get_decoded()) for session in Session.objects.all())
    said += str(captrace.lines) + str(captrace.spans)
    with database.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{table}" AS t')  # noqa: S608  # a table of this test
            said += str(cursor.fetchall())
    assert [token for token in (TOKEN, other, unknown) if token in said] == []
    assert GitHubConnection.objects.get().token() == other
    connected = captrace.find_lines(event="sync.account.connected")
    assert [(line["by"], line["team_id"]) for line in connected] == [("owner", people.team.pk)] * 2


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        (
            [{"fault": "bad_credentials"}],
            "GitHub: 401: Bad credentials. GitHub does not accept the token: it was not copied whole",
        ),
        ([{"fault": "sso"}], "SAML enforcement"),
        ([{"fault": "ip_allow_list"}], "IP allow list enabled"),
        ([{"fault": "server_error"}], "GitHub is in trouble. See https://www.githubstatus.com"),
        ([{"fault": "not_found"}], "What answers there is not a GitHub API."),
        ([{"fault": "html_page"}], "Something between here and GitHub may be answering in its place."),
        ([{"fault": "primary_limit", "reset_in": 900.0}], "GitHub's primary limit holds until"),
        ([{"fault": "secondary_limit", "retry_after": 60}], "GitHub's secondary limit holds until"),
        ([{"fault": "hang", "seconds": 30}], "There was no answer in 1 s. GitHub is slow, or the account is busy"),
    ],
    ids=lambda value: value[0]["fault"] if isinstance(value, list) else "",
)
def test_a_refusal_is_said_in_words(
    faults: list[dict[str, Any]],
    said: str,
    owner: Client,
    people: People,
    github: SimulatedGitHub,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And nothing is stored."""
    monkeypatch.setattr(connecting, "CHECK_SECONDS", 1.0 if faults[0]["fault"] == "hang" else 8.0)
    github.add_faults(*({**fault, "match": {"api": "rest"}, "times": None} for fault in faults))
    answer = owner.post("/connect/", _form(people, github))
    assert answer.status_code == 422
    assert said in _text(answer.content)
    assert not GitHubConnection.objects.exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"token": ""}, "Paste a token."),
        ({"token": "x" * 1_001}, "This is too long for a token."),
        ({"token": "two words"}, "The token contains characters that no GitHub token has."),
        ({"team": ""}, "Choose a team."),
        ({"team": "999999"}, "Select a valid choice."),
        ({"api_url": "https://internal.example"}, "Select a valid choice."),
    ],
)
def test_a_form_that_is_not_whole_asks_nobody(
    changes: dict[str, str], said: str, owner: Client, people: People, github: SimulatedGitHub
) -> None:
    """Above all no host but those that whoever runs this has named."""
    answer = owner.post("/connect/", {**_form(people, github), **changes})
    assert (answer.status_code, said in _text(answer.content)) == (422, True)
    assert github.stats()["requests"] == {"graphql": 0, "rest": 0}


def test_an_unreachable_github_is_said(owner: Client, people: People, settings: Settings) -> None:
    """Within the time that somebody waits."""
    settings.SYNCTRACE_API_URLS = ["http://127.0.0.1:9"]
    answer = owner.post("/connect/", {"team": people.team.pk, "api_url": "http://127.0.0.1:9", "token": TOKEN})
    assert "Check the network, the proxy settings and the API's address." in _text(answer.content)


def test_a_token_that_sees_less_is_said_to(owner: Client, people: People, github: SimulatedGitHub) -> None:
    """Without scopes; and one that GitHub names none of."""
    github.add_token(TOKEN, account="ada", scopes=[], expires_at="2099-01-31T12:00:00Z")
    address = _connected(owner, people, github)
    page = _text(owner.get(address).content)
    assert "It has no scopes. Without the scope repo it sees only public repositories." in page
    assert "Organizations GitHub does not say: that takes the scope read:org ." in page
    assert "Ends 2099-01-31 12:00" in page
    TokenAccess.objects.update(scopes=None, hidden_organizations=["1", "2"], expires_at=clock.now() - timedelta(days=1))
    page = _text(owner.get(address).content)
    assert "GitHub names no scopes of it" in page
    assert "Single sign-on hides 2 organizations: authorize the token on GitHub" in page
    assert "It ended" in page
    assert "Its token ended" in _text(owner.get("/connect/").content)


def test_the_team_is_chosen_among_one_s_own(people: People, github: SimulatedGitHub, broker_url: str) -> None:
    """An owner of two; another team's is none of them, nor is one in which one is a member."""
    third = Team.objects.create(slug="third", name="Third")
    Membership.objects.create(user=people.owner, team=third, role=Membership.Role.OWNER)
    Membership.objects.create(user=people.owner, team=people.other_team, role=Membership.Role.MEMBER)
    client = Client()
    client.force_login(people.owner)
    page = client.get("/connect/").content.decode()
    assert re.findall(r"<option[^>]*>([^<]+)</option>", page) == ["Core", "Third"]
    assert client.post("/connect/", {**_form(people, github), "team": people.other_team.pk}).status_code == 422
    assert client.post("/connect/", {**_form(people, github), "team": third.pk}).status_code == 302
    assert GitHubConnection.objects.get().team == third


def test_staff_make_the_first_team(github: SimulatedGitHub, broker_url: str, django_user_model: Any) -> None:
    """Where there is none yet; it needs a name."""
    client = Client()
    client.force_login(django_user_model.objects.create_superuser("root"))
    form = {"api_url": github.url, "token": TOKEN}
    assert "Name the team" in _text(client.post("/connect/", {**form, "new_team": "!"}).content)
    assert client.post("/connect/", {**form, "new_team": "The Bakers"}).status_code == 302
    assert (Team.objects.get().slug, GitHubConnection.objects.get().team.name) == ("the-bakers", "The Bakers")


def _boxes(content: bytes) -> dict[str, bool]:
    found = re.findall(r'name="repository" value="([^"]+)"( checked)?', content.decode())
    return {name: bool(checked) for name, checked in found}


def _others(content: bytes) -> list[str]:
    found = re.search(r"<textarea[^>]*>(.*?)</textarea>", unescape(content.decode()), re.DOTALL)
    assert found is not None
    return found[1].splitlines()


@pytest.fixture
def many(people: People) -> GitHubConnection:
    """A connection that sees 10,000 repositories, of which it tracks two; another one tracks a third."""
    found, other = (
        GitHubConnection.objects.create(team=people.team, account=f"github.test/{login}", encrypted_token=b"")
        for login in ("ada", "ben")
    )
    names = [f"acme/service-{number:04}" for number in range(10_000)]
    flags = [[name, number == 3, number == 4, number == 5] for number, name in enumerate(names)]
    TokenAccess.objects.create(connection=found, asked_at=clock.now(), listed_at=clock.now(), repositories=flags)
    for tracked_with, name in ((found, "acme/service-9000"), (found, "acme/gone"), (other, "acme/service-0001")):
        TrackedRepository.objects.create(team=people.team, connection=tracked_with, full_name=name)
    return found


def test_ten_thousand_repositories_are_a_page(owner: Client, many: GitHubConnection) -> None:
    """What is tracked is first; what it is, is marked; and the database is asked a few times."""
    address = f"/connect/{many.pk}/"
    with CaptureQueriesContext(database) as asked:
        answer = owner.get(address)
    assert len(asked) <= 8
    assert len(answer.content) < 60_000
    assert list(_boxes(answer.content))[:4] == ["acme/gone", "acme/service-9000", "acme/service-0000", "acme/service-0001"]
    page = _text(answer.content)
    assert "10,001 repositories, of which 100 are shown: search for the others · 0 chosen" in page
    assert (
        "acme/gone tracked acme/service-9000 tracked acme/service-0000 acme/service-0001 tracked with github.test/ben"
        in page
    )
    assert "acme/service-0003 archived acme/service-0004 fork acme/service-0005 private" in page


def test_what_is_chosen_stays_so_through_searches(owner: Client, many: GitHubConnection) -> None:
    """Without any script: what is not shown is a line of text, and a box again where it is."""
    address = f"/connect/{many.pk}/"
    answer = owner.post(address, {"text": "ACME SERVICE-000", "do": "all_shown"})
    assert len(_boxes(answer.content)) == 10
    assert all(_boxes(answer.content).values())
    chosen = {"repository": list(_boxes(answer.content))[1:], "others": ""}
    answer = owner.post(address, {**chosen, "text": "service-9000", "do": "search"})
    assert _boxes(answer.content) == {"acme/service-9000": False}
    assert _others(answer.content) == [f"acme/service-000{number}" for number in range(1, 10)]
    others = "\n".join([*_others(answer.content), "https://github.com/acme/SERVICE-9000", "else/where"])
    answer = owner.post(address, {"others": others, "text": "service-9000"}, headers={"HX-Request": "true"})
    assert (_boxes(answer.content), b"<html" in answer.content) == ({"acme/service-9000": True}, False)
    assert _others(answer.content) == [*(f"acme/service-000{number}" for number in range(1, 10)), "else/where"]
    answer = owner.post(address, {"others": others, "text": "", "do": "all_found"})
    assert "10,001 chosen" in _text(answer.content)
    assert "· 0 chosen" in _text(owner.post(address, {"others": others, "do": "none"}).content)


def test_a_run_is_started_over_what_is_chosen(owner: Client, many: GitHubConnection, people: People) -> None:
    """It leads to the run; what another account tracked moves; what is named by hand is tracked too."""
    form = {"do": "start", "repository": ["acme/service-0001", "acme/service-0000"], "others": "https://github.com/x/y.git"}
    answer = owner.post(f"/connect/{many.pk}/", {**form, "window": "days", "days": "7", "older": "90"})
    run = PipelineRun.objects.get()
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/runs/{run.pk}/")
    rows = run.repo_syncs.select_related("repository", "connection")
    assert {row.repository.full_name for row in rows} == {"acme/service-0001", "acme/service-0000", "x/y"}
    assert {row.connection for row in rows} == {many}
    assert (run.team, run.backfill) == (people.team, True)
    began = [(run.started_at - since).days for since in (run.since, run.backfill_since) if since]
    assert began == [7, 90]


@pytest.mark.parametrize(
    ("window", "since", "backfill"),
    [
        ({"window": "all", "older": "all"}, None, False),
        ({"window": "since", "since": "2026-01-05", "older": ""}, "2026-01-05T00:00:00+00:00", False),
        ({"window": "since", "since": "2026-01-05", "older": "all"}, "2026-01-05T00:00:00+00:00", True),
    ],
)
def test_a_window_is_what_was_asked_for(
    window: dict[str, str], since: str | None, backfill: bool, owner: Client, many: GitHubConnection
) -> None:
    """All history has nothing before it."""
    owner.post(f"/connect/{many.pk}/", {"do": "start", "others": "acme/service-0000", **window})
    run = PipelineRun.objects.get()
    assert (run.since and run.since.isoformat(), run.backfill, run.backfill_since) == (since, backfill, None)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"others": ""}, "Choose a repository, or name one."),
        ({"others": "no name"}, "'no name' is not a repository's name."),
        ({"others": "https://gitlab.com/a/b"}, "is an address at gitlab.com"),
        ({"window": "days", "days": "0"}, "The days are a number from 1 to 36,500."),
        ({"window": "days", "days": "²"}, "The days are a number from 1 to 36,500."),
        ({"window": "since", "since": "2026-02-31"}, "Choose the first day, such as 2026-01-31."),
        ({"window": "since", "since": ""}, "Choose the first day, such as 2026-01-31."),
        ({"window": "since", "since": "9999-12-31"}, "The first day is in the future."),
        ({"older": "some"}, "Choose whether older history should follow."),
    ],
)
def test_a_start_that_nobody_can_mean_is_refused(
    changes: dict[str, str], said: str, owner: Client, many: GitHubConnection
) -> None:
    """And what was chosen is still there."""
    answer = owner.post(f"/connect/{many.pk}/", {"do": "start", "others": "acme/service-9999", **changes})
    assert (answer.status_code, said in _text(answer.content)) == (422, True)
    assert _others(answer.content) == [line for line in [changes.get("others", "acme/service-9999")] if line]
    assert (PipelineRun.objects.count(), TrackedRepository.objects.count()) == (0, 3)


def test_a_long_list_is_read_on(owner: Client, people: People, github: SimulatedGitHub) -> None:
    """When somebody asks for it; a list that broke off says why, and can be asked for again."""
    for seed in range(1, 101):
        github.add_synthetic(0, seed=seed)
    github.add_faults({"fault": "server_error", "match": {"endpoint": "/user/repos"}, "nth": 2})
    address = _connected(owner, people, github)
    page = _text(owner.get(address).content)
    assert "The list of repositories is incomplete." in page
    assert "100 repositories · 0 chosen" in page
    answer = owner.post(address, {"do": "read_on", "repository": "synthetic/repo-0"})
    page = _text(answer.content)
    assert "101 repositories, of which 100 are shown: search for the others · 1 chosen" in page
    assert "is incomplete" not in page


def test_a_connection_of_an_earlier_version_was_never_asked(owner: Client, people: People) -> None:
    """Its page says so, and offers to."""
    make_run(people.team, {"state": "queued"})
    found = GitHubConnection.objects.get()
    page = _text(owner.get(f"/connect/{found.pk}/").content)
    assert "1 repository · 0 chosen Select all shown List again core/core-0 tracked" in page
    assert "core-bot" in _text(owner.get("/connect/").content)


def test_a_token_is_changed_for_one_of_the_same_account(owner: Client, people: People, github: SimulatedGitHub) -> None:
    """Another account's is refused, and the old one stays."""
    address = _connected(owner, people, github)
    github.add_token("of-ben", account="ben")
    github.add_token("new", account="ada", scopes=["repo"])
    answer = owner.post(f"{address}token/", {"token": "of-ben"})
    assert answer.status_code == 422
    assert re.search(r"The token belongs to \S+/ben, and this is the connection with \S+/ada\.", _text(answer.content))
    assert GitHubConnection.objects.get().token() == TOKEN
    assert "Paste a token." in _text(owner.post(f"{address}token/", {"token": ""}).content)
    answer = owner.post(f"{address}token/", {"token": "new"})
    assert (answer.headers["Location"], GitHubConnection.objects.get().token()) == (address, "new")


def test_an_account_is_removed_after_saying_what_goes(owner: Client, people: People) -> None:
    """A second time on a page of its own; while a run is under way it is refused, with the way to it."""
    run = make_run(people.team, {"state": "queued"}, {"state": "completed"})
    found = GitHubConnection.objects.get()
    address = f"/connect/{found.pk}/remove/"
    page = owner.get(address).content
    assert f"Run {run.pk} is under way with it: cancel it, or wait until it has ended." in _text(page)
    assert b"Delete all this" not in page
    assert owner.post(address).status_code == 409
    PipelineRun.objects.update(state="completed", ended_at=clock.now())
    page = owner.get(address).content
    assert "2 tracked repositories, with 0 pull requests and their reviews, commits and files 1 run over" in _text(page)
    assert GitHubConnection.objects.exists()
    answer = owner.post(address)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/connect/")
    assert [model.objects.count() for model in (GitHubConnection, PipelineRun, TrackedRepository)] == [0, 0, 0]
