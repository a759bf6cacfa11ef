"""Users and passwords in addresses: before a host, with a scheme or without one, as they are or quoted."""

from __future__ import annotations

import re

from telemetry._shapes.shape import REDACTED, Shape

_IN_URL = r"""[^/?\#&\s"'<>\\]"""

ADDRESSES: tuple[Shape, ...] = (
    Shape(
        name="a URL's user",
        pattern=re.compile(r"""://(?!git@)[^/?#\s"'<>\\]+@(?!sha256:)"""),
        starts=("://",),
        replacement=f"://{REDACTED}@",
    ),
    Shape(
        name="a URL's user, with a slash or a quote in the password",  # in HTTP's, a path after a port may hold an @
        pattern=re.compile(
            r"""(?:(?<!http)(?<!https)(?P<other>)|)://[^\s:/?#@"'<>\\]{0,256}:(?(other)|(?!\d{1,5}[/?#]))"""
            r"""(?=[^\s@<>]{1,256}@)(?:[^\s@"'<>\\]|(?<![,:=(\[{])\\{0,8}["'](?=[\w!#$%&*+./?@^|~-])){1,128}@(?!sha256:)"""
        ),
        starts=("://",),
        replacement=f"://{REDACTED}@",
    ),
    Shape(  # a mail's address has no port and no path
        name="a user and a password before a host, without a scheme",
        pattern=re.compile(
            r"""(?<=[\w.%+-]):[^\s:@/?#"'<>\\]{1,128}@(?=(?:[A-Za-z][\w.-]{0,252}|\d{1,3}(?:\.\d{1,3}){3})(?::\d{2,5}\b|/))"""
        ),
        starts=(":",),
        replacement=f":{REDACTED}@",
    ),
    Shape(
        name="a URL's user, quoted",
        pattern=re.compile(
            rf"""(?:(?<!http)(?<!https)(?P<other>)|)(%3A%2F%2F)(?:(?:(?:(?!%2F|%40){_IN_URL})+%40)+
            |(?:(?!%2F|%40|%3A){_IN_URL}){{0,256}}%3A(?(other)|(?!\d{{1,5}}%(?:2F|3F|23))){_IN_URL}{{1,128}}?%40)""",
            re.IGNORECASE | re.VERBOSE,
        ),
        starts=("%3a%2f%2f",),
        replacement=rf"\2{REDACTED}%40",
    ),
)
