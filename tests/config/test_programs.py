"""Programs that tests start see what the test sees."""

from __future__ import annotations

import subprocess
import sys

from apps.teams.models import Team

_LOOK = """
from apps.config import app
from apps.teams.models import Team
app.connection().ensure_connection(max_retries=1)
print(Team.objects.get().slug)
"""


def test_a_program_sees_what_the_test_stored(program_environment: dict[str, str]) -> None:
    """The database and the broker are shared with a program in `program_environment`."""
    Team.objects.create(slug="blue", name="Blue")
    command = [sys.executable, "manage.py", "shell", "-v0", "-c", _LOOK]
    result = subprocess.run(command, env=program_environment, capture_output=True, text=True, check=False)
    assert result.stdout.strip() == "blue", result.stderr
