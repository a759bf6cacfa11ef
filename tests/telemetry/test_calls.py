"""Our trace goes to listed hosts alone, also where an address has no host or is none; `test_processes` has real ones."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.telemetry.test_processes import environment

CALLS = """
import json
from requests import PreparedRequest, Response, Session
from requests.adapters import BaseAdapter
from telemetry import requests
from telemetry.testing import capturing

arrived = {}

class Counter(BaseAdapter):
    def send(self, request, **_):
        arrived[request.url] = "traceparent" in request.headers
        response = Response()
        response.status_code, response.request = 200, request
        return response

    def close(self):
        pass

requests.instrument(frozenset({"counter"}))
session = Session()
session.trust_env = False
session.mount("shop:", Counter())
with capturing() as captured:
    assert [session.get(url).status_code for url in ("shop://counter/", "shop://door/", "shop:counter")] == [200] * 3
left, redirecting = {}, Response()
redirecting.request = PreparedRequest()
for url in ("http://counter/", "http://door/", "shop:counter", "http://[broken", None):
    request = PreparedRequest()
    request.url, request.headers = url, {"traceparent": "ours", "baggage": "ours", "accept": "theirs"}
    session.rebuild_auth(request, redirecting)
    left[str(url)] = sorted(request.headers)
print(json.dumps([arrived, captured.tree(), left]))
"""


def test_an_address_without_a_host_gets_none_of_our_trace(tmp_path: Path) -> None:
    """The call is made, and is a span, all the same; where one is redirected to, all else that it carries goes along."""
    program = [sys.executable, "-c", CALLS]
    ran = subprocess.run(program, env=environment(tmp_path), capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    arrived, tree, left = json.loads(ran.stdout)
    assert arrived == {"shop://counter/": True, "shop://door/": False, "shop:counter": False}
    assert tree == "GET\nGET\nGET"
    assert left == {
        "http://counter/": ["accept", "baggage", "traceparent"],
        "http://door/": ["accept"],
        "shop:counter": ["accept"],
        "http://[broken": ["accept"],
        "None": ["accept"],
    }
