"""Who signs in, how often somebody may try, and what an invitation does."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client, RequestFactory
from pytest_django import Settings

from apps.console.guessing import MOST_BY_ACCOUNT, MOST_BY_ADDRESS, WINDOW
from apps.console.invitations import InvitationGoneError, accept, invite
from apps.console.models import Invitation, SignInAttempts
from apps.console.web.signing_in import address_of
from apps.teams.models import Membership, Team
from apps.utils import clock
from tests.console.web.people import PASSWORD, People

pytestmark = pytest.mark.django_db


def _try(client: Client, name: str, password: str, **headers: str) -> int:
    data = {"username": name, "password": password, "next": "/runs/"}
    return client.post("/sign-in/", data, **headers).status_code  # type: ignore[arg-type]  # headers are strings


def test_whoever_signs_in_gets_to_where_they_wanted_to_go(people: People, client: Client) -> None:
    """And out again, by a post."""
    assert client.get("/runs/").headers["Location"] == "/sign-in/?next=/runs/"
    answer = client.post("/sign-in/", {"username": "member", "password": PASSWORD, "next": "/runs/"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/runs/")
    assert client.get("/runs/").status_code == 200
    assert client.post("/sign-out/").headers["Location"] == "/sign-in/"
    assert client.get("/runs/").status_code == 302


def test_nobody_is_led_to_another_host(people: People, client: Client) -> None:
    """By an address that somebody else made up."""
    data = {"username": "member", "password": PASSWORD, "next": "https://evil.example/"}
    assert client.post("/sign-in/", data).headers["Location"] == "/"


def test_one_account_s_password_can_be_guessed_ten_times(people: People, client: Client) -> None:
    """From wherever; then even the right one waits, whoever else is let in."""
    for number in range(MOST_BY_ACCOUNT):
        assert _try(client, "member", "wrong", REMOTE_ADDR=f"192.0.2.{number}") == 200
    refused = client.post("/sign-in/", {"username": "Member", "password": PASSWORD}, REMOTE_ADDR="192.0.2.99")
    assert "Too many attempts: try again after" in refused.content.decode()
    assert _try(Client(), "owner", PASSWORD, REMOTE_ADDR="192.0.2.98") == 302


def test_one_address_can_guess_fifty_times(people: People, client: Client) -> None:
    """With whatever names; all of an IPv6 network are one."""
    for number in range(MOST_BY_ADDRESS):
        _try(client, f"name-{number}", "wrong", REMOTE_ADDR=f"2001:db8::{number:x}")
    assert _try(client, "member", PASSWORD, REMOTE_ADDR="2001:db8::ffff:1") == 200
    assert _try(client, "member", PASSWORD, REMOTE_ADDR="2001:db8:0:1::1") == 302


def test_attempts_are_forgotten_in_time(people: People, client: Client) -> None:
    """After a quarter of an hour, and for the account that was let in."""
    for _ in range(MOST_BY_ACCOUNT - 1):
        _try(client, "member", "wrong")
    assert _try(client, "member", PASSWORD) == 302
    assert SignInAttempts.objects.values_list("count", flat=True).get() == MOST_BY_ACCOUNT - 1
    SignInAttempts.objects.update(count=1_000, since=clock.now() - WINDOW - timedelta(seconds=1))
    assert _try(Client(), "member", PASSWORD) == 302
    assert SignInAttempts.objects.count() == 1


def test_what_was_typed_as_a_name_is_not_stored(people: People, client: Client) -> None:
    """It may be a password."""
    _try(client, "hunter2-in-the-wrong-field", "wrong")
    assert all("hunter2" not in key for key in SignInAttempts.objects.values_list("key", flat=True))


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.9", "10.0.0.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "made-up, 203.0.113.9", "203.0.113.9"),
        (2, "made-up, 203.0.113.9, 10.0.0.7", "203.0.113.9"),
        (2, "203.0.113.9", "10.0.0.1"),
    ],
)
def test_an_address_is_what_our_own_proxies_saw(proxies: int, forwarded: str, address: str, settings: Settings) -> None:
    """And not what somebody wrote before them."""
    settings.SYNCTRACE_PROXIES = proxies
    request = RequestFactory().get("/", HTTP_X_FORWARDED_FOR=forwarded, REMOTE_ADDR="10.0.0.1")
    assert address_of(request) == address


def _invited(*arguments: str) -> tuple[str, str]:
    """Invite by the command, and return the link's path and what else is printed."""
    link, _, rest = _printed(*arguments).partition("\n")
    return urlsplit(link).path, rest


