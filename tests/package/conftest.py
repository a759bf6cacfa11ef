"""Report the size of an installation of telemetry under a test run's results."""

from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests recorded as `installed`."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == "installed":
                terminalreporter.write_line(str(value))
