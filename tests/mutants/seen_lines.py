"""A pytest plugin: which tests come by which lines of the core modules, written as JSON when they have ended.

    SEEN_IN=seen.json python -m pytest -p tests.mutants.seen_lines tests/pulls

What a test starts as another program is seen as well, if that is Python and is not told to ignore its environment.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Generator, Mapping
from functools import wraps
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.mutants.rooms import CHECKOUT, core_modules

_modules = {str(CHECKOUT / module): module for module in core_modules()}
_lines: defaultdict[str, defaultdict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
_seconds: dict[str, float] = {}
_failed: set[str] = set()
_now: list[str] = []
_process = os.getpid()
_programs = Path(f"{os.environ['SEEN_IN']}.programs")
_popen: Any = subprocess.Popen  # there is no hook for what a program is started with
_start_program = _popen.__init__


def _on_call(frame: FrameType, _event: str, _argument: Any) -> Any:
    return _on_line if frame.f_code.co_filename in _modules else None


def _on_line(frame: FrameType, event: str, _argument: Any) -> Any:
    if event == "line" and _now:
        module, number = _modules[frame.f_code.co_filename], frame.f_lineno
        if os.getpid() != _process and number not in _lines[_now[-1]][module]:  # a child that was forked, and is no program
            with _programs.open("a") as file:
                file.write(f"{_now[-1]}\t{module}\t{number}\n")
        _lines[_now[-1]][module].add(number)
    return _on_line


@wraps(_start_program)
def _start_seen(self: Any, *arguments: Any, env: Mapping[str, str] | None = None, **options: Any) -> None:
    """Let a program note what it comes by; it is the test's that starts it, or its whole file's."""
    names = dict(os.environ if env is None else env)
    if _now:
        path = [str(Path(__file__).with_name("programs")), *filter(None, [names.get("PYTHONPATH")])]
        names |= {"PYTHONPATH": os.pathsep.join(path), "SEEN_AS": _now[-1], "SEEN_AT": str(CHECKOUT)}
        names["SEEN_OF_PROGRAMS"] = str(_programs)
    _start_program(self, *arguments, env=names, **options)


def pytest_configure() -> None:
    """Have every program of the tests seen, and of these alone: those of an earlier run may be of tests that are gone."""
    _programs.unlink(missing_ok=True)
    _popen.__init__ = _start_seen


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Note the lines that are come by in a test and in what is set up for it."""
    started = time.monotonic()
    _now.append(item.nodeid)
    threading.settrace(_on_call)
    sys.settrace(_on_call)
    try:
        return (yield)
    finally:
        sys.settrace(None)
        threading.settrace(None)
        _now.pop()
        _seconds[item.nodeid] = time.monotonic() - started


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Generator[None, Any, Any]:
    """What is set up for a whole file counts for all of its tests."""
    if fixturedef.scope == "function" or not _now:
        return (yield)
    _now.append(_now[-1].partition("::")[0])
    try:
        return (yield)
    finally:
        _now.pop()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note which tests fail as they are."""
    if report.failed:
        _failed.add(report.nodeid)


def pytest_sessionfinish() -> None:
    """Write what was seen, by the tests and by their programs."""
    for line in _programs.read_text().splitlines() if _programs.exists() else ():
        test, module, number = line.split("\t")
        if module in _modules.values():
            _lines[test][module].add(int(number))
    for file in _lines.keys() - _seconds.keys():  # what is set up for a whole file
        _seconds[file] = sum(seconds for test, seconds in _seconds.items() if test.startswith(f"{file}::"))
    seen = {test: {module: sorted(lines) for module, lines in of.items()} for test, of in _lines.items()}
    Path(os.environ["SEEN_IN"]).write_text(json.dumps({"lines": seen, "seconds": _seconds, "failed": sorted(_failed)}))
