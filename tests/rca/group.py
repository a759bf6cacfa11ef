"""Play one group of scenarios, as a process of its own: ``python -m tests.rca.group GROUP HOME [SCENARIO ...]``.

It writes `told.pickle` into its home: what was told of each scenario, and all spans and lines that were left.
"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import django

from apps.processes import exit_on
from tests.rca.groups import GROUPS
from tests.rca.scenarios import SCENARIOS
from tests.rca.stage import servers, set_environment, stage
from tests.rca.told import TOLD


def main(name: str, home: Path, names: list[str]) -> None:
    """Play those of the group's scenarios that are named."""
    home.mkdir(parents=True, exist_ok=True)
    group = GROUPS[name]
    set_environment(group, home)
    chosen = [each for each in SCENARIOS if each.group == name and each.name in names]
    with exit_on(), servers(home) as (postgresql, valkey):
        django.setup()
        from tests.rca.database_faults import database_faults  # its models need Django
        from tests.rca.explaining import written
        from tests.rca.player import play

        with database_faults(), stage(group, home, postgresql=postgresql, valkey=valkey) as running:
            told = play(running, chosen, at_once=group.at_once, say=lambda text: print(text, flush=True))  # noqa: T201
        (home / TOLD).write_bytes(pickle.dumps((told, written())))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
