"""Django's page for an error, with SYNCTRACE_DEBUG: it shows settings and environment, and must show no password."""

from __future__ import annotations

import re

from django.views.debug import SafeExceptionReporterFilter


class WithoutAddresses(SafeExceptionReporterFilter):
    """Hides what Django hides, and the addresses of servers, which may hold a password."""

    hidden_settings = re.compile(
        f"{SafeExceptionReporterFilter.hidden_settings.pattern}|DATABASE|BROKER|OTLP", flags=re.IGNORECASE
    )
