"""Every address of the console and the admin, as everybody: a stranger, members of two teams, an owner and staff."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.resolvers import RoutePattern

from apps.console.web.sight import Sight
from apps.console.web.why import telling
from apps.integrations.models import Admission, PipelineRun
from apps.repositories.models import GitHubConnection
from tests.console.web.people import PASSWORD, People, make_lane, make_run

pytestmark = pytest.mark.django_db
_OPEN = {"stranger": 200, "outsider": 200, "member": 200, "owner": 200, "staff": 200}
_FOR_USERS = {**_OPEN, "stranger": 302}
_OF_THE_TEAM = {**_FOR_USERS, "outsider": 404}
_FOR_OWNERS = {**_OF_THE_TEAM, "member": 403}
_FOR_STAFF = {"stranger": 302, "outsider": 302, "member": 302, "owner": 302, "staff": 200}


@dataclass(frozen=True)
class _Answers:
    """What each of them gets at an address, whose arguments are those of a run of the core team."""

    by_whom: Mapping[str, int]
    query: str = ""


_ANSWERS = {
    "home": _Answers(_FOR_USERS),
    "runs": _Answers(_FOR_USERS),
    "run": _Answers(_OF_THE_TEAM),
    "run_time": _Answers(_OF_THE_TEAM),
    "spans": _Answers(_OF_THE_TEAM),
    "span": _Answers(_OF_THE_TEAM),
    "saved": _Answers(_OF_THE_TEAM),
    "compare": _Answers(_OF_THE_TEAM),
    "cancel": _Answers(_FOR_OWNERS),
    "resume": _Answers(_FOR_OWNERS),
    "repositories": _Answers(_FOR_USERS),
    "repository": _Answers(_OF_THE_TEAM),
    "pull_requests": _Answers(_OF_THE_TEAM),
    "teams": _Answers(_FOR_USERS),
    "team": _Answers(_OF_THE_TEAM),
    "team_by_number": _Answers({**_OF_THE_TEAM, **dict.fromkeys(("member", "owner", "staff"), 302)}),
    "promise": _Answers(_FOR_OWNERS),
    "accounts": _Answers(_FOR_USERS),
    "connect": _Answers(_FOR_USERS),
    "connection": _Answers(_FOR_OWNERS),
    "token": _Answers(_FOR_OWNERS),
    "github_app": _Answers({**_FOR_USERS, **dict.fromkeys(("outsider", "member", "owner"), 403), "staff": 404}),
    "remove": _Answers(_FOR_OWNERS),
    "demo": _Answers({**_FOR_USERS, **dict.fromkeys(("outsider", "member", "owner"), 403)}),
    "system": _Answers(_FOR_USERS),
    "help": _Answers(_FOR_USERS),
    "events": _Answers({**_FOR_USERS, **dict.fromkeys(("outsider", "member", "owner", "staff"), 204)}, "?page=/"),
    "login": _Answers({**dict.fromkeys(_OPEN, 302), "stranger": 200}),
    "logout": _Answers({**dict.fromkeys(_OPEN, 405), "stranger": 302}),
    "invitation": _Answers(dict.fromkeys(_OPEN, 410)),
    "healthz": _Answers(_OPEN),
    "admin_sign_in": _Answers({**dict.fromkeys(_OPEN, 403), "stranger": 302}),
}


@pytest.fixture
def run(people: People) -> PipelineRun:
    """A run of the core team, with everything that pages show of one."""
    run = make_run(
        people.team,
        {"state": "running", "prs_done": 4, "prs_total": 9, "full_name": "core/secret"},
        {"state": "queued"},
        {"state": "failed", "error_msg": "core/hidden says no", "error_type": "forbidden"},
    )
    row = run.repo_syncs.all()[0]
    Admission.objects.create(repo_sync=row, attempt=1, account=row.connection.account, admitted_at=run.started_at)
    make_lane(people.team)
    make_run(
        people.team,
        {"state": "failed", "error_msg": "core/hidden says no", "error_type": "forbidden"},
        state="failed",
        ended_at=run.started_at,
        error_msg="core/secret is gone",
    )
    return run


def _clients(people: People) -> Iterator[tuple[str, Client]]:
    for who in ("stranger", "outsider", "member", "owner", "staff"):
        client = Client()
        if who != "stranger":
            client.force_login(getattr(people, who))
        yield who, client


def _patterns() -> dict[str, URLPattern]:
    """The console's addresses, by name; those of the admin are its own."""
    found = {}
    for entry in get_resolver().url_patterns:
        inner = entry.url_patterns if isinstance(entry, URLResolver) and entry.namespace != "admin" else ()
        for pattern in inner:
            assert isinstance(pattern, URLPattern)
            found[pattern.name or str(pattern.pattern)] = pattern
    return found


