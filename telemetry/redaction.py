"""Secrets are known by their shape and replaced, wherever text leaves the process.

What surrounds a secret stays, because it helps: ``https://[redacted]@host/path``, ``access_token=[redacted]``.
Shapes: https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

REDACTED = "[redacted]"

_NAME_OF_ONE = r"""
    (?: (?:access|refresh|id|oauth|auth|private|session|bot|api|github|gitlab|csrf)[_-]?token | [_-]token
      | pass(?:word|wd|phrase) | secret (?:[_-]?(?:key|access[_-]?key))? | api[_-]?key )
"""
# A name's end, what stands between it and its value, and the value, in quotes (perhaps escaped ones) or bare. Every
# repetition either has a bound or can end in one way only, so that a megabyte of rubbish costs time proportional to it.
_ASSIGNED = r"""[\\"']{0,3} \s{0,4} (?: => | = | : | %3[DdAa] ) \s{0,4}"""
_QUOTED = r"""(?P<quote>b?(?:\\"|"|\\'|'))"""
_VALUE = rf"""
    (?: {_QUOTED}
        (?: (?<=\\") (?:(?!\\")[^\r\n])* | (?<=\\') (?:(?!\\')[^\r\n])*
          | (?<=") (?:[^"\\\r\n]|\\.)* | (?<=') (?:[^'\\\r\n]|\\.)* )
      | [^\s&"'\\]+ )
"""

_Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]


def _keep_name_and_quote(found: re.Match[str]) -> str:
    return f"{found['name']}{found['quote'] or ''}{REDACTED}"


_RULES: tuple[_Rule, ...] = (
    (
        re.compile(
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
            r".*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)",
            re.DOTALL,
        ),
        REDACTED,
    ),
    # ghs_ tokens may carry a JWT, hence the dots.
    (re.compile(r"(?:gh[pousr]_[A-Za-z0-9_.-]{10,}|github_pat_[A-Za-z0-9_]{10,})"), REDACTED),
    (
        re.compile(r"(?:(?<![A-Za-z0-9_-])|(?<=\\[nrt]))eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?"),
        REDACTED,
    ),
    (re.compile(r"""://[^/?#\s"'<>\\]+@"""), f"://{REDACTED}@"),
    (
        re.compile(
            rf"""(?P<name> authorization {_ASSIGNED} (?P<quote>b?\\?["'])? )
                 (?: digest [^\r\n"'\\]+ | (?: (?:bearer|basic|token|negotiate) [ \t]{{1,4}} )? [^\s"'\\]+ )""",
            re.IGNORECASE | re.VERBOSE,
        ),
        lambda found: f"{found['name']}{REDACTED}",
    ),
    # "basic authentication" and "token expired" are words; a secret has digits, mixed case, or is very long.
    (
        re.compile(
            r"\b((?i:bearer|basic|token)(?:[ \t]{1,4}|%20))"
            r"(?:(?=[A-Za-z.~+/_-]{0,200}?(?:[0-9=]|[a-z][A-Z]))[A-Za-z0-9._~+/=-]{8,}|[A-Za-z0-9._~+/=-]{20,})"
        ),
        rf"\1{REDACTED}",
    ),
    (re.compile(rf"(?P<name>{_NAME_OF_ONE}{_ASSIGNED}){_VALUE}", re.IGNORECASE | re.VERBOSE), _keep_name_and_quote),
    # A name of its own may be an everyday word ("unexpected token: x"): only a value that looks made.
    (
        re.compile(
            rf"(?P<name>\btoken{_ASSIGNED} (?P<quote>b?\\?[\"'])? ) [A-Za-z0-9._~+/-]{{8,}}=*",
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
    r"(?:.*[_-])?(?:token|password|passwd|passphrase|secret|api[_-]?key|private[_-]?key|secret[_-]?key|authorization)",
    re.IGNORECASE,
)

# Text that has been looked at and is clean: span names, statuses, repository names and ids come again and again. Never a
# text with a secret, so that none is kept in memory.
_clean: set[str] = set()
_CLEAN_LENGTH = 128
_CLEAN_COUNT = 8192


def redact(text: str) -> str:
    """``text`` without secrets; the same text when it has none."""
    if text in _clean:
        return text
    if not _may_hold_secret(text):
        if len(text) <= _CLEAN_LENGTH:
            if len(_clean) >= _CLEAN_COUNT:
                _clean.clear()
            _clean.add(text)
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


def is_secret_name(name: str) -> bool:
    """Whether a field of this name holds a secret by definition: ``password``, ``access_token``, ``X-Api-Key``."""
    return _SECRET_FIELD.fullmatch(name) is not None


def _may_hold_secret(text: str) -> bool:
    """False for text that no rule can match; substring searches, because nearly all text ends here."""
    if "://" in text and "@" in text:
        return True
    if "gh" in text and ("_" in text):
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
