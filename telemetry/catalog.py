"""The declared events as a table, as JSON, and as a check of lines that somebody wrote."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from telemetry.model import declared_events

_AROUND = frozenset({"timestamp", "level", "event", "trace_id", "span_id", "trace_flags", "exception"})


def as_json(names: Iterable[str]) -> list[dict[str, Any]]:
    """``{"event", "level", "fields", "when"}`` of each, in this order."""
    events = declared_events()
    return [
        {
            "event": name,
            "level": events[name].level.name,
            "fields": [field.name for field in events[name].fields],
            "when": events[name].when,
        }
        for name in names
    ]


def as_markdown(names: Iterable[str]) -> str:
    """The table, in this order."""
    rows = ["| event | level | fields | when |", "|---|---|---|---|"]
    rows += [f"| `{row['event']}` | {row['level']} | {', '.join(row['fields'])} | {row['when']} |" for row in as_json(names)]
    return "\n".join(rows)


def check_line(line: Mapping[str, Any], *, context: Collection[str] = ()) -> list[str]:
    """Return what is wrong with a line, by the declarations; nothing for an event of somebody else's namespace.

    The keys in `context` may be on any line: the application binds them around its work.
    """
    event = str(line.get("event", ""))
    events = declared_events()
    spec = events.get(event)
    if spec is None:
        namespaces = {name.partition(".")[0] for name in events}
        is_ours = "." in event and " " not in event and event.partition(".")[0] in namespaces
        return [f"{event}: no such event is declared"] if is_ours else []
    problems = []
    if line.get("level") != spec.level.name.lower():
        problems.append(f"{event}: its level is {spec.level.name.lower()}, not {line.get('level')}")
    for field in spec.fields:
        if field.name not in line:
            problems.append(f"{event}: {field.name} is missing")
        elif problem := field.problem(line[field.name]):
            problems.append(f"{event}: {problem}")
    known = {field.name for field in spec.fields} | _AROUND | set(context)
    problems += [f"{event}: {name} is no field of it" for name in line if name not in known]
    return problems
