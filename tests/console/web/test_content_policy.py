"""What browsers are told: nothing from other hosts, no script or style inside a page; and that Django finds no fault."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.contrib.staticfiles import finders
from django.test import Client

from tests.console.web.people import make_people, make_run

_CHECKOUT = Path(__file__).resolve().parents[3]
_TEMPLATES = _CHECKOUT / "apps" / "console" / "templates"
_OURS = ("SYNC", "DJANGO", "DATABASE", "CELERY")
_STATIC = _CHECKOUT / "apps" / "console" / "static" / "console"


@pytest.mark.django_db
def test_every_answer_has_the_policy() -> None:
    """Pages, the admin, errors and the health check."""
    people = make_people()
    run = make_run(people.team, {"state": "queued"})
    client = Client()
    client.force_login(people.staff)
    addresses = ("/", "/healthz", "/admin/", "/nowhere", f"/runs/{run.pk}/", "/sign-in/")
    policies = {client.get(address).headers["Content-Security-Policy"] for address in addresses}
    assert len(policies) == 1
    policy = policies.pop()
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy


def test_no_template_holds_script_or_style() -> None:
    """A browser would refuse it; a file that is saved has everything in itself, and is not ours any more."""
    for template in {*_TEMPLATES.rglob("*.html")} - {_TEMPLATES / "console" / "saved.html"}:
        text = template.read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:|hx-on", text), template
        assert not re.search(r"(?:src|href)=\"(?:https?:)?//", text), template


def test_our_scripts_and_styles_name_no_other_host() -> None:
    """Nor do they need one."""
    for file in [*_STATIC.glob("*.js"), *_STATIC.glob("*.css")]:
        assert not re.search(r"https?://|@import|url\((?!data:)", file.read_text()), file


def test_what_others_wrote_has_its_licence_beside_it() -> None:
    """And is served by us."""
    vendor = _STATIC / "vendor"
    scripts = sorted(vendor.glob("*.js"))
    assert [script.name for script in scripts] == ["htmx.min.js", "idiomorph-ext.min.js"]
    for script in scripts:
        licence = vendor / f"{re.split('[.-]', script.name)[0]}.LICENSE"
        assert "Permission to use, copy, modify" in licence.read_text()
        assert finders.find(f"console/vendor/{script.name}")
    assert django_settings.STATIC_URL == "/static/"
    assert finders.find("admin/css/base.css")
    assert finders.find("utils/admin.css")


def test_behind_a_tls_proxy_django_finds_no_fault(tmp_path: Path) -> None:
    """`check --deploy`, as somebody would run it for an address with https."""
    environment = {
        **{
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SYNC", "DJANGO", "DATABASE", "CELERY"))
        },
        "SYNCTRACE_HOME": str(tmp_path),
        "SYNCTRACE_WEB_URL": "https://sync.example.org",
        "DATABASE_URL": "postgresql:///nowhere",
        "CELERY_BROKER_URL": "redis://127.0.0.1:1/0",
        "DJANGO_SETTINGS_MODULE": "apps.config.settings",
    }
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "INFO"]
    done = subprocess.run(command, cwd=_CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout
