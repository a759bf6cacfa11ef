"""Every test here begins without lanes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from apps.integrations.models import ApiLane


@pytest.fixture
def db(django_db_setup: None) -> None:
    """Have a database and no transaction: pytest-django makes one only where a test has this fixture, or its mark."""


@pytest.fixture
def lanes(db: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """No lane at first. Lanes need autocommit; emptying all tables, as pytest-django does for that, is slow."""
    with django_db_blocker.unblock():
        ApiLane.objects.all().delete()
        yield
        ApiLane.objects.all().delete()
