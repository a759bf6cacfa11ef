"""What OpenTelemetry's Weaver would say of a registry.

The rules are those of its language, https://github.com/open-telemetry/weaver/blob/main/schemas/semconv-syntax.md, and of
what `weaver registry check` warns about (`GroupSpec::validate` in crates/weaver_semconv/src/group.rs, version 0.25.1), since
it fails on warnings too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

TYPES: Mapping[str, Any] = {"string": str, "int": int, "double": float, "boolean": bool}
BESIDE: Mapping[str, set[str]] = {
    "attribute_group": set(),
    "span": {"span_kind"},
    "event": {"name"},
    "metric": {"metric_name", "instrument", "unit"},
}


def problems(groups: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Yield what Weaver would say of these groups."""
    definitions = [one for group in groups.values() for one in group["attributes"] if "id" in one]
    defined = {one["id"] for one in definitions}
    if len(defined) < len(definitions):
        yield "an attribute is defined twice"
    for name, group in groups.items():
        wanted = {"id", "type", "brief", *BESIDE[group["type"]]}
        if group["type"] != "attribute_group":
            wanted.add("stability")
        if missing := wanted - {key for key, value in group.items() if value}:
            yield f"{name} lacks {missing}"
        if group["type"] in ("span", "attribute_group") and not group["attributes"]:
            yield f"{name} has no attributes"
        if group.get("span_kind", "internal") not in ("client", "server", "producer", "consumer", "internal"):
            yield f"{name} has no such kind of span"
        if group.get("instrument", "counter") not in ("counter", "gauge", "histogram", "updowncounter"):
            yield f"{name} has no such instrument"
        references = [one["ref"] for one in group["attributes"] if "ref" in one]
        if len(references) > len(set(references)) or not set(references) <= defined:
            yield f"{name} refers to an attribute twice, or to none"
        for one in group["attributes"]:
            yield from reference_problems(one) if "ref" in one else definition_problems(one)


def reference_problems(reference: dict[str, Any]) -> Iterator[str]:
    """Yield what Weaver would say of a reference to an attribute."""
    match reference["requirement_level"]:
        case "required" | "recommended" | "opt_in" | {"conditionally_required": str()}:
            pass
        case other:
            yield f"{other} is no requirement level"
    if unknown := set(reference) - {"ref", "requirement_level", "brief"}:
        yield f"a reference must not have {unknown}"


def definition_problems(attribute: dict[str, Any]) -> Iterator[str]:
    """Yield what Weaver would say of an attribute's definition."""
    name = attribute["id"]
    if not re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*", name):
        yield f"{name} is not lower case"
    if not attribute["brief"] or attribute["stability"] != "development":
        yield f"{name} lacks its brief or its stability"
    kind = attribute["type"]
    if isinstance(kind, dict):
        members = kind["members"]
        if len({member["id"] for member in members}) < len(members):
            yield f"{name} has a member twice"
        if any(set(member) != {"id", "value", "stability"} for member in members):
            yield f"{name} has a member without its id, value or stability"
    elif kind not in TYPES:
        yield f"{name} has no type {kind}"
    else:
        examples = attribute.get("examples", [])
        if kind == "string" and not examples:
            yield f"{name} is a text without examples"
        if not all(isinstance(example, TYPES[kind]) for example in examples):
            yield f"{name} has examples of another type"
