"""Present declarations as a table, as JSON or as a Weaver registry, and check lines against them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from telemetry._declaring import first_line
from telemetry._lines.own_events import EVENTS as OWN_EVENTS
from telemetry._suggestion import suggestion
from telemetry._weaver import as_yaml, registry
from telemetry.model import LINE_KEYS, declared_events, declared_operations

__all__ = ["OWN_EVENTS", "as_json", "as_markdown", "as_weaver", "check_line", "spans_as_markdown"]


def as_json(names: Iterable[str]) -> list[dict[str, Any]]:
    """Return `{"event", "level", "fields", "when"}` for each of these events, in this order."""
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
    """Return a Markdown table of these events, in this order."""
    rows = ["| event | level | fields | when |", "|---|---|---|---|"]
    rows += [f"| `{row['event']}` | {row['level']} | {', '.join(row['fields'])} | {row['when']} |" for row in as_json(names)]
    return "\n".join(rows)


def spans_as_markdown(names: Iterable[str]) -> str:
    """Return a Markdown table of these operations' spans, in this order."""
    operations = declared_operations()
    rows = ["| span | attributes | what it is |", "|---|---|---|"]
    for name in names:
        attributes = ", ".join(f"`{field.key}`" for field in operations[name].__fieldspecs__.values())
        rows.append(f"| `{name}` | {attributes} | {first_line(operations[name])} |")
    return "\n".join(rows)


def as_weaver(*namespaces: str) -> str:
    """Return the spans, events and metrics of these namespaces as a registry for OpenTelemetry's Weaver, in YAML.

    A namespace is the part of a name before its first dot. `weaver registry check -r FOLDER` accepts a folder with this in a
    file. Raise an error if nothing is declared, or if one key has two types.
    """
    return as_yaml(registry(namespaces))


def check_line(line: Mapping[str, Any], *, context: Collection[str] = ()) -> list[str]:
    """Return how a line violates the declarations; nothing if its event's namespace declares none.

    The keys in `context` may be on any line: the application binds them around its work.
    """
    event = str(line.get("event", ""))
    events = declared_events()
    spec = events.get(event)
    if spec is None:
        namespaces = {name.partition(".")[0] for name in events}
        is_ours = "." in event and " " not in event and event.partition(".")[0] in namespaces
        return [f"{event}: no such event is declared{suggestion(event, events)}"] if is_ours else []
    problems = []
    levels = [level.name.lower() for level in (spec.level, spec.raised) if level is not None]  # any value may be compared
    if line.get("level") not in levels:
        problems.append(f"{event}: its level is {spec.level.name.lower()}, not {line.get('level')}")
    for field in spec.fields:
        if field.name not in line:
            problems.append(f"{event}: {field.name} is missing")
        elif problem := field.problem(line[field.name]):
            problems.append(f"{event}: {problem}")
    known = {field.name for field in spec.fields} | LINE_KEYS | set(context)
    problems += [f"{event}: {name} is not one of its fields" for name in line if name not in known]
    return problems
