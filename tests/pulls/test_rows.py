"""A row has the columns of its model, and a list is what its model says."""

from __future__ import annotations

from typing import Any, get_args, get_type_hints

import pytest
from django.apps import apps
from django.db import models

from apps.catalog import EntityType
from apps.pulls.models import PullRequest
from apps.pulls.rows import LISTS, ListName, PullRequestRow, StoredList

KINDS: dict[type[models.Field[Any, Any]], str] = {
    models.BigIntegerField: "int",
    models.IntegerField: "int",
    models.ForeignKey: "int",
    models.TextField: "str",
    models.CharField: "str",
    models.BooleanField: "bool",
    models.DateTimeField: "datetime",
}


def _columns(model: type[models.Model]) -> dict[str, str]:
    """Return the model's columns but its own id, typed as a row types them."""
    return {
        str(field.column): KINDS[type(field)] + (" | None" if field.null else "")
        for field in model._meta.concrete_fields
        if not field.primary_key
    }


def _fields(row: type[Any]) -> dict[str, str]:
    return {name: getattr(kind, "__name__", None) or _optional(kind) for name, kind in get_type_hints(row).items()}


def _optional(kind: Any) -> str:
    return " | ".join("None" if each is type(None) else each.__name__ for each in get_args(kind))


def test_a_pull_request_s_row_has_its_model_s_columns() -> None:
    """With their types, null or not."""
    assert _fields(PullRequestRow) == _columns(PullRequest)


@pytest.mark.parametrize("stored", LISTS, ids=lambda stored: stored.name)
def test_a_list_s_row_has_its_model_s_columns(stored: StoredList) -> None:
    """In place of the pull request's id, which GitHub does not know, it has its number."""
    columns = _columns(apps.get_model(stored.model))
    assert columns.pop("pull_request_id") == "int"
    assert _fields(stored.row) == {"number": "int", **columns}


@pytest.mark.parametrize("stored", LISTS, ids=lambda stored: stored.name)
def test_a_list_is_declared_as_its_model_is(stored: StoredList) -> None:
    """Its name is the pull request's for it, its key is unique in a pull request, its total one of GitHub's counts."""
    model = apps.get_model(stored.model)
    assert PullRequest._meta.get_field(stored.name).related_model is model
    unique = [each.fields for each in model._meta.constraints if isinstance(each, models.UniqueConstraint)]
    assert unique == [("pull_request", stored.key)]
    assert stored.total in PullRequestRow.__struct_fields__
    assert stored.entity_type in get_args(EntityType)


def test_every_list_is_stored() -> None:
    """Once."""
    assert tuple(stored.name for stored in LISTS) == get_args(ListName)
