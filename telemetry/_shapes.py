"""The shapes of secrets: what a vendor's tokens look like, and what surrounds a secret without a look of its own.

Each vendor documents its prefixes: GitHub
(https://docs.github.com/authentication/keeping-your-account-and-data-secure/about-authentication-to-github), GitLab
(https://docs.gitlab.com/security/tokens/#token-prefixes), Slack (https://api.slack.com/authentication/token-types), AWS
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html), Stripe (https://docs.stripe.com/keys).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

REDACTED = "[redacted]"


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of secret; a text in which none of `hints` (lower case) occurs, in any case, cannot hold one."""

    name: str
    pattern: re.Pattern[str]
    hints: tuple[str, ...] = ()
    replacement: str | Callable[[re.Match[str]], str] = REDACTED


_NAME_OF_ONE = r"""
    (?: (?:access|refresh|id|oauth|auth|private|session|bot|api|github|gitlab|csrf)[_-]?token | [_-]token
      | pass(?:word|wd|phrase) | secret (?:[_-]?(?:key|access[_-]?key))? | api[_-]?key | session[_-]?id )
"""
# Text is quoted again and again on its way out: JSON in JSON, a repr in a traceback, a parameter of a URL. Every repetition
# has a bound or can end in one way only, so that a megabyte of rubbish costs time proportional to it.
_ESCAPED_QUOTE = r"""(?: \\{1,32} ["'] | (?: %5[Cc] ){0,32} %2[27] )"""
_QUOTE = rf"""(?: ["'] | {_ESCAPED_QUOTE} )"""
_SPACE = r"(?: \s | \+ | %20 ){0,4}"
_ASSIGNED = rf"""{_QUOTE}? {_SPACE} (?: => | = | : | %(?:25){{0,3}}3[DdAa] ) {_SPACE}"""
_VALUE = rf"""
    (?: (?P<quote> b?{_ESCAPED_QUOTE}) (?: (?!(?P=quote)) [^\r\n] )*
      | (?P<double> b?") (?: [^"\\\r\n] | \\. )*
      | (?P<single> b?') (?: [^'\\\r\n] | \\. )*
      | [^\s&"'\\]+ )
"""
_PEM = r"[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
_PEM_IN_URL = r"(?:[A-Z0-9+]|%20){0,40}PRIVATE(?:\+|%20)KEY(?:(?:\+|%20)BLOCK)?-----"


def _keep_name_and_quote(found: re.Match[str]) -> str:
    return f"{found['name']}{found['quote'] or found['double'] or found['single'] or ''}{REDACTED}"


def _keep_name(found: re.Match[str]) -> str:
    return f"{found['name']}{REDACTED}"


def _token(name: str, pattern: str, *hints: str) -> Shape:
    """Return the shape of a token that is known by its prefix."""
    return Shape(name, re.compile(rf"(?<![A-Za-z0-9]){pattern}"), hints)


