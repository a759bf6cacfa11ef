"""Play scenarios group by group, each group as a process of its own, three at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from apps.processes import NotReadyError, Program
from tests.benchmarks.programs import CHECKOUT
from tests.rca.groups import GROUPS
from tests.rca.scenario import Scenario
from tests.rca.told import Told, read_told

_AT_ONCE: Final = 3
_LONGEST_SECONDS: Final = 1_800.0
Say = Callable[[str], None]


def play_all(
    scenarios: Sequence[Scenario], folder: Path, *, say: Say, environment: Mapping[str, str] = os.environ
) -> list[Told]:
    """Play the scenarios and return what was told of each, in their order; what programs wrote is in `folder`."""
    by_group = {name: [each for each in scenarios if each.group == name] for name in GROUPS}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        playing = [
            pool.submit(play_group, name, own, folder / name.replace(" ", "-"), environment, say)
            for name, own in by_group.items()
            if own
        ]
        told = {each.scenario.name: each for group in playing for each in group.result()}
    return [told[each.name] for each in scenarios]


def play_group(name: str, scenarios: Sequence[Scenario], home: Path, environment: Mapping[str, str], say: Say) -> list[Told]:
    """Play those of one group, in `home`."""
    home.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.rca.group", name, str(home), *(each.name for each in scenarios)]
    log = home / "group.out"
    program = Program(command, name=f"the group {name!r}", log=log, folder=CHECKOUT, environment=environment)
    with program:
        code = program.wait(_LONGEST_SECONDS)
    if code != 0:
        raise NotReadyError(f"The group {name!r} ended with {code}. It printed last:\n{program.tail()}")
    say(f"{name}:\n{log.read_text(errors='replace')}")
    return read_told(home)
