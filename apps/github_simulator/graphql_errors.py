"""GraphQL errors in GitHub's format: `type, path, extensions, locations, message`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from graphql import FieldNode, GraphQLError, get_location
from graphql.language import Node

_UNKNOWN_FIELD = re.compile(r"Cannot query field '(?P<field>\w+)' on type '(?P<type>\w+)'")


class FieldError(Exception):
    """A field has no value: it becomes null, and the answer gets an error of this type."""

    def __init__(self, error_type: str, message: str) -> None:
        """Take GitHub's error type and message."""
        super().__init__(message)
        self.type = error_type


class RefusedQueryError(Exception):
    """GitHub would refuse to run this query; `error` is the entry for the answer's `errors`."""

    def __init__(self, error_type: str, message: str, *, path: Sequence[str] = (), field: FieldNode | None = None) -> None:
        """Take GitHub's error type and message, and the field that is to blame."""
        super().__init__(message)
        self.error = error_payload(error_type, message, path=path, locations=_locations_of(field))


def error_payload(
    error_type: str | None,
    message: str,
    *,
    path: Sequence[str | int] = (),
    locations: Sequence[Mapping[str, int]] = (),
    extensions: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return one entry of an answer's `errors`, without the parts that are empty."""
    parts = {
        "type": error_type,
        "path": list(path),
        "extensions": dict(extensions or {}),
        "locations": list(locations),
        "message": message,
    }
    return {key: value for key, value in parts.items() if value}


def executed_error(error: GraphQLError) -> dict[str, Any]:
    """Return the entry for an error that graphql-core found while parsing, validating or executing a query."""
    cause = error.original_error
    locations = [{"line": location.line, "column": location.column} for location in error.locations or ()]
    if unknown := _UNKNOWN_FIELD.match(error.message):
        return undefined_field(unknown["field"], unknown["type"], locations=locations)
    return error_payload(
        cause.type if isinstance(cause, FieldError) else None,
        error.message,
        path=error.path or (),
        locations=locations,
    )


def undefined_field(
    name: str, owner: str, *, path: Sequence[str] = (), locations: Sequence[Mapping[str, int]] = ()
) -> dict[str, Any]:
    """Return the entry for a field that the type `owner` does not have."""
    return error_payload(
        None,
        f"Field '{name}' doesn't exist on type '{owner}'",
        path=path,
        extensions={"code": "undefinedField", "typeName": owner, "fieldName": name},
        locations=locations,
    )


def _locations_of(node: Node | None) -> list[Mapping[str, int]]:
    if node is None or node.loc is None:
        return []
    location = get_location(node.loc.source, node.loc.start)
    return [{"line": location.line, "column": location.column}]
