"""Times within sentences are moments on pages, whose script writes them in the reader's zone; what others wrote is text."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from apps.console.templatetags.shown import marked, timed
from apps.integrations.models import RepoSync
from apps.repositories.models import BEGINNING, TrackedRepository
from apps.utils import clock
from apps.utils.times_in_text import time_of_day, times_marked
from tests.console.web.people import People, make_lane, make_run

_AT = datetime(2026, 11, 28, 23, 47, 59, 123_456, tzinfo=UTC)
_TIME = (
    '<time class="nowrap number" datetime="{:%Y-%m-%dT%H:%M:%SZ}" title="{:%Y-%m-%d %H:%M:%S} UTC" data-shows="clock">'
    "{:%H:%M:%S}Z</time>"
)


def _shown(at: datetime) -> str:
    return _TIME.format(at, at, at)


def test_a_time_of_day_is_text_but_for_pages() -> None:
    """In UTC, whatever zone the moment is told in; terminals and programs are never given marks."""
    assert time_of_day(_AT) == "23:47:59Z"
    with times_marked():
        assert time_of_day(_AT) != "23:47:59Z"
    assert time_of_day(_AT.astimezone(datetime.now().astimezone().tzinfo)) == "23:47:59Z"


def test_each_time_in_a_sentence_is_a_moment() -> None:
    """At its beginning, at its end and between; one without any stays as it is."""
    with times_marked():
        later = _AT + timedelta(minutes=20)
        sentence = f"{time_of_day(_AT)} to {time_of_day(later)} & until {time_of_day(later)}"
    assert timed(sentence) == f"{_shown(_AT)} to {_shown(later)} &amp; until {_shown(later)}"
    assert timed("none at all") == "none at all"


def test_advice_has_its_times_and_its_commands() -> None:
    """The one is no part of the other."""
    with times_marked():
        advice = f"Run `resume` after {time_of_day(_AT)}"
    assert marked(advice) == f"Run <code>resume</code> after {_shown(_AT)}"


@pytest.mark.parametrize(
    "title",
    [
        "until 23:47:59Z",
        "2026-11-28T23:47:59Z",
        '<time datetime="2026-11-28T23:47:59Z">',
        f"{'0' * 16}2026-11-28T23:47:59Z{'0' * 16}",
    ],
)
def test_what_looks_like_a_time_of_ours_is_text(title: str) -> None:
    """Nobody else can write one, with marks or markup or without."""
    with times_marked():
        shown = timed(f"{title} at {time_of_day(_AT)}")
    assert shown.endswith(f" at {_shown(_AT)}")
    assert shown.count("<time") == 1


@pytest.mark.django_db
def test_a_run_s_sentences_tell_moments(people: People, owner: Client) -> None:
    """What it does, what each repository waits for, why, and the proof; an error that looks like a time stays text."""
    due = clock.now() + timedelta(minutes=20)
    hostile = {"state": "failed", "disposition": "failed", "error_type": "forbidden", "error_msg": "<time>01:02:03Z</time>"}
    run = make_run(people.team, {"state": "waiting", "wait_reason": "primary", "due_at": due}, hostile)
    page = owner.get(f"/runs/{run.pk}/").content.decode()
    assert f"core/core-0 is waiting: GitHub&#x27;s primary limit until {_shown(due)}." in page
    assert f'<span class="below">GitHub&#x27;s primary limit until {_shown(due)}</span>' in page
    assert "&lt;time&gt;01:02:03Z&lt;/time&gt;" in page
    for address in (f"/runs/{run.pk}/", f"/runs/{run.pk}/time/"):
        assert _bare(owner, address) == ["01:02:03Z"] * len(_bare(owner, address))
    assert f"until {_shown(due)}" in owner.get(f"/runs/{run.pk}/saved.html").content.decode()


@pytest.mark.django_db
def test_a_place_in_the_queue_tells_a_moment(people: People, owner: Client) -> None:
    """Behind an account that waits for its limit."""
    until = clock.now() + timedelta(minutes=30)
    make_lane(people.team, blocked_until=until, blocked_reason="primary")
    run = make_run(people.team, {"state": "queued"})
    page = owner.get(f"/runs/{run.pk}/").content.decode()
    assert f"number 1 for api.github.com/core-bot, which waits for GitHub&#x27;s primary limit until {_shown(until)}" in page


@pytest.mark.django_db
def test_what_is_late_and_waits_tells_a_moment(people: People, owner: Client) -> None:
    """At home, on its own page, on its team's and in the list, where a long sentence is cut."""
    due = clock.now() + timedelta(minutes=20)
    done: dict[str, Any] = {"state": "completed", "disposition": "synced"}
    early = timedelta(days=100)
    make_run(people.team, {**done, "started_at": clock.now() - early}, ago=early, state="completed")
    TrackedRepository.objects.update(covered_from=BEGINNING)
    make_run(people.team, {"state": "waiting", "wait_reason": "primary", "due_at": due})
    repository = RepoSync.objects.latest("pk").repository_id
    for address in ("/", "/repositories/", f"/repositories/{repository}/", "/teams/core/"):
        assert f"limit until {_shown(due)}." in owner.get(address).content.decode(), address
        assert _bare(owner, address) == []


def _bare(client: Client, address: str) -> list[str]:
    """Return the times of day that a page tells as text."""
    html = re.sub(r"<time\b[^>]*>[^<]*</time>", "", client.get(address).content.decode())
    return re.findall(r"\d\d:\d\d:\d\dZ", html)
