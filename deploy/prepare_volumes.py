"""Give the named volumes to those who write them, the database a password of its own, and Jaeger's pages our address.

docker-compose.yml runs this once before everything else, as root with the capability to change owners: Docker gives a
named volume to root, and the users that the images run under could not write there. Running it again changes nothing.
"""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

from deploy import jaeger_ui

APPLICATION = 10002  # Dockerfile
COLLECTOR = JAEGER = 10001  # of their images
POSTGRES = 999  # of its image

VOLUMES = Path("/volumes")
FOLDERS = {"synctrace": APPLICATION, "collector": COLLECTOR, "jaeger": JAEGER}
READERS = APPLICATION  # the collector's second group, for the lines; the application may read what the collector writes


def give(path: Path, *, to: int, readers: int | None = None) -> None:
    """Give `path` to the user numbered `to`, and to the group of that number or the group `readers`."""
    os.chown(path, to, to if readers is None else readers)


def keep(path: Path, content: str, *, owner: int) -> None:
    """Write `content` to a file that only `owner` can read, whole or not at all."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "w") as file:
        file.write(content)
    give(new, to=owner)
    new.rename(path)


def main() -> int:
    """Make the volumes writable, a password for the database's server and (as a `pgpass`) clients, and Jaeger's pages."""
    for name, owner in FOLDERS.items():
        give(VOLUMES / name, to=owner, readers=READERS)
        (VOLUMES / name).chmod(0o750)
    server, clients = VOLUMES / "secrets" / "postgres_password", VOLUMES / "secrets" / "pgpass"
    if not clients.exists():  # written last
        password = server.read_text().strip() if server.exists() else secrets.token_urlsafe(32)
        keep(server, f"{password}\n", owner=POSTGRES)
        keep(clients, f"*:*:*:*:{password}\n", owner=APPLICATION)
        sys.stdout.write("made a password for PostgreSQL\n")
    (VOLUMES / "secrets").chmod(0o755)
    web = os.environ.get("SYNCTRACE_WEB_URL") or f"http://127.0.0.1:{os.environ.get('SYNCTRACE_WEB_PORT') or 8000}"
    try:
        pages = jaeger_ui.configuration(web)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    keep(VOLUMES / "jaeger" / "ui.json", pages, owner=JAEGER)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
