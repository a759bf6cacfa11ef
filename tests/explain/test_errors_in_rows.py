"""The database finds the rows whose errors stand for a code: the same as the function does, for every error there is."""

from __future__ import annotations

import pytest

from apps.explain import codes
from apps.explain.errors_as_codes import ERROR_TYPES, OF_DATABASE, code_of
from apps.explain.errors_in_rows import FOUND, has_error_of
from apps.integrations.models import RepoSync
from tests.console.web.people import make_people, make_run

pytestmark = pytest.mark.django_db

_MESSAGES = (
    "",
    "It was killed at its hard time limit",
    "canceling statement due to statement timeout",
    "Deadlock detected",
    "[Errno 111] Redis is away",
    "kombu: deadlock detected",
)


def test_each_row_is_found_by_the_code_that_its_error_stands_for_and_by_no_other() -> None:
    """Also those of errors that are nobody's, and of none."""
    people = make_people()
    errors = [(kind, message) for kind in (*ERROR_TYPES, *OF_DATABASE, "ZeroDivisionError", "") for message in _MESSAGES]
    run = make_run(people.team, *({"state": "failed", "error_type": kind, "error_msg": message} for kind, message in errors))
    expected = {(kind, message): {code_of(kind, message)} & set(FOUND) if kind else set() for kind, message in errors}
    found: dict[tuple[str, str], set[codes.Code]] = {error: set() for error in expected}
    for code in FOUND:
        for row in RepoSync.objects.filter(has_error_of(code), run=run):
            found[row.error_type, row.error_msg].add(code)
    assert found == expected
    assert {code.name for code in FOUND} > {"token_refused", "time_limit", "broker_unavailable", "program_error"}
