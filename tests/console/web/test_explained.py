"""A run is explained once for all who ask, and nobody is kept waiting for a page by it."""

from __future__ import annotations

from threading import Event

import pytest
from django.http import QueryDict
from django.test import Client

from apps.console.web import why
from apps.console.web.explained import Explanations
from apps.console.web.run import run as run_page
from apps.console.web.sight import Sight
from apps.explain.explanation import Explanation, explain_run
from apps.utils import clock
from tests.console.web.people import make_people, make_run

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_page_does_not_wait_for_a_cause_that_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says that it is still being read; what it is sent next says the cause, which is looked for once."""
    people = make_people()
    lost = {"state": "failed", "disposition": "failed", "error_type": "sso_required", "error_msg": "SAML"}
    run = make_run(people.team, lost, state="failed", ended_at=clock.now())
    goes_on, explained = Event(), []

    def slowly(run_id: int, *, command: str) -> Explanation:
        assert goes_on.wait(20)
        explained.append(run_id)
        return explain_run(run_id, command=command)

    monkeypatch.setattr(why, "explanations", Explanations(explain=slowly))
    client = Client()
    client.force_login(people.owner)
    asked = [client.get(f"/runs/{run.pk}/").content.decode() for _ in range(2)]
    assert ["is still being read" in page for page in asked] == [True, True]
    goes_on.set()
    sent = run_page.changing(Sight.of(people.owner), QueryDict(), {"run_id": run.pk})
    assert "is still being read" not in sent
    assert "SAML" in sent
    assert sent in client.get(f"/runs/{run.pk}/").content.decode()
    assert explained == [run.pk]
