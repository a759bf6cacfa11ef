"""GraphQL errors in GitHub's format, with `type`, `path`, `locations` and `message`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from graphql import FieldNode, GraphQLError, get_location
from graphql.language import Node

_UNKNOWN_FIELD = re.compile(r"Cannot query field '(?P<field>\w+)' on type '(?P<type>\w+)'")


class FieldError(Exception):
    """A field that cannot be answered; it becomes null, and the answer gets an error of type `error_type`."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.type = error_type


class RefusedQueryError(Exception):
    """A query that GitHub would refuse to run."""

    def __init__(self, error_type: str, message: str, *, path: Sequence[str] = (), field: FieldNode | None = None) -> None:
        super().__init__(message)
        self.error = error_payload(error_type, message, path=path, locations=_locations(field))


def error_payload(
    error_type: str | None,
    message: str,
    *,
    path: Sequence[str | int] = (),
    locations: Sequence[Mapping[str, int]] = (),
    extensions: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return an entry for an answer's `errors`, leaving out the parts that are empty."""
    parts = {
        "type": error_type,
        "path": list(path),
        "extensions": dict(extensions or {}),
        "locations": list(locations),
        "message": message,
    }
    return {key: value for key, value in parts.items() if value}


def executed_error(error: GraphQLError) -> dict[str, Any]:
    """Return the entry for an error that graphql-core raised while parsing, validating or executing a query."""
    cause = error.original_error
    if unknown := _UNKNOWN_FIELD.match(error.message):
        return _undefined_field(error, field=unknown["field"], owner=unknown["type"])
    return error_payload(
        cause.type if isinstance(cause, FieldError) else None,
        error.message,
        path=error.path or (),
        locations=_places(error),
    )


def _undefined_field(error: GraphQLError, *, field: str, owner: str) -> dict[str, Any]:
    return error_payload(
        None,
        f"Field '{field}' doesn't exist on type '{owner}'",
        extensions={"code": "undefinedField", "typeName": owner, "fieldName": field},
        locations=_places(error),
    )


def _places(error: GraphQLError) -> list[Mapping[str, int]]:
    return [{"line": place.line, "column": place.column} for place in error.locations or ()]


def _locations(node: Node | None) -> list[Mapping[str, int]]:
    if node is None or node.loc is None:
        return []
    place = get_location(node.loc.source, node.loc.start)
    return [{"line": place.line, "column": place.column}]
