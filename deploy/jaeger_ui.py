"""What Jaeger's pages show and lead to: `jaeger-ui.json`, with the address at which a browser finds our own pages."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

TEMPLATE: Final = Path(__file__).with_name("jaeger-ui.json")
WEB: Final = "http://127.0.0.1:8000"
"""The address in the template."""


def configuration(web: str = WEB) -> str:
    """Return the configuration, as JSON, of pages whose links lead to the application at `web`.

    Raises `ValueError` for what is no address of a web page: Jaeger would take it, and lead nowhere.
    """
    parts = urlsplit(web)
    if parts.scheme not in ("http", "https") or not parts.hostname or set(web) & set('"\\ #?{}'):
        raise ValueError(f"{web!r} is not an address of our pages: set SYNCTRACE_WEB_URL to one like {WEB}")
    return TEMPLATE.read_text(encoding="utf-8").replace(WEB, web.rstrip("/"))
