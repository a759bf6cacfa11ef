"""Ctrl-C calls off the run that a command follows, whatever it interrupts."""

from __future__ import annotations

from io import StringIO

import pytest
from django.db import connection
from rich.console import Console

from apps.console.following import cancelled_by_ctrl_c
from apps.integrations.models import PipelineRun
from apps.integrations.onboarding_pipeline import start_run
from tests.integrations.histories import repository

pytestmark = pytest.mark.django_db(transaction=True)


def _interrupt_a_statement() -> None:
    """Have Ctrl-C come when a statement has been sent, and nobody waits for its result yet."""
    connection.ensure_connection()
    connection.connection.pgconn.send_query(b"SELECT pg_sleep(60)")
    raise KeyboardInterrupt


def test_ctrl_c_in_the_middle_of_a_statement_cancels_the_run() -> None:
    """The connection is busy with the statement, and another one does it; a second run is not concerned."""
    mine, theirs = repository("o/mine"), repository("o/theirs")
    run, other = (start_run(team=each.team, repositories=[each], since=None) for each in (mine, theirs))
    out = StringIO()
    with pytest.raises(KeyboardInterrupt), cancelled_by_ctrl_c(run.pk, console=Console(file=out, width=200)):
        _interrupt_a_statement()
    assert dict(PipelineRun.objects.values_list("pk", "state")) == {run.pk: "cancelled", other.pk: "running"}
    assert out.getvalue().startswith(f"Cancelled run {run.pk}. What is stored stays: ")
