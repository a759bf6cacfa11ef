"""Secrets without a shape of their own, recognized by their context: names, headers, options, addresses.

Text is quoted repeatedly on its way out: JSON in JSON, a repr in a traceback, a parameter of a URL. Every repetition
has a bound or can end in only one way, so that a megabyte of rubbish costs time proportional to its length.
"""

from __future__ import annotations

import base64
import binascii
import re

from telemetry._shapes.addresses import ADDRESSES
from telemetry._shapes.commands import COMMANDS
from telemetry._shapes.quoting import (
    ASSIGNED,
    EQUALS,
    LINE_END,
    LOOKS_MADE,
    NO_SECRET,
    PARAMETERS,
    QUOTE,
    QUOTED,
    REST_OF_LIST,
    SLUG,
    SPACE,
    keep_name,
    surrounded,
)
from telemetry._shapes.shape import REDACTED, Shape
from telemetry._shapes.tokens import START

_PEM = r"[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
_PEM_IN_URL = r"(?:[A-Z0-9+]|%20){0,40}PRIVATE(?:\+|%20)KEY(?:(?:\+|%20)BLOCK)?-----"


def _keep_name_and_quote(found: re.Match[str]) -> str:
    return f"{found['name']}{found['quote'] or found['double'] or found['single'] or ''}{REDACTED}"


def _keep_ordinary_words(found: re.Match[str]) -> str:
    """Return `Basic [redacted]`, but `basic Psycopg3Connector` as it is: credentials are a user and a password in base64."""
    secret = found["secret"]
    if found["name"][:5].lower() == "basic" and "=" not in secret:
        try:
            if b":" not in base64.b64decode(secret + "=" * (-len(secret) % 4)):
                return found[0]
        except (binascii.Error, ValueError):
            return found[0]
    return keep_name(found)


