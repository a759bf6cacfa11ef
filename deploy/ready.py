"""Check whether a service is well, in images that have Python and no curl.

`docker-compose.yml` calls it:

    python deploy/ready.py http://127.0.0.1:8000/healthz            # exit code 0 when it answers with a 2xx
    python deploy/ready.py --within 60 http://otel-collector:13133  # the same, but asks again for up to 60 s
    python deploy/ready.py --fresher-than 600 FILE                  # exit code 0 when FILE* was written that lately
"""

from __future__ import annotations

import argparse
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path


def answers(url: str) -> str | None:
    """Return None when `url` answers a GET with a 2xx within five seconds, or else why not."""
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - the address is the operator's own
            return None
    except (urllib.error.URLError, OSError) as error:
        return f"{url}: {error}"


def written(path: Path, *, seconds: float) -> str | None:
    """Return None when a file whose name starts with `path` was written in the last `seconds`, or else why not."""
    ages = [time.time() - file.stat().st_mtime for file in path.parent.glob(f"{path.name}*")]
    if ages and min(ages) < seconds:
        return None
    return f"{path}: {f'last written {min(ages):.0f} s ago' if ages else 'not there'}"


def main(arguments: list[str]) -> int:
    """Return 0 when the service is well, or 1 with the reason on standard error."""
    parser = argparse.ArgumentParser(description="Exit code 0 when a service is well.")
    parser.add_argument("target", help="a URL, or with --fresher-than a file")
    parser.add_argument("--within", type=float, default=0, metavar="SECONDS", help="ask again for so long")
    parser.add_argument("--fresher-than", type=float, metavar="SECONDS", help="the file's age at most")
    options = parser.parse_args(arguments)
    deadline = time.monotonic() + options.within
    while True:
        if options.fresher_than is None:
            trouble = answers(options.target)
        else:
            trouble = written(Path(options.target), seconds=options.fresher_than)
        if trouble is None:
            return 0
        if time.monotonic() >= deadline:
            sys.stderr.write(f"{trouble}\n")
            return 1
        time.sleep(0.5)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
