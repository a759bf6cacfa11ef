"""Remove all that a home's embedded servers have stored: `python -m apps.embedded.clean HOME`, as in `make clean`.

For an ordinary user all of it is in the home; root's data, and a copy of PostgreSQL's programs, are elsewhere.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from apps.embedded import folders, locks


def main(home: Path) -> None:
    """Remove the files of `home`'s servers; raise SystemExit with a sentence while they run."""
    state_folder = home / folders.SERVERS
    if state_folder.exists():
        with locks.opened_state(state_folder) as state:
            if state.supervised():
                sys.exit(f"Servers run on {home}: end the commands that use them first.")
        shutil.rmtree(state_folder)
    folders.remove_data(home)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
    folders.remove_leftovers()
