"""GitHub's own GraphQL schema, as GitHub publishes it (`schema/README.md` says which version)."""

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
    """GitHub's schema is built, once a process (0.7 s: descriptions, two thirds of the text, are skipped)."""
    text = gzip.decompress(SCHEMA_FILE.read_bytes()).decode()
    document = parse(_DESCRIPTION.sub("", text), no_location=True)
    return build_ast_schema(document, assume_valid=True, assume_valid_sdl=True)
