"""Processes that die with open spans: each span is in the trace, once, under its own ids, with what killed it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from telemetry._celery.memory import MemoryKills
from telemetry.reading import Span, draw, open_spans, orphans_of, read_lines, read_spans
from tests.telemetry.bakery import Bakery, Broker, wait_until

SEND = """
import bakery, telemetry
with telemetry.bind(team_id=7), telemetry.span("send"):
    bakery.{task}.apply_async({arguments})
    sent_in = telemetry.trace_id_of(telemetry.current_traceparent())
print(sent_in)
"""
FALLEN = """
send completed
  apply_async/fall
    run/fall died died {because}
      bakery.bake died died {because}
        bakery.knead died died {because} flour=1 water=2
          oven died died {because} heat=2 token=[redacted]
            bakery.turn completed turn=0
            bakery.turn completed turn=1
            bakery.turn completed turn=2
"""
SHOWN = ("died.cause", "died.signal", "died.exit_code", "died.limit_sec", "flour", "water", "heat", "token", "turn")
PREFORK = ("-m", "celery", "-A", "bakery", "worker", "-lINFO", "-c", "1")


def spans_of(project: Bakery) -> list[Span]:
    """The spans that have left so far."""
    path = project.home / "traces.jsonl"
    return read_spans(path) if path.exists() else []


def sent(project: Bakery, task: str, arguments: str = "") -> str:
    """The trace of a message that was sent just now."""
    return project.answer(SEND.format(task=task, arguments=arguments))


def of_trace(project: Bakery, trace_id: str, *names: str) -> list[Span]:
    """The spans of a trace, once there are some of these names."""

    def found() -> list[Span]:
        return [span for span in spans_of(project) if span.trace_id == trace_id]

    wait_until(lambda: set(names) <= {span.name for span in found()})
    return found()


@pytest.fixture(scope="module")
def working(embedded_servers: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bakery]:
    """A worker with one child at a time, which exports only when it is asked to."""
    project = Bakery(tmp_path_factory.mktemp("bakery"), embedded_servers, OTEL_BSP_SCHEDULE_DELAY="60000")
    with project.running(*PREFORK, out="worker"):
        yield project


def has(project: Bakery, *names: str) -> bool:
    """There are spans of these names."""
    return set(names) <= {span.name for span in spans_of(project)}


def tree_of(spans: Iterable[Span]) -> str:
    """The spans drawn; what a message's sending learns of its queue is not of interest here."""
    return "\n" + draw([span for span in spans if span.name != "apply_async/pid"], *SHOWN) + "\n"


def is_sound(spans: list[Span]) -> None:
    """Each span is there once, none lacks its parent, and none lasts longer than what it is in."""
    assert len({span.span_id for span in spans}) == len(spans)
    assert orphans_of(spans) == []
    by_id = {span.span_id: span for span in spans}
    for span in spans:
        assert span.end_ns >= span.start_ns
        if span.outcome == "died" and span.parent_id is not None:
            assert span.start_ns >= by_id[span.parent_id].start_ns


@pytest.mark.parametrize(
    ("number", "because"),
    [
        (signal.SIGKILL, "died.cause=signal died.signal=SIGKILL"),
        (signal.SIGSEGV, "died.cause=signal died.signal=SIGSEGV"),
        (0, "died.cause=exit died.exit_code=3"),
    ],
)
@pytest.mark.slow
def test_a_child_that_dies_has_its_spans_ended_by_the_next(working: Bakery, number: int, because: str) -> None:
    """Within ten seconds, while the worker lives: what was open has died, what had ended is as it was."""
    spans = of_trace(working, sent(working, "fall", f"[{int(number)}]"), "run/fall")
    found = time.time_ns()
    assert tree_of(spans) == FALLEN.format(because=because)
    is_sound(spans)
    (oven,) = [span for span in spans if span.name == "oven"]
    (knead,) = [span for span in spans if span.name == "bakery.knead"]
    assert (oven.links, knead.links) == ((("0" * 31 + "3", "0" * 15 + "4"),), (("1" * 32, "2" * 16),))
    assert found - oven.end_ns < 10e9
    assert len({span.end_ns for span in spans if span.outcome == "died"}) == 1
    assert len({span.resource["process.pid"] for span in spans if span.name not in ("send", "apply_async/fall")}) == 1