def _address(name: str, pattern: URLPattern, run: PipelineRun) -> str:
    row = run.repo_syncs.earliest("pk")
    known = {
        "run_id": run.pk,
        "connection_id": row.connection_id,
        "repository_id": row.repository_id,
        "slug": run.team.slug,
        "team_id": run.team_id,
        "span_id": "0" * 16,
        "token": "x" * 43,
    }
    names = pattern.pattern.converters if hasattr(pattern.pattern, "converters") else {}
    return reverse(name, kwargs={key: known[key] for key in names}) if pattern.name else f"/{pattern.pattern}"


def test_every_address_says_whom_it_lets_in() -> None:
    """A new one is missing here, and so fails."""
    assert set(_patterns()) == set(_ANSWERS)


def test_every_address_answers_as_it_should(people: People, run: PipelineRun) -> None:
    """Strangers are asked who they are; of what other teams have, it is not even said that it is there."""
    expected, found = {}, {}
    for who, client in _clients(people):
        for name, pattern in _patterns().items():
            expected[who, name] = _ANSWERS[name].by_whom[who]
            if name in ("logout",) and who != "stranger":
                found[who, name] = client.get(_address(name, pattern, run)).status_code
                continue
            found[who, name] = client.get(_address(name, pattern, run) + _ANSWERS[name].query).status_code
    assert found == expected


def test_nothing_of_a_team_is_on_others_pages(people: People, run: PipelineRun) -> None:
    """Neither a repository's name, nor an error, an account or a run; whoever belongs to it sees all of that."""
    secrets = ("core/secret", "core/hidden", "core-bot", "Core", f"/runs/{run.pk}/")
    pages: Mapping[str, Callable[[], str]] = {
        name: lambda name=name, pattern=pattern: _address(name, pattern, run)  # type: ignore[misc]  # bound now
        for name, pattern in _patterns().items()
        if name not in ("logout", "login", "help", "events")
    }
    seen: dict[str, set[str]] = {}
    for who, client in _clients(people):
        for address in pages.values():
            text = b"".join(client.get(address())).decode()
            seen.setdefault(who, set()).update(secret for secret in secrets if secret in text)
    everything = set(secrets)
    assert seen == {
        "stranger": set(),
        "outsider": set(),
        "member": everything,
        "owner": everything,
        "staff": everything,
    }


def test_a_shared_account_s_queue_does_not_name_others_repositories(people: People) -> None:
    """Two teams may use one account: the one that waits learns that another is at work, and not at what."""
    run = make_run(people.team, {"state": "running", "full_name": "core/secret"})
    row = run.repo_syncs.get()
    waits = make_run(people.other_team, {"state": "queued"})
    waiting = waits.repo_syncs.get()
    type(waiting.connection).objects.filter(pk=waiting.connection_id).update(account=row.connection.account)
    Admission.objects.create(repo_sync=row, attempt=1, account=row.connection.account, admitted_at=run.started_at)
    client = Client()
    client.force_login(people.outsider)
    page = client.get(f"/runs/{waits.pk}/").content.decode()
    assert "where another team&#x27;s repository is at work" in page
    why = client.get(f"/runs/{waits.pk}/time/").content.decode()
    assert [text for text in ("core/secret", "Core") if text in page + why] == []


def test_a_sentence_does_not_name_what_its_reader_may_not_see(people: People) -> None:
    """Longer names too, and with their teams; what two teams track is each one's own."""
    for team, names in ((people.team, ("core/secret", "core/secret-2", "both/use")), (people.other_team, ("both/use",))):
        make_run(team, *({"state": "queued", "full_name": name} for name in names))
    text = "It queued behind core/secret-2 of Core, core/secret of core and both/use; then behind core/secret."
    told = {who: telling([text], Sight.of(getattr(people, who)))(text) for who in ("member", "outsider", "staff")}
    other = "another team's repository"
    assert told == {
        "member": text,
        "staff": text,
        "outsider": f"It queued behind {other}, {other} and both/use; then behind {other}.",
    }


