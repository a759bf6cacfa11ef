"""What installed packages provide under the names that OpenTelemetry's variables choose from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from telemetry._settings.environment import InvalidSettingError

_PACKAGES: Mapping[str, str] = {
    "otlp_proto_grpc": "opentelemetry-exporter-otlp-proto-grpc",
    "otlp_proto_http": "opentelemetry-exporter-otlp-proto-http",
    "prometheus": "opentelemetry-exporter-prometheus",
    "zipkin": "opentelemetry-exporter-zipkin",
    "b3": "opentelemetry-propagator-b3",
    "b3multi": "opentelemetry-propagator-b3",
    "jaeger": "opentelemetry-propagator-jaeger",
    "xray": "opentelemetry-propagator-aws-xray",
}
"""What to install for the names that the specification lists."""


def check_installed(group: str, variable: str, asked: str, names: Sequence[str]) -> None:
    """Raise for what nothing that is installed provides; `asked` is what `variable` holds."""
    if not names:
        return
    from importlib.metadata import entry_points  # it takes a while, for those alone who name something

    for name in names:
        if not entry_points(group=group, name=name):
            package = f"install {_PACKAGES[name]}" if name in _PACKAGES else "install its package"
            known = ", ".join(sorted({found.name for found in entry_points(group=group)}))
            others = f", or choose from {known}" if known else ""
            raise InvalidSettingError(variable, asked, f"nothing provides {name} here: {package}{others}")
