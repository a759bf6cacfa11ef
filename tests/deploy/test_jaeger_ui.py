"""What Jaeger's pages show and lead to."""

from __future__ import annotations

import json
import re

import pytest
from django.urls import resolve

from deploy import jaeger_ui

SHOP = "https://sync.example.com:8443"


def _ours(configuration: str, web: str) -> list[str]:
    """Return the paths of our pages that are led to, with 7 for every value."""
    found = json.loads(configuration)
    urls = [each["url"] for each in (*found["menu"], *found["linkPatterns"])]
    return [re.sub(r"#\{[^}]+\}", "7", url.removeprefix(web)) for url in urls if url.startswith("http")]


def test_every_link_leads_to_a_page_of_ours_at_the_address_given() -> None:
    """A run, a repository, a team and the run of a trace, wherever the application is."""
    paths = _ours(jaeger_ui.configuration(f"{SHOP}/"), SHOP)
    assert [path for path in paths if not path.startswith("/")] == []
    assert {resolve(path.partition("?")[0]).view_name for path in paths} == {
        "home",
        "runs",
        "run",
        "repository",
        "team_by_number",
    }
    assert paths == _ours(jaeger_ui.configuration(), jaeger_ui.WEB)


def test_a_week_can_be_searched_and_pages_that_stay_empty_are_hidden() -> None:
    """Jaeger's own default is two days, with a Monitor that wants Prometheus and a graph of one service."""
    found = json.loads(jaeger_ui.configuration())
    assert found["search"]["maxLookback"]["value"] == "7d"
    assert (found["monitor"]["menuEnabled"], found["dependencies"]["menuEnabled"]) == (False, False)


@pytest.mark.parametrize("wrong", ["", "sync.example.com", "ftp://sync.example.com", 'http://a"b', "http://a/#b", "http://"])
def test_what_is_no_address_is_refused_with_the_variable_to_set(wrong: str) -> None:
    """Jaeger would take it, and its links lead nowhere."""
    with pytest.raises(ValueError, match="SYNCTRACE_WEB_URL"):
        jaeger_ui.configuration(wrong)
