"""Every test here begins without lanes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from apps.integrations.models import ApiLane


@pytest.fixture
def lanes(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """No lane at first. Lanes need autocommit; emptying all tables, as pytest-django does for that, is slow."""
    with django_db_blocker.unblock():
        ApiLane.objects.all().delete()
        yield
        ApiLane.objects.all().delete()