SURROUNDED: tuple[Shape, ...] = (
    Shape(
        name="PEM",
        pattern=re.compile(rf"-----BEGIN {_PEM}.*?(?:-----END {_PEM}|\Z)", re.DOTALL),
        starts=("-----begin ",),
    ),
    Shape(
        name="PEM in a URL",
        pattern=re.compile(rf"-----BEGIN(?:\+|%20){_PEM_IN_URL}.*?(?:-----END(?:\+|%20){_PEM_IN_URL}|[\s&]|\Z)"),
        starts=("-----begin+", "-----begin%20"),
    ),
    surrounded("PuTTY", r"(?P<name> private-lines:\ \d{1,4}\s ) (?s:.*?) (?= private-mac | \Z )", "private-lines:"),
    # 40 hexadecimal digits are a commit's name, too: they are a token where the words just before them say so.
    surrounded(
        "GitHub's users before 2021",
        r"""(?P<name> (?:token|credential|secret|authori[sz]ation|password|api[ _-]?key|bearer|oauth)s?
            (?: \W{1,8} (?:for|is|was|of|the|with|user|bearer|token|basic) ){0,3} \W{1,8} ) [0-9a-f]{40}\b""",
        *("token", "credential", "secret", "authori", "password", "api", "bearer", "oauth"),
    ),
    *ADDRESSES,
    surrounded(
        "a password in a sentence",
        rf"""(?P<name> \b (?: pass(?:word|phrase|code) | pin | token | secret | (?:api|access|secret|private)[ _-]?key )
             \ (?: is | was | given | provided ) (?: \ now )? :? \ {{1,2}} (?: b?{QUOTE} )? )
             (?-i:{LOOKS_MADE}) [^\s"'\\]{{5,}} (?<! [.,;:!?)] )""",
        *("password ", "passphrase ", "passcode ", "pin ", "token ", "secret ", "api", "access", "private"),
    ),
    surrounded(
        "a password of .netrc",
        rf"""(?P<name> {START} login (?: \s | {LINE_END} ){{1,8}} [^\s"'\\]{{1,128}} (?: \s | {LINE_END} ){{1,8}}
             password \s{{1,8}} ) [^\s"'\\]+""",
        "login",
    ),
    surrounded(
        "an API key in a sentence",
        rf"""(?P<name> (?:api|access|secret) [ _-]? key [ ]{{1,2}} ["']? ) (?! (?-i:{SLUG}) )
             (?= [A-Za-z_./+-]{{0,200}} [0-9] ) [A-Za-z0-9_./+-]{{20,}}=*""",
        *("api", "access", "secret"),
    ),
    surrounded(
        "a session's or an authorization's nonce",
        rf"""(?P<name> (?: (?<![A-Za-z0-9_-]) | (?<=%26) | (?<=%3F) | (?<=[a-z]_)(?=sess) | (?<=connect\.)(?=sid) )
            (?: session | sess | sid | state | nonce | code_verifier )
            (?: = | %(?:25){{0,3}}3D ) ) (?! (?-i:{SLUG}) ) (?= [A-Za-z_.~-]{{0,200}} [0-9] ) [A-Za-z0-9_.~%-]{{16,}}=*""",
        *("session", "sess=", "sess%", "sid", "state", "nonce", "code_verifier"),
    ),
    surrounded(
        "cookies in a mapping",
        rf"""(?P<name> cookies? {EQUALS} \[? \{{ ) [^{{}}\r\n]* (?: \}} , \s? \{{ [^{{}}\r\n]* )*""",
        "cookie",
    ),
    surrounded(
        "a cookie as Python shows it",
        r"""(?P<name> < (?: Cookie \s [^\s=<>]{0,256} = | (?: SimpleCookie | Morsel ) : \s ) )
            (?: (?! \s for \s ) [^\r\n<>] )+""",
        *("<cookie ", "<simplecookie", "<morsel"),
    ),
    surrounded(
        "a cookie",
        rf"""(?P<name> cookie s? (?! :\ (?! {LOOKS_MADE} [^\s"'\\]{{8}} ) [^=\r\n"'\\]{{0,4096}} (?: [\r\n"'\\] | \Z ) )
             {ASSIGNED} (?! {NO_SECRET} ) (?: b?{QUOTE} )? ) {PARAMETERS} {REST_OF_LIST}""",
        "cookie",
    ),
    *COMMANDS,
    surrounded(
        "an Authorization header",
        rf"""(?P<name> authorization {ASSIGNED} (?: b?{QUOTE} )? )
             (?: (?: digest|hawk|mac|oauth|signature|googlelogin|aws4-[\w-]+ ) \s {PARAMETERS}
               | (?: (?: bearer|basic|token|negotiate|ntlm|api-?key|key|bot|dpop )
                   (?: {LINE_END} [ \t]{{1,8}} | [ \t]{{1,4}} | \+ | %20 )
                   | [A-Za-z][\w-]{{0,40}} [ \t]{{1,4}} (?= [^\s"'\\0-9]{{0,200}} [0-9=] [^\s"'\\]{{4}} ) )?
                 [^\s"'\\]+ (?: (?<=[A-Za-z0-9+/]{{76}}) \r? \n [A-Za-z0-9+/]{{1,76}} =* ){{0,64}}
                 (?: (?<=token=) \\{{0,32}} " [^"\r\n]* )? )""",
        "authorization",
    ),
    # "basic authentication" and "token expired" are words; a secret has digits, mixed case, or is very long.
    Shape(
        name="a scheme and its secret",
        pattern=re.compile(
            rf"(?P<name>{START}(?:(?i:bearer|basic|token)(?:[ \t]{{1,4}}|%20|\+)"
            rf"|(?i:bearer)[ \t]{{0,2}}(?:[:=][ \t]{{0,2}}|[ \t]|\\{{0,8}}[\"']:[ \t]{{0,2}})\\{{0,8}}[\"']?))"
            rf"(?P<secret>{LOOKS_MADE}[A-Za-z0-9._~+/=-]{{8,}}|[A-Za-z0-9._~+/=-]{{20,}})"
        ),
        starts=("bearer", "basic", "token"),
        replacement=_keep_ordinary_words,
    ),
    # One or several: 32 bytes in url-safe base64. Before the name alone says it, which ends a value at the first blank.
    surrounded(
        "Fernet keys",
        r"""(?P<name> keys? [\\"']{0,3} \s{0,4} (?: [=:] | (?<=["']) , ) \s{0,4} [\[("'b\\]{0,4} )
            [A-Za-z0-9_-]{43}= (?: [,"'\s]{1,4} b?["']? [A-Za-z0-9_-]{43}= )*""",
        "key",
    ),
    Shape(
        name="a value under a secret's name",
        pattern=re.compile(
            rf"""(?P<name> (?: (?<=[A-Za-z0-9_-]) token | pass (?:word|wd|phrase|code) s? | (?<=[_-]) pass (?![a-z])
                 | (?<=;) pwd | (?<=[_-]) pwd (?! {EQUALS} ["']? (?: [/~.] | [A-Z]:\\ ) )
                 | secrets? (?: [ _-]? (?:key|access[_-]?key) )? | sess(?:ion)?[_-]?id | jwt | client_assertion
                 | (?: api|access|private|auth|signing|encryption|master ) [ _-]? keys? ) [_-]? \d{{0,2}}
                 {ASSIGNED} (?: [|>] [+-]? [ \t]{{0,4}} \r? \n \s{{0,32}} )? )
                 (?! {NO_SECRET} ) (?: {QUOTED} | [^\s&"'\\]+ ) {REST_OF_LIST}""",
            re.IGNORECASE | re.VERBOSE,
        ),
        starts=(
            *("token", "pass", "pwd", "secret", "sess", "jwt", "client_assertion"),
            *("api", "access", "private", "auth", "signing", "encryption", "master"),
        ),
        replacement=_keep_name_and_quote,
    ),
    # PWD is also where a shell is, and a test may pass: only a value that looks made.
    surrounded(
        "a password under its short name",
        rf"""(?P<name> (?<![A-Za-z0-9_-]) (?: pass | pwd ) {EQUALS} b?{QUOTE}? )
            (?! [/~.] | [A-Z]:\\ | [\d.]{{1,20}} (?![\w$#!-]) ) (?-i:{LOOKS_MADE}) [^\s"'\\&;,]{{6,}}""",
        *("pass", "pwd"),
    ),
    surrounded("a connection string's key", r"(?P<name> account[_-]?key = ) [A-Za-z0-9+/]{32,}={0,2}", "account"),
    surrounded(
        "XML",
        r"""(?P<name> (?: password | passwd | passphrase | secret | token | (?:api|access)[_-]?key ) (?: \s [^<>]{0,256} )? >
            (?: <!\[CDATA\[ )? ) [^<>]{1,1024} (?= </ | \]\]> )""",
        *("pass", "secret", "token", "api", "access"),
    ),
    # The name alone may be an everyday word ("unexpected token: x"): only a value that looks made, or is quoted.
    surrounded(
        "a quoted value under the name token, itself quoted or before an equals sign",
        rf"""(?P<name> (?: (?<=["']) token {QUOTE} {SPACE} : | \b token \s{{0,2}} = ) {SPACE} b?{QUOTE} ) [^\s"'\\]+""",
        "token",
    ),
    surrounded(
        "a password in SQL, or quoted in a sentence",
        r"""(?P<name> (?: identified \s{1,4} (?: with \s [\w"'`]{1,64} \s{1,4} )? (?: by | as ) (?: \s password )?
            | \b pass (?: word | phrase | code ) (?: \s for \s [^\s='"]{1,128} \s = )? ) \s{1,4} )
            (?P<mark> ["'] ) (?! [\s,;:)\]}+] ) (?: (?! (?P=mark) ) [^\r\n] ){1,256} (?= (?P=mark) )""",
        *("identified", "pass"),
    ),
    surrounded(
        "a user and a password in a pair",
        rf"""(?P<name> (?: auth {EQUALS}? | credentials? {EQUALS} ) \( \s{{0,4}} b?{QUOTE} [^"'\\\r\n]{{0,128}} {QUOTE}
             \s{{0,4}} , \s{{0,4}} b?{QUOTE} ) [^"'\\\r\n]+""",
        *("auth", "credential"),
    ),
    surrounded(
        "a user and a password in npm's and Docker's settings",
        rf"""(?P<name> (?: (?<![A-Za-z0-9]) _auth {SPACE} = | (?<=["']) auth {QUOTE} {SPACE} : ) {SPACE} {QUOTE}? )
             [A-Za-z0-9+/_-]{{12,}}={{0,2}}""",
        *("_auth", "auth"),
    ),
    surrounded(
        "a value under the name token",
        rf"""(?P<name> \b token (?: [_-]? \d{{1,2}} )?
            (?: {EQUALS} | {QUOTE}{SPACE},{SPACE} (?=b?{QUOTE} (?-i:{LOOKS_MADE})) )
            (?: b?{QUOTE} | (?-i:{LOOKS_MADE}) ) ) [A-Za-z0-9._~+/-]{{8,}}=*""",
        "token",
    ),
)

BEHEADED = re.compile(rf"\A[^-]+-----END {_PEM}")
"""The end of a private key whose beginning was cut off."""

WORDS: tuple[str, ...] = (
    *(
        "token",
        "pass",
        "secret",
        "key",
        "auth",
        "cookie",
        "bearer",
        "basic",
        "sig",
        "://",
        "%3a",
        "%253a",
        "%25253a",
        "session",
        "pwd",
        "jwt",
        "@",
    ),
    *("credential", "private", "client_a", "code=", "x-amz", "x-goog", "-u", "-p", "-cli"),
    *("identified", "<morsel", "passcode", "pin is", "pin was", "sess", "state=", "state%", "nonce", "code_verifier"),
)
"""Every text with a secret recognized by its context contains one of these, in any case."""