SHAPES: tuple[Shape, ...] = (
    Shape("PEM", re.compile(rf"-----BEGIN {_PEM}.*?(?:-----END {_PEM}|\Z)", re.DOTALL), ("private key",)),
    Shape(
        "PEM in a URL",
        re.compile(rf"-----BEGIN(?:\+|%20){_PEM_IN_URL}.*?(?:-----END(?:\+|%20){_PEM_IN_URL}|[\s&]|\Z)", re.DOTALL),
        ("private+key", "private%20key"),
    ),
    # ghs_ tokens may carry a JWT, hence the dots.
    Shape(
        "GitHub",
        re.compile(r"(?:gh[pousr]_[A-Za-z0-9_.-]{10,}|github_pat_[A-Za-z0-9_]{10,})"),
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    ),
    _token("GitHub, before 2021: installations", r"v1\.[0-9a-f]{40}", "v1."),
    # 40 hexadecimal digits are a commit's name, too: they are a token where the words before them say so.
    Shape(
        "GitHub, before 2021: users",
        re.compile(
            r"(?P<name>(?i:token|credential|secret|authori[sz]ation|password|api.?key|bearer)[^\r\n]{0,40}?\b)[0-9a-f]{40}\b"
        ),
        ("token", "credential", "secret", "authori", "password", "key", "bearer"),
        _keep_name,
    ),
    _token(
        "GitLab",
        r"gl(?:pat|ptt|rt|dt|oas|cbt|ft|imt|soat|agent)-[A-Za-z0-9_.-]{16,}",
        "glp",
        "glr",
        "gld",
        "glo",
        "glc",
        "glf",
        "gli",
        "gls",
        "gla",
    ),
    _token("Slack", r"x(?:ox[a-z]|app)-[A-Za-z0-9-]{10,}", "xox", "xapp-"),
    Shape(
        "Slack's webhooks",
        re.compile(r"(hooks\.slack\.com/(?:services|workflows)/)[A-Za-z0-9/_-]{10,}"),
        ("hooks.slack",),
        rf"\1{REDACTED}",
    ),
    _token("AWS", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])", "akia", "asia", "abia", "acca"),
    _token("OpenAI and Anthropic", r"sk-(?:ant-|proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,}", "sk-"),
    _token("Stripe", r"(?:[rs]k_(?:live|test)|whsec)_[A-Za-z0-9]{10,}", "k_live_", "k_test_", "whsec_"),
    _token(
        "Google", r"(?:AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{10,}|GOCSPX-[A-Za-z0-9_-]{20,})", "aiza", "ya29.", "gocspx-"
    ),
    _token("npm", r"npm_[A-Za-z0-9]{20,}", "npm_"),
    _token("PyPI", r"pypi-[A-Za-z0-9_-]{20,}", "pypi-"),
    Shape(
        "JWT",
        re.compile(
            r"(?:(?<![A-Za-z0-9_-])|(?<=\\[nrt])|(?<=%[0-9A-F]{2}))eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?"
        ),
        ("eyj",),
    ),
    Shape("a URL's user", re.compile(r"""://[^/?#\s"'<>\\]+@"""), ("://",), f"://{REDACTED}@"),
    # A password with a slash in it; after a port comes a path.
    Shape(
        "a URL's user, with slashes",
        re.compile(r"""://[^\s:/?#@"'<>\\]{0,256}:(?!\d{1,5}[/?#])[^\s@"'<>\\]{1,256}@"""),
        ("://",),
        f"://{REDACTED}@",
    ),
    Shape(
        "a URL's user, quoted",
        re.compile(r"""(%3A%2F%2F)(?:(?!%2F|%40)[^/?#&\s"'<>\\])+(%40)""", re.IGNORECASE),
        ("%40",),
        rf"\1{REDACTED}\2",
    ),
    Shape(
        "a signed URL",
        re.compile(
            r"(?P<name>(?:X-(?:Amz|Goog)-(?:Signature|Credential|Security-Token)|AWSAccessKeyId|\bSignature|(?<=[?&;])sig)"
            r"(?:=|%(?:25){0,3}3D))[^\s&\"'<>\\]+",
            re.IGNORECASE,
        ),
        ("x-amz-", "x-goog-", "awsaccesskeyid", "signature", "sig=", "sig%"),
        _keep_name,
    ),
    Shape(
        "a cookie",
        re.compile(
            rf"""(?P<name>\b(?:set-)?cookie {_ASSIGNED} (?: b?{_QUOTE} )? )[^\r\n"'\\]+""", re.IGNORECASE | re.VERBOSE
        ),
        ("cookie",),
        _keep_name,
    ),
    Shape(
        "an option of a command",
        re.compile(
            r"(?P<name>--?(?:[a-z]+-)*(?:password|passwd|passphrase|token|secret|api-?key|access-?key)[ =]{1,4})"
            r"""(?!--)(?:"[^"\r\n]*"|'[^'\r\n]*'|[^\s"']+)""",
            re.IGNORECASE,
        ),
        ("-pass", "-token", "-secret", "key"),
        _keep_name,
    ),
    Shape(
        "an Authorization header",
        re.compile(
            rf"""(?P<name> authorization {_ASSIGNED} (?: b?{_QUOTE} )? )
                 (?: digest [^\r\n"'\\]+ | (?: (?:bearer|basic|token|negotiate) (?:[ \t]{{1,4}}|\+|%20) )? [^\s"'\\]+ )""",
            re.IGNORECASE | re.VERBOSE,
        ),
        ("authorization",),
        _keep_name,
    ),
    # "basic authentication" and "token expired" are words; a secret has digits, mixed case, or is very long.
    Shape(
        "a scheme and its secret",
        re.compile(
            r"\b((?i:bearer|basic|token)(?:[ \t]{1,4}|%20|\+))"
            r"(?:(?=[A-Za-z.~+/_-]{0,200}?(?:[0-9=]|[a-z][A-Z]))[A-Za-z0-9._~+/=-]{8,}|[A-Za-z0-9._~+/=-]{20,})"
        ),
        ("bearer", "basic", "token"),
        rf"\1{REDACTED}",
    ),
    Shape(
        "a value under a secret's name",
        re.compile(rf"(?P<name>{_NAME_OF_ONE}{_ASSIGNED}){_VALUE}", re.IGNORECASE | re.VERBOSE),
        ("token", "pass", "secret", "key", "session"),
        _keep_name_and_quote,
    ),
    # The name alone may be an everyday word ("unexpected token: x"): only a value that looks made.
    Shape(
        "a value under the name token",
        re.compile(
            rf"(?P<name>\btoken{_ASSIGNED} (?: b?{_QUOTE} )? ) [A-Za-z0-9._~+/-]{{8,}}=*",
            re.IGNORECASE | re.VERBOSE,
        ),
        ("token",),
        _keep_name,
    ),
    # One or several: 32 bytes in url-safe base64.
    Shape(
        "Fernet keys",
        re.compile(
            r"""(key[s]?[\\"']{0,3}\s{0,4}[=:]\s{0,4}[\[("'b\\]{0,4})[A-Za-z0-9_-]{43}=(?:[,"'\s]{1,4}b?["']?[A-Za-z0-9_-]{43}=)*""",
            re.IGNORECASE,
        ),
        ("key",),
        rf"\1{REDACTED}",
    ),
)

SECRET_NAME = re.compile(
    r"(?:.*[._-])?(?:token|password|passwd|passphrase|pwd|secret|api[_-]?key|private[_-]?key|secret[_-]?key|access[_-]?key"
    r"|authorization|cookie|credentials?|session[_-]?id)",
    re.IGNORECASE,
)
"""Names of fields that hold a secret, whatever it looks like."""
