"""Programs are built once, whole or not at all."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from deploy import programs


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Use a cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return programs.cache_folder()


def test_a_program_is_built_once_by_many(cache: Path) -> None:
    """Runs at the same time wait for the one that builds, and use what it built."""
    built: list[Path] = []

    def build(work: Path, _log: Path) -> None:
        built.append(work)
        (work / "tool").write_text("program")

    runs = [threading.Thread(target=programs._built, args=("tool", "tool-1", build)) for _ in range(4)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert len(built) == 1
    assert (cache / "tool-1" / "tool").read_text() == "program"
    assert not list(cache.glob(".building-*"))


def test_a_build_that_fails_leaves_nothing_that_looks_built(cache: Path) -> None:
    """The next run builds again."""

    def fail(work: Path, log: Path) -> None:
        (work / "tool").write_text("half")
        programs._run(["sh", "-c", "echo out of disk >&2; exit 3"], work, log)

    with pytest.raises(programs.BuildError, match=r"exit code 3.*\n(.*\n)?out of disk"):
        programs._built("tool", "tool-1", fail)
    assert not (cache / "tool-1").exists()
    assert not list(cache.glob(".building-*"))


def test_a_persons_go_settings_change_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Flags and targets of another project do not reach our builds."""
    monkeypatch.setenv("GOFLAGS", "-mod=vendor")
    monkeypatch.setenv("GOOS", "plan9")
    said = programs._run(["sh", "-c", "echo $GOFLAGS,$GOOS,$CGO_ENABLED"], tmp_path, tmp_path / "log")
    assert said == "-buildvcs=false,,0\n"


def test_another_component_is_another_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A manifest with another component is not served from the cache of the one before."""
    folders: list[str] = []
    monkeypatch.setattr(programs, "_built", lambda _name, folder, _build: folders.append(folder))
    programs.collector_program()
    manifest = tmp_path / "manifest.yaml"
    manifest.write_text(f"{programs.MANIFEST.read_text()}# another\n")
    monkeypatch.setattr(programs, "MANIFEST", manifest)
    programs.collector_program()
    assert len(set(folders)) == 2


def test_a_wrong_name_says_which_there_are(capfd: pytest.CaptureFixture[str]) -> None:
    """The command names what it can build."""
    assert programs.main(["prometheus"]) == 2
    assert "collector or jaeger" in capfd.readouterr().err
