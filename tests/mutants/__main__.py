"""Plant mistakes in core modules and print the share that tests catch, and each that they do not.

    make mutants                                                         every core module: hours
    make mutants MUTANTS_ARGS="apps/integrations/lane/limits.py"         one of them, or all below a folder
    make mutants MUTANTS_ARGS="--sample 20 --seed 7 telemetry"           20 mistakes of each module, chosen by a seed
    make mutants MUTANTS_ARGS="--list apps/pulls"                        what would be planted
    make mutants MUTANTS_ARGS="--sample 20 --docs"                       and write their rows in docs/mutants.md
    make mutants MUTANTS_ARGS="--sample 20 --changed --docs"             those whose row is missing or of an older text

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
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue

from tests.mutants.changes import Change, changes_in
from tests.mutants.document import Tried, as_line, as_text, how_chosen, place, rows_of, write
from tests.mutants.results import Results
from tests.mutants.rooms import CHECKOUT, core_modules
from tests.mutants.seen import SeenFiles
from tests.mutants.trying import Copy

FOLDER = CHECKOUT / "var" / "mutants"


def main(arguments: Sequence[str]) -> int:
    """Try what is asked for; return 1 if something survived."""
    parser = argparse.ArgumentParser(prog="make mutants", description="Plant mistakes and see whether tests notice.")
    parser.add_argument("paths", nargs="*", help="modules, or folders of them (default: all core modules)")
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="N mistakes of each module (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="which ones --sample chooses")
    parser.add_argument(
        "--slowest",
        type=float,
        default=5.0,
        metavar="S",
        help="leave slower tests out where there are others (default: 5)",
    )
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="how many are tried at once (default: 2)")
    parser.add_argument("--list", action="store_true", help="only say what would be planted")
    parser.add_argument("--docs", action="store_true", help="write the rows of these modules in docs/mutants.md")
    parser.add_argument("--changed", action="store_true", help="leave out what docs/mutants.md has a row of, as it is now")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where copies and results are (default: var/mutants)")
    options = parser.parse_args(arguments)
    modules = _asked_for(options.paths)
    if options.changed:
        rows = rows_of(chosen=how_chosen(options.sample, options.seed))
        modules = [module for module in modules if module not in rows or not rows[module].is_as_it_is]
    possible = {module: changes_in((CHECKOUT / module).read_text()) for module in modules}
    chosen = {module: _chosen(module, changes, options.sample, options.seed) for module, changes in possible.items()}
    if options.list:
        for module, changes in chosen.items():
            _say(*(f"{place(module, change)}: {change}" for change in changes))
        return 0
    for ending in (signal.SIGINT, signal.SIGTERM):  # also where a shell has them ignored: in the background
        signal.signal(ending, _interrupt)
    results = Results(options.folder / "results.jsonl")
    _try(chosen, results, options)
    tried = [
        Tried(
            module=module,
            possible=len(possible[module]),
            planted=len(changes),
            survivors=[change for change in changes if not results.known(module, change)],
        )
        for module, changes in chosen.items()
    ]
    sys.stdout.write(f"\n{as_text(tried)}")
    if options.docs:
        write(tried, sample=options.sample, seed=options.seed)
    return 1 if any(each.unnamed for each in tried) else 0


def _try(chosen: Mapping[str, Sequence[Change]], results: Results, options: argparse.Namespace) -> None:
    """Try those mistakes of which it is not known yet whether they are caught."""
    open_ones = {
        module: [change for change in changes if results.known(module, change) is None] for module, changes in chosen.items()
    }
    with ExitStack() as stack:
        free: SimpleQueue[Copy] = SimpleQueue()
        for number in range(options.jobs if any(open_ones.values()) else 0):
            copy = Copy(options.folder / f"copy-{number}")
            stack.enter_context(copy.ready())
            stack.callback(copy.stop)
            free.put(copy)
        for module, changes in open_ones.items():
            if changes:
                _try_module(module, changes, results, free, options)
            known = chosen[module]
            survivors = [change for change in known if not results.known(module, change)]
            _say(as_line(Tried(module=module, possible=len(known), planted=len(known), survivors=survivors)))


def _try_module(
    module: str, changes: Sequence[Change], results: Results, free: SimpleQueue[Copy], options: argparse.Namespace
) -> None:
    copy = free.get()
    seen = SeenFiles(options.folder / "seen", copy.checkout, copy.look).of(module)
    free.put(copy)

    def try_one(change: Change) -> None:
        mine = free.get()
        started = time.monotonic()
        try:
            is_caught = mine.notices(module, change, seen, slowest=options.slowest)
        finally:
            free.put(mine)
        results.keep(module, change, caught=is_caught)
        said = "" if is_caught else "survived"
        _say(f"  {time.monotonic() - started:5.1f} s  {said:8}  {place(module, change)}: {change}")

    trying = ThreadPoolExecutor(options.jobs)
    try:
        list(trying.map(try_one, changes))
    finally:
        trying.shutdown(wait=False, cancel_futures=True)


def _asked_for(paths: Iterable[str]) -> list[str]:
    modules = core_modules()
    wanted = [path.rstrip("/") for path in paths]
    found = [each for path in wanted for each in modules if each == path or each.startswith(f"{path}/")]
    if wanted and not found:
        raise SystemExit(f"There is no core module at {' '.join(wanted)}: tests/mutants/rooms.py names them.")
    return list(dict.fromkeys(found)) or modules


def _chosen(module: str, changes: Sequence[Change], sample: int, seed: int) -> list[Change]:
    shuffled = list(changes)
    random.Random(f"{seed} {module}").shuffle(shuffled)  # noqa: S311  # the same ones again for a seed
    return sorted(shuffled[:sample] if sample else changes, key=lambda change: change.start)


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
