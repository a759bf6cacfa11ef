"""The level that a worker's command line asks for."""

from __future__ import annotations

import pytest

from telemetry.celery import asked_level


@pytest.mark.parametrize(
    ("arguments", "level"),
    [
        ("-A shop worker", None),
        ("-A shop worker -l DEBUG", 10),
        ("-A shop worker -l warning -c 2", 30),
        ("-A shop worker -lERROR", 40),
        ("-A shop worker --loglevel=info", 20),
        ("-A shop worker --loglevel critical", 50),
        ("-A shop worker -l 30", 30),
        ("-A shop worker -l INFO --loglevel=FATAL", 50),
        ("-A shop worker --logfile=x", None),
        ("-A shop worker -l nonsense", None),
    ],
)
def test_every_way_to_ask_for_a_level_is_understood(arguments: str, level: int | None) -> None:
    """Celery's own parser takes them all; the last one counts."""
    assert asked_level(arguments.split()) == level
