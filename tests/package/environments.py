"""Environments made of what is installed here, without a network: as folders of links, or as wheels for pip."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import Distribution, distribution
from importlib.util import cache_from_source
from pathlib import Path, PurePosixPath
from typing import Any, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CHECKOUT: Final = Path(__file__).parents[2]
NAME: Final = "synctrace"


@cache
def project() -> dict[str, Any]:
    """Return the table `project` of pyproject.toml."""
    table: dict[str, Any] = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    return table


def required(*extras: str) -> Iterator[Requirement]:
    """Yield what our distribution requires, with `extras`."""
    for text in project()["dependencies"]:
        yield Requirement(text)
    for extra in extras:
        for text in project()["optional-dependencies"][extra]:
            yield Requirement(text)


def locked(lock: str) -> Iterator[Requirement]:
    """Yield what a lock file names for this system."""
    for line in re.findall(r"^[a-z0-9].*?(?= *\\$)", (CHECKOUT / lock).read_text(), re.MULTILINE):
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate():
            yield requirement


def with_dependencies(requirements: Iterable[Requirement]) -> dict[str, Distribution]:
    """Return the installed distributions that fulfil `requirements`, and all that those require, by name."""
    found: dict[str, Distribution] = {}
    followed: set[tuple[str, str]] = set()
    waiting = [(requirement, "") for requirement in requirements]
    while waiting:
        requirement, extra = waiting.pop()
        name = canonicalize_name(requirement.name)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        if name == NAME:
            waiting += [(needed, "") for needed in required(*requirement.extras)]
            continue
        found[name] = installed = distribution(name)
        for own_extra in {"", *requirement.extras}:
            if (name, own_extra) not in followed:
                followed.add((name, own_extra))
                waiting += [(Requirement(text), own_extra) for text in installed.requires or ()]
    return found


def link(distributions: Iterable[Distribution], folder: Path) -> Path:
    """Make `folder` a place for PYTHONPATH in which `distributions` are installed, and nothing else."""
    for installed in distributions:
        for file, source in _files(installed):
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(source)
            if source.suffix == ".py" and (compiled := Path(cache_from_source(str(source)))).exists():
                copy = Path(cache_from_source(str(target)))
                copy.parent.mkdir(exist_ok=True)
                copy.symlink_to(compiled)
    return folder


def repack(installed: Distribution, folder: Path) -> Path:
    """Write the wheel that `installed` was installed from, as far as pip needs it."""
    tags = [tag.split("-") for tag in re.findall(r"^Tag: (\S+)$", installed.read_text("WHEEL") or "", re.MULTILINE)]
    tag = "-".join(".".join(dict.fromkeys(parts)) for parts in zip(*tags, strict=True))  # such as py2.py3-none-any
    name = canonicalize_name(installed.name).replace("-", "_")
    rows: list[str] = []
    [record] = (file for file, _ in _files(installed) if file.name == "RECORD")
    wheel = folder / f"{name}-{installed.version}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file, source in _files(installed):
            if file.parent == record.parent and file.name in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json"):
                continue  # written by an installer
            content = source.read_bytes()
            archive.writestr(str(file), content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            rows.append(f"{file},sha256={digest},{len(content)}")
        archive.writestr(str(record), "\n".join([*rows, f"{record},,", ""]))
    return wheel


def build(folder: Path) -> Path:
    """Build the wheel of this checkout as `pip install` does, into `folder`."""
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-index", "--no-build-isolation"]
    command = [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(folder), str(CHECKOUT)]
    subprocess.run(command, check=True)
    [wheel] = folder.glob(f"{NAME}-*.whl")
    return wheel


def _files(installed: Distribution) -> Iterator[tuple[PurePosixPath, Path]]:
    """Yield each file below site-packages with its place on disk; scripts and compiled modules are made anew anywhere."""
    for file in installed.files or ():
        if ".." not in file.parts and "__pycache__" not in file.parts:
            yield file, Path(str(file.locate()))
