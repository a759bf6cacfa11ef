"""GitHub's own GraphQL schema as GitHub publishes it (see `schema/README.md` for its version)."""

from __future__ import annotations

import gzip
import re
from functools import lru_cache
from pathlib import Path

from graphql import GraphQLSchema, build_ast_schema, parse

SCHEMA_FILE = Path(__file__).parent / "schema" / "github.graphql.gz"

_DESCRIPTION = re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*"""')


@lru_cache(maxsize=1)
def github_schema() -> GraphQLSchema:
    """Build the schema, once per process; leaving out its descriptions, two thirds of the text, cuts that to 0.7 s."""
    text = gzip.decompress(SCHEMA_FILE.read_bytes()).decode()
    document = parse(_DESCRIPTION.sub("", text), no_location=True)
    return build_ast_schema(document, assume_valid=True, assume_valid_sdl=True)
