"""Wrong ways of setting telemetry up; every line marked `# wrong` is refused, and no other."""

from __future__ import annotations

from pathlib import Path

from telemetry import configure
from telemetry.catalog import check_line
from telemetry.django import instrument
from telemetry.settings import Choices, TelemetrySettings

configure(prefix="SHOP_", home=Path("var"))
configure(prefx="SHOP_")  # wrong: misspelt
configure(home="var")  # wrong: a text for a folder
configure("SHOP_")  # wrong: positional

right: Choices = {"service_name": "shop", "context": ["order"]}
wrong: Choices = {"services_name": "shop"}  # wrong: misspelt
TelemetrySettings.from_environment({"SHOP_LOG_LEVEL": "off"}, **right)
TelemetrySettings.from_environment({"SHOP_LOG_LEVEL": 7})  # wrong: a number in an environment
TelemetrySettings(trust_from=("10.0.0.0/8",))  # wrong: a text for a network
instrument({"prefix": "SHOP_"})  # wrong: choices for settings
check_line({"event": "shop.rang"}, context=7)  # wrong: a number for keys