def _printed(*arguments: str) -> str:
    out = StringIO()
    call_command("invite", *arguments, stdout=out)
    return out.getvalue()


def test_the_page_says_with_which_command_somebody_comes_in(client: Client, settings: Settings) -> None:
    """As it is typed where this runs; whoever is the first may see everything."""
    settings.SYNCTRACE_COMMAND = "docker compose run --rm"
    assert "<code>docker compose run --rm invite NAME --staff</code>" in client.get("/sign-in/").content.decode()
    User.objects.create_user("ada")
    assert "<code>docker compose run --rm invite NAME</code>" in client.get("/sign-in/").content.decode()


def test_the_first_user_comes_in_by_a_link(client: Client) -> None:
    """It asks for a password, signs in, and works once."""
    path, said = _invited("ada", "--team", "core", "--role", "owner")
    assert said.startswith("It works once, until ")
    assert "Welcome, ada" in client.get(path).content.decode()
    weak = client.post(path, {"new_password1": "12345678", "new_password2": "12345678"})
    assert "too common" in weak.content.decode()
    answer = client.post(path, {"new_password1": PASSWORD, "new_password2": PASSWORD})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert client.get("/").status_code == 200
    ada = User.objects.get(username="ada")
    assert (ada.is_staff, ada.is_superuser) == (False, False)
    assert list(Membership.objects.values_list("user__username", "team__slug", "role")) == [("ada", "core", "owner")]
    assert Client().get(path).status_code == 410
    assert Client().post(path, {"new_password1": "x", "new_password2": "x"}).status_code == 410


def test_a_link_expires_and_a_new_one_takes_its_place() -> None:
    """Only the last one works, and only until its hour."""
    first, _ = _invited("ada", "--staff")
    second, _ = _invited("ada", "--staff", "--hours", "1")
    assert [Client().get(path).status_code for path in (first, second)] == [410, 200]
    Invitation.objects.update(expires_at=clock.now())
    assert Client().get(second).status_code == 410


def test_a_link_to_the_first_account_is_printed_until_there_is_one(settings: Settings) -> None:
    """As compose does at each start: afterwards it says where the console is, and invites nobody."""
    said = [_printed("admin", "--staff", "--first") for _ in range(2)]
    assert all(text.startswith("Nobody has an account yet. Choose a password at:\nhttp") for text in said)
    _, second = (text.split("/invitation/")[1].split("/")[0] for text in said)
    accept(second, password=PASSWORD)
    assert _printed("admin", "--staff", "--first") == f"The console: {settings.SYNCTRACE_WEB_URL}\n"
    assert not Invitation.objects.filter(used_at=None).exists()


def test_an_invited_user_of_staff_sees_all(people: People) -> None:
    """And one who has lost the password gets in again as who they were."""
    for name, arguments in (("boss", ["--staff"]), ("member", [])):
        path, _ = _invited(name, *arguments)
        Client().post(path, {"new_password1": f"{PASSWORD}!", "new_password2": f"{PASSWORD}!"})
    boss, member = (User.objects.get(username=name) for name in ("boss", "member"))
    assert [boss.is_staff, boss.is_superuser, member.is_staff, member.check_password(f"{PASSWORD}!")] == [
        True,
        True,
        False,
        True,
    ]
    assert Membership.objects.get(user=member).role == Membership.Role.MEMBER


def test_the_database_does_not_know_the_link(people: People) -> None:
    """Whoever reads it cannot come in with it; and nothing else uses a link up but its post."""
    invited = invite(username="ada", team=people.team)
    token = invited.link.rstrip("/").rpartition("/")[2]
    assert token not in str(Invitation.objects.values_list().get())
    accept(token, password=PASSWORD)
    with pytest.raises(InvitationGoneError):
        accept(token, password=PASSWORD)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ada"], "would see nothing"),
        (["a da", "--staff"], "valid username"),
        (["a" * 151, "--staff"], "at most 150 characters"),
        (["ada", "--team", "no such slug"], "slug"),
        (["ada", "--staff", "--hours", "0"], "--hours"),
    ],
)
def test_an_invitation_that_makes_no_sense_is_refused(arguments: list[str], said: str) -> None:
    """With a sentence, and nothing is stored."""
    with pytest.raises(CommandError, match=said):
        call_command("invite", *arguments)
    assert (Invitation.objects.count(), Team.objects.count()) == (0, 0)
