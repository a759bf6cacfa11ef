"""Read journals: what the processes of one home have recorded of spans that are not exported yet.

Each process that makes spans keeps one file of JSON lines here, holds a lock on it while it lives (`flock`, which the
kernel releases however the process ends), and removes it once nothing is left in it. So a file that can be locked
belongs to a dead process. The first line is the process, each other one a step of a span, in the order they happened:

| key | meaning |
|---|---|
| `id`, `trace`, `parent`, `remote`, `flags`, `state`, `kind`, `scope`, `resource`, `start` | a span has started |
| `a`, `links`, `events`, `name`, `status` | what it has or learns: the newest value of an attribute counts, links and
events add up | | `will` | it is also in a last will (`telemetry.wills`): it may already have been ended elsewhere, so
ask before ending it |
| `end` | it has ended |
| `left`, `ids` | an exporter is done with these spans |
| `by`, `n` | on such a line: which account counts them, and as which of its counts; void if that was never counted |
| `gone` | nobody will export these spans: the queue was full |
| `at` | when the line was written: the last one is the process's last sign of life |
| `death` | what killed the process, as its witness described it |

Standard library and orjson only; `telemetry._export.journal` writes them.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from telemetry._deaths import OUTCOME, Death
from telemetry._decoding import Span, Values

_STATUS = {0: "UNSET", 1: "OK", 2: "ERROR"}
_SUFFIX = ".jsonl"


@dataclass(slots=True)
class Entry:
    """One span as its process has recorded it so far; `end_ns` is None while it is open."""

    name: str
    trace_id: str
    span_id: str
    start_ns: int
    parent_id: str | None = None
    parent_is_remote: bool = False
    flags: int = 1
    trace_state: str = ""
    kind: int = 0
    scope: list[Any] = field(default_factory=list)
    resource: list[Any] | None = None
    end_ns: int | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    links: list[list[Any]] = field(default_factory=list)
    events: list[list[Any]] = field(default_factory=list)
    status: tuple[int, str | None] = (0, None)
    left: set[str] = field(default_factory=set)
    """The exporters that are done with it."""
    has_will: bool = False
    """Whether it may have been ended elsewhere, without a journal."""

    def learn(self, step: Mapping[str, Any]) -> None:
        """Apply one line."""
        self.name = step.get("name", self.name)
        self.attributes.update((key, _value(value)) for key, value in step.get("a", {}).items())
        self.links += step.get("links", ())
        self.events += step.get("events", ())
        if "status" in step:
            code, *description = step["status"]
            self.status = code, description[0] if description else None
        self.end_ns = step.get("end", self.end_ns)
        self.has_will = step.get("will", self.has_will)

    @property
    def outcome_key(self) -> str:
        """The key of its outcome: `<namespace>.outcome` for an operation, else `span.outcome`."""
        return f"{self.name.partition('.')[0]}.outcome" if self.scope and self.scope[0] == "telemetry" else OUTCOME


@dataclass(frozen=True, slots=True)
class Journal:
    """What is in one process's file."""

    process: Mapping[str, Any]
    entries: Mapping[str, Entry]
    """By span id, in the order they started, without those that all of the process's exporters are done with."""
    last_ns: int
    """The process's last sign of life: when it wrote the last line; Unix nanoseconds."""
    death: Death

    @property
    def resource(self) -> list[Any]:
        """The attributes of the process's resource, and the URL of their schema."""
        found: list[Any] = self.process.get("resource") or [{}, ""]
        return found

    def ended(self, entry: Entry) -> Entry:
        """Return a span of a dead process: if it was open, it has died."""
        if entry.end_ns is not None:
            return entry
        entry.end_ns = max(self.last_ns, entry.start_ns)
        entry.status = 2, self.death.sentence
        entry.attributes = {**entry.attributes, entry.outcome_key: "died", **self.death.attributes}
        return entry

    def span(self, entry: Entry, *, now_ns: int | None = None) -> Span:
        """Return the span as `telemetry.reading` represents it; an open one lasts until `now_ns`."""
        code, description = entry.status
        attributes, _ = entry.resource or self.resource
        return Span(
            name=entry.name,
            trace_id=entry.trace_id,
            span_id=entry.span_id,
            parent_id=entry.parent_id,
            attributes=Values(entry.attributes),
            status=_STATUS.get(code, "UNSET"),
            status_message=description or "",
            start_ns=entry.start_ns,
            end_ns=(now_ns or self.last_ns) if entry.end_ns is None else entry.end_ns,
            links=tuple((link[0], link[1]) for link in entry.links),
            resource=Values((key, _value(value)) for key, value in attributes.items()),
            is_open=entry.end_ns is None,
        )


def boot_id() -> str:
    """Return the id of this machine's current boot, or "" if it is unknown."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def pid_namespace() -> int:
    """Return the id of this process's PID namespace, of which each container has its own; 0 where there are none."""
    try:
        return Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return 0


def machine_id() -> str:
    """Return a digest of this machine's id, which is itself confidential, or "" if it is unknown."""
    try:
        name = Path("/etc/machine-id").read_bytes().strip()
    except OSError:
        return ""
    return hashlib.sha256(b"telemetry " + name).hexdigest()[:32] if name else ""


