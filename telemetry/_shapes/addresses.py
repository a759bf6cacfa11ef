"""Secrets in addresses: users and passwords before a host, as they are or quoted, and signatures among the parameters."""

from __future__ import annotations

import re

from telemetry._shapes.quoting import EQUALS, LOOKS_MADE, QUOTE, SPACE, keep_name, surrounded
from telemetry._shapes.shape import REDACTED, Shape

_QUOTED = r"%(?:25){0,3}"
_SIGNING = "x-(?:amz|goog)-(?:signature|credential|security-token)"
_IN_URL = r"""[^/?\#&\s"'<>\\]"""

ADDRESSES: tuple[Shape, ...] = (
    Shape(  # a path of HTTP's may hold an @
        name="a URL's user, with an @ and a slash in the password",
        pattern=re.compile(
            r"""(?<!http)(?<!https)://[^\s:/?#@"'<>\\]{0,256}:[^\s/?#"'<>\\]{1,256}@[^\s/?#@;,"'<>\\]{0,128}/"""
            r"""[^\s?#;,"'<>\\]{0,256}@(?!sha256:)"""
        ),
        starts=("://",),
        replacement=f"://{REDACTED}@",
    ),
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
        name="a user and a password in a part of an address",
        pattern=re.compile(
            r"""(?i:(?P<name>netloc|authority|userinfo)["']?\s{0,4}[=:]\s{0,4}b?["']?)[^\s@"'<>\\]{1,256}(?=@)"""
        ),
        starts=("netloc", "authority", "userinfo"),
        replacement=keep_name,
    ),
    Shape(
        name="a URL's user, quoted",
        pattern=re.compile(
            rf"""(?:(?<!http)(?<!https)(?P<other>)|)({_QUOTED}3A(?://|(?:{_QUOTED}2F){{2}}))
            (?:(?:(?:(?!{_QUOTED}(?:2F|40)){_IN_URL})+{_QUOTED}40)+
            |(?:(?!{_QUOTED}(?:2F|40|3A)){_IN_URL}){{0,256}}{_QUOTED}3A
            (?(other)|(?!\d{{1,5}}(?:{_QUOTED}(?:2F|3F|23)|/))){_IN_URL}{{1,128}}?{_QUOTED}40)""",
            re.IGNORECASE | re.VERBOSE,
        ),
        starts=("%3a%2f%2f", "%3a//", "%253a", "%25253a"),
        replacement=rf"\2{REDACTED}%40",
    ),
    surrounded(
        "a signed URL",
        rf"""(?P<name> (?: (?: {_SIGNING} | awsaccesskeyid
              | (?: (?<![A-Za-z0-9_-]) | (?<=%26) | (?<=%3F) | (?<=oauth_) ) (?: signature | sig ) | (?<=[?&]) code )
              (?: = (?: (?<=oauth_signature=) \\{{0,32}} ["'] )? | %(?:25){{0,3}}3D ) | {_SIGNING} {EQUALS} b? {QUOTE}? ) )
            (?! [^\s&"'<>\\]{{1,5}} (?: [\s&"'<>\\] | \Z ) ) [^\s&"'<>\\]+""",
        *("x-amz-", "x-goog-", "awsaccesskeyid", "signature", "sig", "code="),
    ),
    surrounded(
        "a signature in a mapping",
        rf"""(?P<name> (?<=["']) sig (?:nature)? {QUOTE} {SPACE} : {SPACE} b? {QUOTE} )
            (?-i:{LOOKS_MADE}) [A-Za-z0-9_+/%-]{{16,}}=*""",
        "sig",
    ),
)
