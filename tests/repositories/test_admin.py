"""Connections and repositories can be looked at in the admin, without any token, and nothing can be written there."""

from __future__ import annotations

import pytest
from django.db.models import Model
from django.test import Client

from apps.repositories.models import BEGINNING, GitHubConnection, TrackedRepository
from apps.repositories.secrets import encrypt
from apps.teams.models import Team
from tests.admin_pages import check_queries, check_read_only, page

pytestmark = pytest.mark.django_db

_TOKEN = "ghp_0123456789abcdefghijklmnopqrstuvwxyz"
_MODELS: tuple[type[Model], ...] = (GitHubConnection, TrackedRepository)


def _tracked(number: int) -> TrackedRepository:
    """A repository of a team and a connection of its own."""
    team = Team.objects.create(slug=f"team-{number}", name=f"Team {number}")
    account = GitHubConnection.objects.create(
        team=team, account=f"api.github.com/me-{number}", encrypted_token=encrypt(_TOKEN)
    )
    return TrackedRepository.objects.create(team=team, connection=account, full_name=f"owner/name-{number}")


def _add_more() -> None:
    for number in range(2, 6):
        _tracked(number)


@pytest.mark.parametrize("model", _MODELS)
def test_a_list_asks_as_much_for_many_rows_as_for_few(admin_client: Client, model: type[Model]) -> None:
    """No query a row."""
    _tracked(1)
    check_queries(admin_client, page(model, "changelist"), _add_more, shown="5 ")


@pytest.mark.parametrize("model", _MODELS)
def test_nothing_can_be_written(admin_client: Client, model: type[Model]) -> None:
    """What the sync relies on is its own."""
    _tracked(1)
    check_read_only(admin_client, model._default_manager.get())


def test_a_token_is_on_no_page(admin_client: Client) -> None:
    """Neither in the clear nor as it is stored."""
    row = _tracked(1)
    stored = bytes(row.connection.encrypted_token)
    for address in (
        page(GitHubConnection, "changelist"),
        page(GitHubConnection, "change", row.connection_id),
        page(TrackedRepository, "changelist"),
        page(TrackedRepository, "change", row.pk),
    ):
        shown = admin_client.get(address).content
        assert _TOKEN.encode() not in shown
        assert stored[:24] not in shown
        assert b"encrypted" not in shown


def test_a_repository_says_how_far_back_it_is_stored(admin_client: Client) -> None:
    """As words where a date would say nothing."""
    row = _tracked(1)
    address = page(TrackedRepository, "changelist")
    assert "not synced yet" in admin_client.get(address).content.decode()
    TrackedRepository.objects.filter(pk=row.pk).update(covered_from=BEGINNING)
    assert "the beginning" in admin_client.get(address).content.decode()
