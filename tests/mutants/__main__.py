"""Plant mistakes in core modules and print the share that tests catch, and each that they do not.

    make mutants                                                         every core module: hours
    make mutants MUTANTS_ARGS="apps/integrations/lane/limits.py"         one of them, or all below a folder
    make mutants MUTANTS_ARGS="--sample 20 --seed 7 telemetry"           20 mistakes of each module, chosen by a seed
    make mutants MUTANTS_ARGS="--jobs 4 --list apps/pulls"               what would be planted

Results are kept in var/mutants: a run that was stopped goes on, and one after a new test tries only what had survived.
The exit code is 1 if a mistake survived that `equivalents.toml` does not name.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue

from tests.mutants.changes import Change, changes_in, name_at
from tests.mutants.results import Results, equivalents
from tests.mutants.rooms import CHECKOUT, core_modules
from tests.mutants.trying import Copy

FOLDER = CHECKOUT / "var" / "mutants"
GOAL = 0.9


def main(arguments: Sequence[str]) -> int:
    """Try what is asked for; return 1 if something survived."""
    parser = argparse.ArgumentParser(prog="make mutants", description="Plant mistakes and see whether tests notice.")
    parser.add_argument("paths", nargs="*", help="modules, or folders of them (default: all core modules)")
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="N mistakes of each module (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="which ones --sample chooses")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="how many are tried at once (default: 2)")
    parser.add_argument("--list", action="store_true", help="only say what would be planted")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where copies and results are (default: var/mutants)")
    options = parser.parse_args(arguments)
    chosen = {module: _chosen(module, options.sample, options.seed) for module in _asked_for(options.paths)}
    if options.list:
        for module, changes in chosen.items():
            _say(*(f"{_place(module, change)}: {change}" for change in changes))
        return 0
    for ending in (signal.SIGINT, signal.SIGTERM):  # also where a shell has them ignored: in the background
        signal.signal(ending, _interrupt)
    results = Results(options.folder / "results.jsonl")
    with ExitStack() as stack:
        free: SimpleQueue[Copy] = SimpleQueue()
        for number in range(options.jobs):
            copy = Copy(options.folder / f"copy-{number}")
            stack.enter_context(copy.ready())
            stack.callback(copy.stop)
            free.put(copy)
        survivors = [
            each for module, changes in chosen.items() for each in _tried(module, changes, results, free, options.jobs)
        ]
    total = sum(map(len, chosen.values()))
    caught = total - len(survivors)
    named = equivalents()
    unnamed = [(module, change) for module, change in survivors if not any(each.is_of(module, change) for each in named)]
    equivalent = len(survivors) - len(unnamed)
    _say(f"\n{caught} of {total - equivalent} caught ({_share(caught, total - equivalent)}; the goal is over {GOAL:.0%})")
    _say(f"{equivalent} more are named equivalent")
    _say(*(f"  survived  {_place(module, change)}: {change}" for module, change in unnamed))
    return 1 if unnamed else 0


def _tried(
    module: str, changes: Sequence[Change], results: Results, free: SimpleQueue[Copy], jobs: int
) -> list[tuple[str, Change]]:
    """Try those mistakes in a module of which it is not known yet whether they are caught; return all that survive."""
    started = time.monotonic()
    open_ones = [change for change in changes if results.known(module, change) is None]
    if open_ones:
        copy = free.get()
        seen = copy.seen(module)
        free.put(copy)

        def try_one(change: Change) -> None:
            mine = free.get()
            try:
                results.keep(module, change, caught=mine.notices(module, change, seen))
            finally:
                free.put(mine)

        trying = ThreadPoolExecutor(jobs)
        try:
            list(trying.map(try_one, open_ones))
        finally:
            trying.shutdown(wait=False, cancel_futures=True)
    survivors = [(module, change) for change in changes if not results.known(module, change)]
    caught = len(changes) - len(survivors)
    _say(f"{module}: {caught} of {len(changes)} caught ({_share(caught, len(changes))}), {time.monotonic() - started:.0f} s")
    return survivors


def _asked_for(paths: Iterable[str]) -> list[str]:
    modules = core_modules()
    wanted = [path.rstrip("/") for path in paths]
    found = [each for each in modules if not wanted or any(each == path or each.startswith(f"{path}/") for path in wanted)]
    if not found:
        raise SystemExit(f"There is no core module at {' '.join(wanted)}: tests/mutants/rooms.py names them.")
    return found


def _chosen(module: str, sample: int, seed: int) -> list[Change]:
    changes = changes_in((CHECKOUT / module).read_text())
    if not sample or sample >= len(changes):
        return changes
    chosen = random.Random(f"{seed} {module}").sample(changes, sample)  # noqa: S311  # the same ones again for a seed
    return sorted(chosen, key=lambda change: change.start)


def _place(module: str, change: Change) -> str:
    return f"{module}:{change.line} {name_at(change.line, (CHECKOUT / module).read_text())}".rstrip()


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "nothing to catch"


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    try:
        raise SystemExit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.stderr.write("Stopped; what is known by now is kept.\n")
        os._exit(130)  # a thread may still wait for tests that were ended