def test_a_refused_post_changes_nothing(people: People, run: PipelineRun) -> None:
    """A stranger, another team and a mere member cannot cancel, resume, start, nor change or remove an account."""
    account = run.repo_syncs.all()[0].connection
    actions = [f"/runs/{run.pk}/cancel/", f"/runs/{run.pk}/resume/"]
    actions += [f"/connect/{account.pk}/{action}" for action in ("", "token/", "remove/")]
    form = {"do": "start", "others": "a/b", "token": "ghp_" + "x" * 36}
    for who, client in _clients(people):
        if who in ("stranger", "outsider", "member"):
            assert [client.post(action, form).status_code for action in actions] == [_FOR_OWNERS[who]] * 5
            if who != "outsider":
                connect = {**form, "team": people.team.pk, "api_url": "https://api.github.com"}
                assert client.post("/connect/", connect).status_code == {"stranger": 302, "member": 403}[who]
    run.refresh_from_db()
    assert (run.state, PipelineRun.objects.count()) == ("running", 2)
    assert list(GitHubConnection.objects.values_list("pk", "encrypted_token")) == [(account.pk, b"")]


def test_the_admin_is_for_staff_alone(people: People) -> None:
    """All of its lists, for everybody; its own page to sign in is ours, which counts attempts."""
    lists = [
        f"/admin/{pattern.pattern}" for pattern in _admin_patterns() if pattern.name and pattern.name.endswith("_changelist")
    ] + ["/admin/"]
    assert len(lists) > 8
    found = {who: {client.get(address).status_code for address in lists} for who, client in _clients(people)}
    assert found == {who: {status} for who, status in _FOR_STAFF.items()}
    assert Client().get("/admin/login/?next=/admin/").headers["Location"] == "/sign-in/?next=%2Fadmin%2F"


def _admin_patterns() -> Iterator[URLPattern]:
    for entry in get_resolver().url_patterns:
        if isinstance(entry, URLResolver) and entry.namespace == "admin":
            yield from _flat(entry, "")


def _flat(resolver: URLResolver, prefix: str) -> Iterator[URLPattern]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            for pattern in _flat(entry, ""):
                yield URLPattern(RoutePattern(f"{entry.pattern}{pattern.pattern}"), pattern.callback, name=pattern.name)
        else:
            yield entry


def test_whoever_is_inactive_or_nobody_sees_nothing(people: People, run: PipelineRun) -> None:
    """Though a member."""
    User.objects.filter(pk=people.member.pk).update(is_active=False)
    inactive = User.objects.get(pk=people.member.pk)
    for user in (inactive, AnonymousUser()):
        sight = Sight.of(user)
        assert [sight.runs().count(), sight.all_teams().count(), sight.lanes().count()] == [0, 0, 0]
        assert not sight.may_act_for(people.team.pk)


def test_a_session_s_cookie_is_not_for_scripts(people: People, client: Client) -> None:
    """Nor is a page kept by a browser for the next reader."""
    answer = client.post("/sign-in/", {"username": "member", "password": PASSWORD})
    assert answer.cookies["sessionid"]["httponly"]
    assert client.get("/").headers["Cache-Control"] == "no-store"


def test_what_is_not_there_and_what_one_may_not_do_is_said_on_a_page(people: People) -> None:
    """To a stranger too, who is shown no pages that are for users."""
    run = make_run(people.team, {"state": "failed"}, state="failed")
    member, stranger = Client(), Client()
    member.force_login(people.member)
    gone, refused = member.get("/runs/99999999/"), member.get(f"/runs/{run.pk}/cancel/")
    assert (gone.status_code, refused.status_code) == (404, 403)
    assert "There is nothing here" in gone.content.decode()
    assert "You may not do that" in refused.content.decode()
    assert 'aria-label="Pages"' in gone.content.decode()
    unknown = stranger.get("/nothing-like-that")
    assert (unknown.status_code, "There is nothing here" in unknown.content.decode()) == (404, True)
    assert 'aria-label="Pages"' not in unknown.content.decode()
