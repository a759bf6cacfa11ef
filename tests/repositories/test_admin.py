"""Connections and repositories can be looked at in the admin, without any token, and nothing can be written there."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.repositories.models import BEGINNING, GitHubConnection, TrackedRepository
from apps.repositories.secrets import encrypt
from apps.teams.models import Team

pytestmark = pytest.mark.django_db

_TOKEN = "ghp_0123456789abcdefghijklmnopqrstuvwxyz"
_MODELS = ("githubconnection", "trackedrepository")


def _tracked(number: int) -> TrackedRepository:
    """A repository of a team and a connection of its own."""
    team = Team.objects.create(slug=f"team-{number}", name=f"Team {number}")
    account = GitHubConnection.objects.create(
        team=team, account=f"api.github.com/me-{number}", encrypted_token=encrypt(_TOKEN)
    )
    return TrackedRepository.objects.create(team=team, connection=account, full_name=f"owner/name-{number}")


@pytest.mark.parametrize("model", _MODELS)
def test_a_list_asks_as_much_for_many_rows_as_for_few(admin_client: Client, model: str) -> None:
    """No query a row."""
    address = reverse(f"admin:repositories_{model}_changelist")
    _tracked(1)
    admin_client.get(address)  # what is kept after the first time
    with CaptureQueriesContext(connection) as few:
        assert admin_client.get(address).status_code == 200
    for number in range(2, 6):
        _tracked(number)
    with CaptureQueriesContext(connection) as many:
        assert b"5 " in admin_client.get(address).content
    assert len(many) == len(few)


@pytest.mark.parametrize("model", _MODELS)
def test_nothing_can_be_written(admin_client: Client, model: str) -> None:
    """Not even by a superuser: what the sync relies on is its own."""
    _tracked(1)
    row = apps.get_model("repositories", model).objects.first()
    pages = {name: reverse(f"admin:repositories_{model}_{name}", args=(row.pk,)) for name in ("change", "delete")}
    assert admin_client.get(pages["change"]).status_code == 200
    assert admin_client.post(pages["change"], {}).status_code == 403
    assert admin_client.post(pages["delete"], {"post": "yes"}).status_code == 403
    assert admin_client.post(reverse(f"admin:repositories_{model}_add"), {}).status_code == 403


def test_a_token_is_on_no_page(admin_client: Client) -> None:
    """Neither in the clear nor as it is stored."""
    row = _tracked(1)
    stored = bytes(row.connection.encrypted_token)
    for address in (
        reverse("admin:repositories_githubconnection_changelist"),
        reverse("admin:repositories_githubconnection_change", args=(row.connection_id,)),
        reverse("admin:repositories_trackedrepository_changelist"),
        reverse("admin:repositories_trackedrepository_change", args=(row.pk,)),
    ):
        page = admin_client.get(address).content
        assert _TOKEN.encode() not in page
        assert stored[:24] not in page
        assert b"encrypted" not in page


def test_a_repository_says_how_far_back_it_is_stored(admin_client: Client) -> None:
    """As words where a date would say nothing."""
    row = _tracked(1)
    address = reverse("admin:repositories_trackedrepository_changelist")
    assert "not synced yet" in admin_client.get(address).content.decode()
    TrackedRepository.objects.filter(pk=row.pk).update(covered_from=BEGINNING)
    assert "the beginning" in admin_client.get(address).content.decode()
