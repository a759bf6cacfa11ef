"""Measure how long the console's pages take from request to whole answer, over a million pull requests."""

from __future__ import annotations

from typing import Any

import django

from apps.config import instrumentation
from tests.benchmarks.page_rows import Stored, page_rows
from tests.benchmarks.programs import NotMeasured, answer_with
from tests.benchmarks.timing import seconds_of


def measure(*, pull_requests: int, runs: int, turns: int) -> dict[str, Any]:
    """Return for each page the seconds of each turn, as staff and as a member of a team, and how many queries it asks."""
    with page_rows(pull_requests=pull_requests, runs=runs) as stored:
        return {
            name: {who: _measured(address, getattr(stored, who), turns) for who in ("staff", "member")}
            for name, address in _addresses(stored).items()
        }


def _addresses(stored: Stored) -> dict[str, str]:
    repository = f"/repositories/{stored.repository}/"
    return {
        "home": "/",
        "runs": "/runs/",
        "runs.text": "/runs/?text=repository-1",
        "runs.cause": "/runs/?cause=lane_busy",
        "run": f"/runs/{stored.run}/",
        "repositories": "/repositories/",
        "repository": repository,
        "pull_requests": f"{repository}pull-requests/",
        "pull_requests.assisted": f"{repository}pull-requests/?assisted=AI-assisted",
        "pull_requests.text": f"{repository}pull-requests/?text=no+title+has+this",
        "pull_requests.updated": f"{repository}pull-requests/?order=least+recently+updated&before={stored.pull_request}",
        "pull_requests.merged": f"{repository}pull-requests/?order=recently+merged&assisted=AI-assisted",
        "teams": "/teams/",
        "team": f"/teams/{stored.team}/?weeks=52",
        "accounts": "/accounts/",
        "system": "/system/",
    }


def _measured(address: str, username: str, turns: int) -> dict[str, Any]:
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.get(username=username))

    def ask() -> None:
        answer = client.get(address)
        if answer.status_code != 200 or not answer.content:
            raise NotMeasured(f"{address} answered {answer.status_code}")

    with CaptureQueriesContext(connection) as captured:
        ask()  # which also compiles its templates
    queries = len(captured)  # Django forgets them with the next request
    return {"seconds": [seconds_of(ask) for _ in range(turns)], "queries": queries}


if __name__ == "__main__":
    django.setup()
    instrumentation.configure()
    answer_with(measure)
