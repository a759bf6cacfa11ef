"""What a team connects and tracks is stored once, whoever asks for it at the same time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
from cryptography.fernet import Fernet
from django.db import connection as database
from django.db import models, transaction
from pytest_django import DjangoAssertNumQueries, Settings

from apps.repositories.accounts import account_name, account_with, has_new_token, save_connection, track
from apps.repositories.models import GitHubConnection, TrackedRepository
from apps.repositories.names import InvalidRepositoryName
from apps.repositories.secrets import fingerprint
from apps.teams.models import Team
from tests.acceptance.worker import wait_until
from tests.locks import count_waiting

T = TypeVar("T")
TOKEN = "ghp_" + "a" * 36


@pytest.fixture
def team(db: None) -> Team:
    """A team that connects."""
    return Team.objects.create(slug="bakers", name="Bakers")


def _connect(team: Team, token: str = TOKEN) -> GitHubConnection:
    return save_connection(team=team, api_url="https://github.test", account="github.test/ada", token=token)


@pytest.mark.parametrize(
    ("api_url", "name"),
    [
        ("https://api.github.com", "api.github.com/ada"),
        ("HTTPS://API.GitHub.com:443/", "api.github.com/ada"),
        ("http://localhost:8010", "localhost:8010/ada"),
        ("http://localhost:80/api/v3", "localhost/ada"),
    ],
)
def test_an_account_is_one_however_its_host_is_written(api_url: str, name: str) -> None:
    """Two lanes for one account would be two requests at once."""
    assert account_name(api_url=api_url, login="ada") == name


def test_a_token_is_stored_encrypted(team: Team) -> None:
    """And read with the same key."""
    stored = _connect(team)
    stored.refresh_from_db()
    assert TOKEN.encode() not in bytes(stored.encrypted_token)
    assert stored.token() == TOKEN


def test_a_token_is_recognized_among_thousands_without_decrypting_one(
    team: Team, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """By an index on its fingerprint, in one statement; at its own host alone, and an unknown one not at all."""
    others = [f"{TOKEN}{number}" for number in range(2_000)]
    GitHubConnection.objects.bulk_create(
        GitHubConnection(team=team, account=f"github.test/{n}", encrypted_token=b"x", token_fingerprint=fingerprint(each))
        for n, each in enumerate(others)
    )
    decrypted: list[bytes] = []
    monkeypatch.setattr("apps.repositories.models.decrypt", decrypted.append)
    with django_assert_num_queries(1):
        assert account_with(others[1_234], api_url="https://GitHub.test/") == "github.test/1234"
    assert account_with(TOKEN, api_url="https://github.test") is None
    assert account_with(others[1_234], api_url="https://other.test") is None
    assert decrypted == []


def test_a_token_is_recognized_as_long_as_its_key_decrypts_it(team: Team, settings: Settings) -> None:
    """A new key comes first, and the old one stays until no token is encrypted with it."""
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    settings.SYNCTRACE_ENCRYPTION_KEYS = [old]
    stored = _connect(team)
    assert TOKEN not in stored.token_fingerprint
    settings.SYNCTRACE_ENCRYPTION_KEYS = [new, old]
    assert account_with(TOKEN, api_url="https://github.test") == stored.account
    settings.SYNCTRACE_ENCRYPTION_KEYS = [new]
    assert account_with(TOKEN, api_url="https://github.test") is None
    _connect(team)
    assert account_with(TOKEN, api_url="https://github.test") == stored.account


def test_connecting_again_replaces_the_token(team: Team) -> None:
    """Whoever still holds the old one can ask whether there is another."""
    used = _connect(team)
    _connect(team)
    assert not has_new_token(used)
    _connect(team, f"{TOKEN}b")
    assert has_new_token(used)
    assert GitHubConnection.objects.get().token() == f"{TOKEN}b"


@pytest.mark.django_db(transaction=True)
def test_two_that_connect_and_track_at_once_make_one_of_each(team: Team) -> None:
    """Two commands of a new team, say: whoever comes second finds what the first has made."""
    first, second = _both_insert(GitHubConnection, lambda: _connect(team))
    assert first == second
    (one,), (other,) = _both_insert(TrackedRepository, lambda: track(connection=first, full_names=["a/b"]))
    assert one == other


def _both_insert(model: type[models.Model], store: Callable[[], T]) -> list[T]:
    """Call `store` in two threads, neither of which can insert into the model's table before the other tries to."""

    def work(_: int) -> T:
        try:
            return store()
        finally:
            database.close()

    with ThreadPoolExecutor(2) as pool:
        with transaction.atomic(), database.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {model._meta.db_table} IN SHARE MODE")
            both = pool.map(work, range(2))
            wait_until(lambda: count_waiting() == 2)
        return list(both)


def test_names_differ_by_more_than_case(team: Team) -> None:
    """What is tracked already is not tracked twice."""
    connection = _connect(team)
    first = track(connection=connection, full_names=["a/b", "a/c"])
    assert [one.pk for one in track(connection=connection, full_names=["A/B"])] == [first[0].pk]
    assert TrackedRepository.objects.count() == 2


@pytest.mark.parametrize("name", ["a", "a/b/c", "a b/c", "-a/b", ""])
def test_a_name_that_no_repository_can_have_is_refused(team: Team, name: str) -> None:
    """The error says how names are written."""
    with pytest.raises(InvalidRepositoryName, match="Write it as OWNER/NAME"):
        track(connection=_connect(team), full_names=[name])


def test_an_address_and_a_name_of_one_repository_track_it_once(team: Team) -> None:
    """At the host of the connection's API, whatever the case."""
    names = ["https://github.test/ada_corp/cakes.git", "ada_corp/cakes", "ADA_corp/Cakes"]
    tracked = track(connection=_connect(team), full_names=names)
    assert [one.full_name for one in tracked] == ["ada_corp/cakes"]


def test_a_name_that_github_gave_is_not_judged(team: Team) -> None:
    """It knows how its repositories are called, be it by rules of tomorrow."""
    names = ["-odd-/name", "a_b/.github", "o+o/n\u00e4me"]
    assert [one.full_name for one in track(connection=_connect(team), full_names=[], listed=names)] == names


def test_a_thousand_repositories_are_tracked_with_a_few_queries(team: Team, django_assert_max_num_queries: Any) -> None:
    """In the order in which they are named, each once, whoever had them before."""
    connection, other = _connect(team), save_connection(team=team, api_url="https://x.test", account="x", token=TOKEN)
    track(connection=other, full_names=["o/r7"])
    names = [f"o/r{number}" for number in range(1_000)]
    with django_assert_max_num_queries(6):
        tracked = track(connection=connection, full_names=[*names, "O/R3"])
    assert [each.full_name for each in tracked] == names
    assert {each.connection_id for each in TrackedRepository.objects.all()} == {connection.pk}
