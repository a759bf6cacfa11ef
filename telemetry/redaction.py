"""Secrets are known by their shape and replaced, wherever text leaves the process.

What surrounds a secret stays, because it helps: ``https://[redacted]@host/path``, ``access_token=[redacted]``.
Shapes: https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

REDACTED = "[redacted]"

_NAME_OF_ONE = r"""
    (?: (?:access|refresh|id|oauth|auth|private|session|bot|api|github|gitlab|csrf)[_-]?token | [_-]token
      | pass(?:word|wd|phrase) | secret (?:[_-]?(?:key|access[_-]?key))? | api[_-]?key )
"""
# Text is quoted again and again on its way here: JSON in JSON, a repr in a traceback, a parameter of a URL. Every repetition
# either has a bound or can end in one way only, so that a megabyte of rubbish costs time proportional to it.
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

_Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]


def _keep_name_and_quote(found: re.Match[str]) -> str:
    return f"{found['name']}{found['quote'] or found['double'] or found['single'] or ''}{REDACTED}"


_RULES: tuple[_Rule, ...] = (
    (re.compile(rf"-----BEGIN {_PEM}.*?(?:-----END {_PEM}|\Z)", re.DOTALL), REDACTED),
    (re.compile(rf"-----BEGIN(?:\+|%20){_PEM_IN_URL}.*?(?:-----END(?:\+|%20){_PEM_IN_URL}|[\s&]|\Z)", re.DOTALL), REDACTED),
    # ghs_ tokens may carry a JWT, hence the dots.
    (re.compile(r"(?:gh[pousr]_[A-Za-z0-9_.-]{10,}|github_pat_[A-Za-z0-9_]{10,})"), REDACTED),
    (
        re.compile(
            r"(?:(?<![A-Za-z0-9_-])|(?<=\\[nrt])|(?<=%[0-9A-F]{2}))eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?"
        ),
        REDACTED,
    ),
    (re.compile(r"""://[^/?#\s"'<>\\]+@"""), f"://{REDACTED}@"),
    (re.compile(r"""(%3A%2F%2F)(?:(?!%2F|%40)[^/?#&\s"'<>\\])+(%40)""", re.IGNORECASE), rf"\1{REDACTED}\2"),
    (
        re.compile(
            rf"""(?P<name> authorization {_ASSIGNED} (?: b?{_QUOTE} )? )
                 (?: digest [^\r\n"'\\]+ | (?: (?:bearer|basic|token|negotiate) (?:[ \t]{{1,4}}|\+|%20) )? [^\s"'\\]+ )""",
            re.IGNORECASE | re.VERBOSE,
        ),
        lambda found: f"{found['name']}{REDACTED}",
    ),
    # "basic authentication" and "token expired" are words; a secret has digits, mixed case, or is very long.
    (
        re.compile(
            r"\b((?i:bearer|basic|token)(?:[ \t]{1,4}|%20|\+))"
            r"(?:(?=[A-Za-z.~+/_-]{0,200}?(?:[0-9=]|[a-z][A-Z]))[A-Za-z0-9._~+/=-]{8,}|[A-Za-z0-9._~+/=-]{20,})"
        ),
        rf"\1{REDACTED}",
    ),
    (re.compile(rf"(?P<name>{_NAME_OF_ONE}{_ASSIGNED}){_VALUE}", re.IGNORECASE | re.VERBOSE), _keep_name_and_quote),
    # A name of its own may be an everyday word ("unexpected token: x"): only a value that looks made.
    (
        re.compile(
            rf"(?P<name>\btoken{_ASSIGNED} (?: b?{_QUOTE} )? ) [A-Za-z0-9._~+/-]{{8,}}=*",
            re.IGNORECASE | re.VERBOSE,
        ),
        lambda found: f"{found['name']}{REDACTED}",
    ),
    # Fernet keys, one or several: 32 bytes in url-safe base64.
    (
        re.compile(
            r"""(key[s]?[\\"']{0,3}\s{0,4}[=:]\s{0,4}[\[("'b\\]{0,4})[A-Za-z0-9_-]{43}=(?:[,"'\s]{1,4}b?["']?[A-Za-z0-9_-]{43}=)*""",
            re.IGNORECASE,
        ),
        rf"\1{REDACTED}",
    ),
)

_SECRET_FIELD = re.compile(
    r"(?:.*[._-])?(?:token|password|passwd|passphrase|secret|api[_-]?key|private[_-]?key|secret[_-]?key|authorization)",
    re.IGNORECASE,
)

clean_texts: set[str] = set()
"""Short texts that were looked at and hold no secret: names, statuses and ids come again and again."""
_CLEAN_LENGTH = 128
_CLEAN_COUNT = 8192


def redact(text: str) -> str:
    """``text`` without secrets; the same text when it has none."""
    if text in clean_texts:
        return text
    if not _may_hold_secret(text):
        if len(text) <= _CLEAN_LENGTH:
            if len(clean_texts) >= _CLEAN_COUNT:
                clean_texts.clear()
            clean_texts.add(text)
        return text
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def redact_value(value: Any) -> Any:
    """``value`` with every text in it redacted, and whatever stands under a secret's name in a mapping replaced whole."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {
            redact(key) if isinstance(key, str) else key: REDACTED
            if item is not None and isinstance(key, str) and is_secret_name(key)
            else redact_value(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [redact_value(item) for item in value]
    return value


@lru_cache(maxsize=1024)
def is_secret_name(name: str) -> bool:
    """Whether a field of this name holds a secret by definition: ``password``, ``access_token``, ``X-Api-Key``."""
    return _SECRET_FIELD.fullmatch(name) is not None


def _may_hold_secret(text: str) -> bool:
    """False for text that no rule can match; substring searches, because nearly all text ends here."""
    if ("://" in text and "@" in text) or "%40" in text:
        return True
    if "_" in text and ("gh" in text or "pat_" in text):
        return True
    lowered = text.lower()
    return (
        "token" in lowered
        or "key" in lowered
        or "secret" in lowered
        or "pass" in lowered
        or "bearer" in lowered
        or "basic" in lowered
        or "authorization" in lowered
        or "eyj" in lowered
    )