def files_in(folder: Path) -> list[Path]:
    """Return the journals in a home's folder, oldest first; none if there is no folder."""
    try:
        entries = [entry for entry in os.scandir(folder) if entry.name.endswith(_SUFFIX)]
    except OSError:
        return []
    found = []
    for entry in entries:
        with suppress(OSError):  # its process has just ended
            found.append((entry.stat().st_mtime_ns, Path(entry.path)))
    return [path for _, path in sorted(found)]


def home_id(folder: Path, *, make: bool = False) -> str:
    """Return the unique id of these journals' home, as `make` once created it, or "" if there is none."""
    path = folder / "home"
    with suppress(OSError):
        return path.read_text()
    if not make:
        return ""
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / f"home.{os.getpid()}.{time.time_ns():x}"
    new.write_text(os.urandom(16).hex())
    with suppress(FileExistsError):
        os.link(new, path)  # the first process wins
    new.unlink()
    return path.read_text()


def locked(path: Path, *, shared: bool = False) -> int | None:
    """Return a descriptor of a dead process's journal, locked until it is closed.

    Return None if the process lives, if another reader has the journal, or if it is gone.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY if shared else os.O_RDWR | os.O_APPEND)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_nlink:
            return descriptor
    except OSError:
        pass
    os.close(descriptor)
    return None


def read(content: bytes, *, is_counted: Callable[[str, str, int], bool] = lambda _name, _by, _n: True) -> Journal | None:
    """Return a journal's content without truncated lines; None if it lacks even the line that names its process.

    `is_counted` says whether an account has counted the spans under a mark for an exporter; if not, they are not done.
    """
    process: Mapping[str, Any] = {}
    entries: dict[str, Entry] = {}
    last_ns, death = 0, Death()
    for step in _steps(content):
        with suppress(AttributeError, KeyError, TypeError, ValueError):  # a line we did not write
            if "journal" in step:
                process = step
            elif "death" in step:
                death = Death(**step["death"])
            elif "by" not in step or is_counted(step["left"], step["by"], step["n"]):
                take(step, entries)
            last_ns = max(last_ns, step.get("at", 0))
    if not process:
        return None
    exporters = set(process.get("exporters", ()))
    waiting = {key: one for key, one in entries.items() if one.end_ns is None or exporters - one.left}
    return Journal(process, waiting, last_ns, death)


def spans_in(folder: Path) -> list[Span]:
    """Return the spans that are in a home's journals: open ones, ended ones that wait, and those of dead processes.

    A span that was open when its process died counts as died, even before it is exported.
    """
    spans: list[Span] = []
    for path in files_in(folder):
        try:
            journal = read(path.read_bytes())
        except OSError:  # its process has just ended
            continue
        if journal is None:
            continue
        descriptor = locked(path, shared=True)
        if descriptor is None:
            now_ns = time.time_ns()
            spans += [journal.span(entry, now_ns=max(now_ns, entry.start_ns)) for entry in journal.entries.values()]
        else:
            os.close(descriptor)
            spans += [journal.span(journal.ended(entry)) for entry in journal.entries.values()]
    return spans


def has_any(folder: Path, span_ids: Collection[str]) -> bool:
    """Return whether one of these spans is in a journal here: its process, or a later one, will export it."""
    wanted = set(span_ids)
    for path in files_in(folder):
        try:
            journal = read(path.read_bytes())
        except OSError:  # its process has just ended
            continue
        if journal is not None and wanted & journal.entries.keys():
            return True
    return False


def take(step: Mapping[str, Any], entries: dict[str, Entry]) -> None:
    """Apply one line to the spans that it names."""
    if "trace" in step:
        entry = _entry(step)
        entry.learn(step)
        entries[entry.span_id] = entry
    elif "id" in step:
        if (found := entries.get(step["id"])) is not None:
            found.learn(step)
    elif "left" in step:
        for span_id in step["ids"]:
            if span_id in entries:
                entries[span_id].left.add(step["left"])
    elif "gone" in step:
        for span_id in step["gone"]:
            entries.pop(span_id, None)


def _entry(step: Mapping[str, Any]) -> Entry:
    return Entry(
        name=step["name"],
        trace_id=step["trace"],
        span_id=step["id"],
        start_ns=step["start"],
        parent_id=step.get("parent"),
        parent_is_remote=step.get("remote", False),
        flags=step.get("flags", 1),
        trace_state=step.get("state", ""),
        kind=step.get("kind", 0),
        scope=step.get("scope", ["telemetry"]),
        resource=step.get("resource"),
    )


def _steps(content: bytes) -> Iterator[Mapping[str, Any]]:
    """Yield the lines that are complete and well formed."""
    for line in content.split(b"\n"):
        try:
            step = orjson.loads(line)
        except orjson.JSONDecodeError:
            try:
                step = json.loads(line)  # a lone surrogate, or a number that JSON has none for
            except ValueError:
                continue
        if isinstance(step, dict):
            yield step


def _value(value: Any) -> Any:
    return tuple(map(_value, value)) if isinstance(value, list) else value
