"""What the README shows of `telemetry` runs as it is printed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path


def test_the_example_and_its_test_run(tmp_path: Path) -> None:
    """Outside this checkout, with what the package registers: the operation is declared, opened and asserted on."""
    readme = Path("README.md").read_text()
    example, test = re.findall(r"^```python\n(.*?)^```", readme, re.DOTALL | re.MULTILINE)
    (tmp_path / "test_shop.py").write_text(f"{example}\n\n{test}")
    (tmp_path / "telemetry").symlink_to(Path("telemetry").resolve())  # and nothing else that is beside it
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "telemetry.pytest_plugin", "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 passed" in ran.stdout
