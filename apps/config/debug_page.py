"""Keep passwords off Django's page for an error, which shows settings and environment where SYNCTRACE_DEBUG is set."""

from __future__ import annotations

import re

from django.views.debug import SafeExceptionReporterFilter


class WithoutAddresses(SafeExceptionReporterFilter):
    """Hide what Django hides, and the addresses of servers, which may contain a password."""

    hidden_settings = re.compile(
        f"{SafeExceptionReporterFilter.hidden_settings.pattern}|DATABASE|BROKER|OTLP", flags=re.IGNORECASE
    )