@pytest.mark.slow
def test_a_hard_time_limit_is_named(working: Bakery) -> None:
    """Also where the task has not even reacted to being asked to end."""
    spans = of_trace(working, sent(working, "stubborn"), "run/stubborn")
    because = "died.cause=time_limit died.limit_sec=1.0"
    assert (
        tree_of(spans)
        == f"""
send completed
  apply_async/stubborn
    run/stubborn died died {because}
      bakery.bake died died {because}
"""
    )
    is_sound(spans)
    assert {span.status_message for span in spans if span.outcome == "died"} == {
        "the process was killed at its hard time limit of 1 s"
    }


@pytest.mark.slow
def test_an_idle_child_that_dies_keeps_what_it_had_not_exported(working: Bakery) -> None:
    """Its run has ended and waits in the exporter's queue: it is exported as it was."""
    child = int(working.answer("import bakery\nprint(bakery.pid.delay().get(timeout=30))"))
    time.sleep(0.2)  # its run ends after its result is there
    os.kill(child, signal.SIGKILL)
    wait_until(lambda: has(working, "run/pid"))
    (run,) = [span for span in spans_of(working) if span.name == "run/pid"]
    assert (run.status, run.outcome, run.attributes["celery.state"]) == ("OK", None, "SUCCESS")
    is_sound(of_trace(working, run.trace_id))


@pytest.mark.parametrize("pool", ["solo", "threads"])
@pytest.mark.slow
def test_a_worker_that_dies_as_a_whole_is_found_by_the_next_process(
    embedded_servers: Broker, tmp_path: Path, pool: str
) -> None:
    """Whatever that is: here a program with a span, which knows nothing of what killed the worker."""
    project = Bakery(tmp_path, embedded_servers)
    with project.running(*PREFORK, "-P", pool, out="worker"):
        project.run(SEND.format(task="fall", arguments="[9]"))
        wait_until(lambda: _is_dead(project))
    project.run("import bakery\nwith bakery.telemetry.span('later'): pass")
    spans = [span for span in spans_of(project) if span.name != "later"]
    assert tree_of(spans) == FALLEN.format(because="died.cause=unknown")
    is_sound(spans)


@pytest.mark.slow
def test_two_processes_that_find_one_journal_end_its_spans_once(embedded_servers: Broker, tmp_path: Path) -> None:
    """Eight at the same moment."""
    project = Bakery(tmp_path, embedded_servers)
    with project.running(*PREFORK, "-P", "solo", out="worker"):
        project.run(SEND.format(task="fall", arguments="[9]"))
        wait_until(lambda: _is_dead(project))
    code = (
        "import bakery, os\n"
        "for n in range(8):\n"
        "    if os.fork() == 0:\n"
        "        with bakery.telemetry.span('later'): pass\n"
        "        bakery.telemetry.flush()\n"
        "        os._exit(0)\n"
        "for n in range(8): os.wait()\n"
    )
    project.run(code)
    spans = [span for span in spans_of(project) if span.name != "later"]
    assert tree_of(spans) == FALLEN.format(because="died.cause=unknown")
    is_sound(spans)


@pytest.mark.slow
def test_a_worker_that_dies_with_its_children_loses_nothing(embedded_servers: Broker, tmp_path: Path) -> None:
    """Parent and children killed at once; the next worker ends what they held, before it has a task."""
    project = Bakery(tmp_path, embedded_servers)
    with project.running(*PREFORK[:-1], "2", out="worker"):
        for _ in range(2):
            project.run(SEND.format(task="doze", arguments=""))
        wait_until(lambda: _rang(project) == 2)
        for pid in _processes(project):
            os.kill(pid, signal.SIGKILL)
    assert not has(project, "run/doze")
    with project.running(*PREFORK, "-Q", "another", out="another"):
        wait_until(lambda: has(project, "run/doze"))
    spans = spans_of(project)
    assert tree_of(spans) == (
        """
send completed
  apply_async/doze
    run/doze died died died.cause=unknown
      bakery.bake died died died.cause=unknown
"""
        * 2
    ).replace("\n\n", "\n")
    is_sound(spans)


