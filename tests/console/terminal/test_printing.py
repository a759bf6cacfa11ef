"""Whatever a text of others holds, it shows, and does nothing to the terminal."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.console.terminal.printing import PrintingCommand, as_json
from telemetry import visible

EVIL = "a\x1b[2J\x00\nb\r\u202ec\x9bd\u200be"
ACTING = set("\x1b\x00\r\u202e\x9b\u200b\x7f\x85\u2028")


class Echo(PrintingCommand):
    """Prints what it is given, or fails with it."""

    stealth_options = ("text", "fails")
    requires_system_checks = ()

    def handle(self, *_: Any, **options: Any) -> None:
        """Print or fail."""
        if options["fails"]:
            raise CommandError(options["text"])
        self.say(options["text"])


@given(st.text())
def test_a_command_prints_one_line_for_one_text(text: str) -> None:
    """Nothing in it can end the line or act."""
    out = StringIO()
    call_command(Echo(stdout=out), text=text, fails=False)
    assert out.getvalue() == visible(text) + ("" if visible(text).endswith("\n") else "\n")
    assert not set(out.getvalue()) & ACTING
    with pytest.raises(CommandError) as failed:
        call_command(Echo(), text=text, fails=True)
    assert "\n" not in str(failed.value)
    assert not set(str(failed.value)) & ACTING


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
)


@given(json_values)
def test_json_stays_json(value: Any) -> None:
    """What is invisible stands as JSON's own escapes, and reads back as it was."""
    text = as_json(value)
    assert orjson.loads(text) == value
    assert "\n" not in text
    assert not set(text) & ACTING


@pytest.mark.django_db
@pytest.mark.parametrize("command", ["trace", "logs"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(name=st.text(min_size=1).filter(lambda name: not name.startswith("-")))
def test_names_that_people_give_act_nowhere(command: str, name: str) -> None:
    """Also as the value of KEY=VALUE."""
    for given_name in (name, f"trace_id={name}", f"team_id={name}"):
        with pytest.raises(CommandError) as failed:
            call_command(command, given_name, stdout=StringIO())
        assert not set(str(failed.value)) & ACTING


def test_a_line_that_breaks_the_catalog_acts_nowhere(tmp_path: Path) -> None:
    """Nor does the file's name."""
    file = tmp_path / "lines\x1b[2J"
    file.write_bytes(orjson.dumps({"event": f"sync.{EVIL}"}) + b"\n")
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("catalog", "--check", str(file), stdout=out)
    assert not set(out.getvalue()) & ACTING
    assert len(out.getvalue().splitlines()) == 1
