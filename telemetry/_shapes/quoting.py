"""Parts of expressions that find a secret by its context, however often that was quoted on its way out."""

from __future__ import annotations

import re

from telemetry._shapes.shape import REDACTED, Shape

ESCAPED_QUOTE = r"""(?: \\{1,32} ["'] | (?: %5[Cc] ){0,32} %2[27] | &(?: quot | apos | \#(?: 34 | 39 | x22 | x27 ) ); )"""
QUOTE = rf"""(?: ["'] | {ESCAPED_QUOTE} )"""
SPACE = r"(?: \s | \+ | %20 ){0,4}"
BLANK = r"(?: [ \t] | \\{1,32} t )"
LINE_END = r"(?: \r? \n | (?: \\{1,32} r )? \\{1,32} n )"
COLUMN = rf"{BLANK}{{0,32}}+ {SPACE}"
"""What sets names and values in columns."""
EQUALS = rf"""(?: {QUOTE}? {COLUMN} (?: => | -> | := | ={{1,3}} | : | %(?:25){{0,3}}3[DdAa] ) {COLUMN} )"""
ASSIGNED = rf"""
    (?: {EQUALS} (?P<list> [\[(] {SPACE} (?= b? {QUOTE} ) )?
      | {QUOTE} {SPACE} , {SPACE} b? {QUOTE} value {QUOTE} {SPACE} : {SPACE}
      | {QUOTE} \s{{1,4}} (?: [\w-]{{1,32}} = {QUOTE} [^"'<>]{{0,64}} {QUOTE} \s{{1,4}} ){{0,4}} value {SPACE} = {SPACE}
      | {QUOTE} (?: \r\n | \\{{1,32}} r \\{{1,32}} n ){{2}}
      | {QUOTE} {SPACE} , {SPACE} (?= b? {QUOTE} ) (?! b? {QUOTE} [^"'\\]{{0,64}} {QUOTE} {SPACE} : ) )
"""
QUOTED = r"""
    (?: (?P<quote> b? (?: (?: ESCAPED_QUOTE ){3} | ESCAPED_QUOTE | "{3} | '{3} )) (?: (?! (?<!\\) (?P=quote) ) [^\r\n] )+
      | (?P<double> b?") (?: [^"\\\r\n] | \\. )+
      | (?P<single> b?') (?: [^'\\\r\n] | \\. )+ )
""".replace("ESCAPED_QUOTE", ESCAPED_QUOTE)
REST_OF_LIST = rf"""(?(list) (?: {QUOTE} \s{{0,4}} , \s{{0,4}} b?{QUOTE} [^"'\\\r\n]* ){{0,64}} )"""
PARAMETERS = r"""(?: [^\r\n"'\\] | (?<=;) \r?\n [ \t] | (?<==) \\{0,32} " [^"\r\n]* " )+"""
NO_SECRET = rf"""(?: [=:>\s]{{0,4}}
    (?: (?: none|null|nil|undefined|true|false | str|bytes|int|bool|optional\[str\] | read|write )
        (?= [.:]? (?: [\s,;&)}}\]|"'\\] | \Z ) )
      | b? {QUOTE}? (?: \*{{3,}} | \$?\{{\{{ [^{{}}\r\n]{{1,80}} \}}\}} | \$\{{ [^{{}}\r\n]{{1,80}} \}}
          | \{{% [^{{}}\r\n]{{1,80}} %\}} | %\(\w{{1,80}}\)s ) (?= [\s,;&)}}\]"'\\] | \Z ) ) )"""
"""Placeholders for a secret: none, its type, a template's variable, or an already masked one."""
SLUG = r"(?:[a-z]{2,20}|[A-Z]{2,20}|v?\d{1,6})(?:[_-](?:[a-z]{2,20}|[A-Z]{2,20}|v?\d{1,6})){1,32}(?![A-Za-z0-9_-])"
"""Words and short numbers, as in a branch name: `sk-1234-fix-login`, `closed_2026_01`."""
LOOKS_MADE = r"(?=[A-Za-z.~+/_-]{0,200}?(?:[0-9=]|[a-z][A-Z]))"


def keep_name(found: re.Match[str]) -> str:
    """Return what precedes a secret, followed by its replacement."""
    return f"{found['name']}{REDACTED}"


def surrounded(name: str, pattern: str, *starts: str) -> Shape:
    """Return a case-insensitive shape whose `pattern` has what precedes the secret as its group `name`."""
    compiled = re.compile(pattern, re.IGNORECASE | re.VERBOSE)
    return Shape(name=name, pattern=compiled, starts=starts, replacement=keep_name)
