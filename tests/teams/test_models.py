"""Teams and memberships."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.test import Client

from apps.teams.models import Membership, Team

pytestmark = pytest.mark.django_db


def test_a_slug_is_one_word() -> None:
    """A slug that a command line could not take is refused."""
    with pytest.raises(ValidationError, match="slug"):
        Team(slug="two words", name="Two").full_clean()


def test_slugs_are_unique() -> None:
    """A slug names one team."""
    Team.objects.create(slug="blue", name="Blue")
    with pytest.raises(IntegrityError):
        Team.objects.create(slug="blue", name="Other")


def test_a_user_belongs_to_a_team_once() -> None:
    """A second membership of the same user in the same team is refused; the first has the lesser role."""
    user, team = User.objects.create(username="ann"), Team.objects.create(slug="blue", name="Blue")
    assert Membership.objects.create(user=user, team=team).role == Membership.Role.MEMBER
    with pytest.raises(IntegrityError):
        Membership.objects.create(user=user, team=team, role=Membership.Role.OWNER)


def test_admin_shows_a_team_with_its_members(client: Client) -> None:
    """An administrator finds the team and edits its members on one page."""
    admin = User.objects.create_superuser("root")
    team = Team.objects.create(slug="blue", name="Blue")
    Membership.objects.create(user=admin, team=team)
    client.force_login(admin)
    page = client.get(f"/admin/teams/team/{team.pk}/change/").content.decode()
    assert "Blue" in page
    assert 'name="memberships-0-role"' in page