@pytest.mark.slow
def test_a_child_whose_parent_stands_still_is_seen_by_its_siblings(embedded_servers: Broker, tmp_path: Path) -> None:
    """The parent lives and says nothing; the signal is known from the child's remains."""
    project = Bakery(tmp_path, embedded_servers)
    with project.running(*PREFORK[:-1], "2", out="worker"):
        project.run(SEND.format(task="doze", arguments=""))
        wait_until(lambda: _rang(project) == 1)
        (dozing,) = [span for span in open_spans(project.home / "journal") if span.name == "run/doze"]
        child = int(str(dozing.resource["process.pid"]))
        parent = int(Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(parent, signal.SIGSTOP)
        try:
            os.kill(child, signal.SIGKILL)
            wait_until(lambda: has(project, "run/doze"))
        finally:
            os.kill(parent, signal.SIGCONT)
    assert tree_of(spans_of(project)) == (
        """
send completed
  apply_async/doze
    run/doze died died died.cause=signal died.signal=SIGKILL
      bakery.bake died died died.cause=signal died.signal=SIGKILL
"""
    )
    is_sound(spans_of(project))


@pytest.fixture
def memory_group() -> Iterator[Path]:
    """Yield a control group of its own whose processes have 300 MiB between them; skip, and say why, without one."""
    group = _made_group()
    yield group
    wait_until(lambda: (group / "cgroup.procs").read_text() == "")
    group.rmdir()


def _made_group() -> Path:
    why = "this system has no control groups"
    for folder, limit in (("/sys/fs/cgroup", "memory.max"), ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")):
        group = Path(folder, f"telemetry-test-{os.getpid()}")
        try:
            group.mkdir()
            try:
                with (group / limit).open("r+") as file:  # it is there, or this is no folder of control groups
                    file.write(str(300 * 1024 * 1024))
            except OSError:
                group.rmdir()
                raise
        except OSError as error:
            why = f"no control group with a limit of memory can be made here: {error}"
        else:
            return group
    pytest.skip(why)


IN_GROUP = """
import os, sys
with open({procs!r}, "w") as procs:
    procs.write(str(os.getpid()))
os.execv(sys.executable, [sys.executable, *{arguments!r}])
"""


@pytest.mark.slow
def test_a_child_that_the_kernel_kills_for_memory_is_told_from_one_that_somebody_kills(
    embedded_servers: Broker, tmp_path: Path, memory_group: Path
) -> None:
    """In a control group with too little for both: first the kernel, then a signal from outside."""
    project = Bakery(tmp_path, embedded_servers)
    code = IN_GROUP.format(procs=str(memory_group / "cgroup.procs"), arguments=PREFORK)
    with project.running("-c", code, out="worker"):
        for task, arguments in (("eat", ""), ("fall", "[9]")):
            project.run(SEND.format(task=task, arguments=arguments))
            wait_until(lambda task=task: has(project, f"run/{task}"))  # type: ignore[misc]  # bound now
    spans = spans_of(project)
    assert {span.name: span.attributes["died.cause"] for span in spans if span.outcome == "died"} == {
        "run/eat": "out_of_memory",
        "bakery.bake": "signal",  # the later one
        "run/fall": "signal",
        "bakery.knead": "signal",
        "oven": "signal",
    }
    eaten = [span for span in spans if span.attributes.get("died.cause") == "out_of_memory"]
    assert sorted(span.name for span in eaten) == ["bakery.bake", "run/eat"]
    assert {(span.attributes["died.signal"], span.status_message) for span in eaten} == {
        ("SIGKILL", "the process was killed because memory ran out")
    }
    is_sound(spans)


def _counting(root: Path, lines: str, file: str) -> Callable[[int], None]:
    """Return what lets the kernel have counted so many kills, where a process is in the control groups of `lines`."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(lines)
    (root / file).parent.mkdir(parents=True)

    def count(kills: int) -> None:
        (root / file).write_text(f"low 0\noom_kill {kills}\n")

    count(3)
    return count


V1 = "9:name=systemd:/\n4:cpu,memory:/a/b\n0::/\n", "sys/fs/cgroup/memory/a/b/memory.oom_control"
V2 = "0::/a/b\n", "sys/fs/cgroup/a/b/memory.events.local"
V2_COLON = "0::/a:c/b\n", "sys/fs/cgroup/a:c/b/memory.events.local"
V2_BEFORE_5_2 = "0::/a/b\n", "sys/fs/cgroup/a/b/memory.events"


@pytest.mark.parametrize(("lines", "file"), [V1, V2, V2_COLON, V2_BEFORE_5_2])
def test_a_kill_for_memory_is_one_childs(tmp_path: Path, lines: str, file: str) -> None:
    """As many as were counted, all of them, and lately; where fewer were counted than died, nobody knows which."""
    now = [0.0]
    count = _counting(tmp_path, lines, file)
    kills = MemoryKills(root=tmp_path, clock=lambda: now[0])
    assert not kills.cover(1)
    count(4)
    assert not kills.cover(0)
    assert (kills.cover(1), kills.cover(1)) == (True, False)
    count(6)
    assert (kills.cover(2), kills.cover(1)) == (True, False)
    count(7)
    assert (kills.cover(2), kills.cover(1)) == (False, False)
    count(8)
    for seconds in (29.0, 59.0, 89.0):  # of something else, long ago
        now[0] = seconds
        kills.cover(0)
    assert not kills.cover(1)
    count(9)
    for seconds in (90.0, 91.0):  # a moment ago, however often somebody has looked since
        now[0] = seconds
        kills.cover(0)
    assert kills.cover(1)


def test_where_nobody_counts_nothing_is_out_of_memory(tmp_path: Path) -> None:
    """No control groups at all."""
    assert not MemoryKills(root=tmp_path).cover(1)


@pytest.mark.slow
def test_a_worker_that_dies_as_a_whole_is_seen_by_beat(embedded_servers: Broker, tmp_path: Path) -> None:
    """Which lives on and has no span of its own: it ends what worker and children held, and knows the signal."""
    project = Bakery(tmp_path, embedded_servers)
    beat = ("-m", "celery", "-A", "bakery", "beat", "-s", str(tmp_path / "schedule"))
    with project.running(*beat, out="beat"), project.running(*PREFORK[:-1], "2", out="worker"):
        for _ in range(2):
            project.run(SEND.format(task="doze", arguments=""))
        wait_until(lambda: _rang(project) == 2)
        time.sleep(5)  # it looks every two seconds
        began = time.monotonic()
        for pid in _processes(project):
            if b"\0beat\0" not in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: sum(span.name == "run/doze" for span in spans_of(project)) == 2)
        took = time.monotonic() - began
    release = tuple(map(int, os.uname().release.split("-")[0].split(".")[:2]))
    because = "died.cause=signal died.signal=SIGKILL" if release >= (6, 15) else "died.cause=unknown"
    assert (
        tree_of(spans_of(project)).strip()
        == f"""
send completed
  apply_async/doze
    run/doze died died {because}
      bakery.bake died died {because}
""".strip()
        + f"""
send completed
  apply_async/doze
    run/doze died died {because}
      bakery.bake died died {because}"""
    )
    is_sound(spans_of(project))
    assert took < 10


def _rang(project: Bakery) -> int:
    path = project.home / "logs.jsonl"
    return sum(line["event"] == "bakery.rang" for line in read_lines(path)) if path.exists() else 0


def _is_dead(project: Bakery) -> bool:
    """Whether the process that was at the task has died: it no longer holds the lock of its journal."""
    from telemetry import _journals

    for file in _journals.files_in(project.home / "journal"):
        descriptor = _journals.locked(file, shared=True)
        if descriptor is not None:
            os.close(descriptor)
            if b'"run/fall"' in file.read_bytes():
                return True
    return False


def _processes(project: Bakery) -> list[int]:
    """The worker and its children."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and folder.name != str(os.getpid()):
            try:
                mine = f"BAKERY={project.folder}".encode() in (folder / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if mine:
                found.append(int(folder.name))
    return sorted(found)
