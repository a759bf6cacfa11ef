"""PostgreSQL and Valkey from wheels, started on a private folder and stopped with us."""

from __future__ import annotations

from apps.embedded.errors import EmbeddedServerError
from apps.embedded.sharing import Servers, running_servers, servers

__all__ = ["EmbeddedServerError", "Servers", "running_servers", "servers"]
