"""What every read-only page of the admin keeps to."""

from __future__ import annotations

from collections.abc import Callable

from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse


def page(model: type[models.Model], name: str, *args: object) -> str:
    """The address of a model's page: `changelist`, `change`, `add` or `delete`."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def check_queries(client: Client, address: str, add_rows: Callable[[], None], *, shown: str) -> None:
    """A page asks as much after `add_rows` as before, and shows the new ones: it makes no query a row."""
    client.get(address)  # what is kept after the first time
    with CaptureQueriesContext(connection) as few:
        assert client.get(address).status_code == 200
    add_rows()
    with CaptureQueriesContext(connection) as many:
        assert shown in client.get(address).content.decode()
    assert len(many) == len(few)


def check_read_only(client: Client, row: models.Model) -> None:
    """Nothing can be written, not even by a superuser."""
    model = type(row)
    assert client.get(page(model, "change", row.pk)).status_code == 200
    assert client.post(page(model, "change", row.pk), {}).status_code == 403
    assert client.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert client.post(page(model, "add"), {}).status_code == 403
