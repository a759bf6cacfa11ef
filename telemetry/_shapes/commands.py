"""Secrets on command lines: options named for them, and commands with other options for them."""

from __future__ import annotations

from telemetry._shapes.quoting import BLANK, LINE_END, LOOKS_MADE, QUOTE, SPACE, surrounded
from telemetry._shapes.shape import Shape

COMMANDS: tuple[Shape, ...] = (
    surrounded(
        "an option of a command",
        rf"""(?P<name> (?<![\w-]) \s? --? (?:[a-z0-9]{{1,32}}[_-]){{0,4}} (?: [a-z]{{1,16}} (?= pass[wp] ) )?
             (?: password|passwd|passphrase|pass|pwd|pw|token|secret|credentials?
               | (?:api|access|secret|private|auth)[_-]?key )
             (?: {BLANK}{{0,32}}+ (?: (?<=[ \t]) | (?<=\\t) | = | \\{{1,32}} {LINE_END} ) {BLANK}{{0,32}}+
               | {QUOTE}{SPACE},{SPACE} (?=b?{QUOTE}) ) (?: b?{QUOTE} )? )
             (?! -- ) (?: (?<=") [^"\r\n]* | (?<=') [^'\r\n]* | [^\s"'\\]+ )""",
        *("--", " -"),
    ),
    surrounded(
        "an option for a user and a password",
        rf"""(?P<name> (?<![\w-]) --(?:http-|proxy-)?auth [ =]{{1,4}} ["']? ) (?: [^\s:"']{{1,128}} : [^\s"']+
             | (?-i:{LOOKS_MADE}) [^\s"']{{8,}} )""",
        *("--auth", "--http-auth", "--proxy-auth"),
    ),
    surrounded(
        "a password of curl",
        r"""(?P<name> (?: (?<=\s) -u | --(?:proxy-)?user ) [ =]{0,4} ["']? (?! \d+:\d+ ) [^\s:"']{1,128} : )
            (?!//) [^\s"']+""",
        *("-u", "--user", "--proxy-user"),
    ),
    surrounded(
        "a password of a command",
        r"""(?P<name> (?: (?:mysql|mariadb|sshpass|mongo|docker\ login) [^\r\n|;&]{0,120}? \s (?-i:-p)
            | (?:redis|valkey)-cli [^\r\n|;&]{0,120}? \s (?-i:-a) ) \s{0,4} ["']? ) [^\s"']+""",
        *("mysql", "mariadb", "sshpass", "mongo", "docker login", "redis-cli", "valkey-cli"),
    ),
)
