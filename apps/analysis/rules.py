"""The marks that identify an AI tool: trailers it writes, accounts it uses, sentences it leaves in descriptions.

Every pattern is a PostgreSQL regular expression, matched case-insensitively. A pull request that merely mentions a tool
must not match, so trailers and sentences are matched exactly as the tool writes them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """One tool's marks: `text` matches commit messages and descriptions, `login` the logins of its accounts.

    `words` are lower-case substrings, one of which every match of `text` contains. Texts without any are never matched
    against the pattern, which is what makes the analysis of long texts fast.
    """

    tool: str
    words: tuple[str, ...]
    text: str
    login: str = "(?!)"
    """Matches nothing by default: most tools have no account of their own."""


_TRAILER = r"(^|\n)\s*(co-authored-by|assisted-by|generated-by|ai-assisted-by):[^\n]*"

RULES: tuple[Rule, ...] = (
    Rule(
        "Claude Code",
        ("claude", "anthropic"),
        rf"{_TRAILER}(\mclaude\M|noreply@anthropic\.com)|generated with \[?claude code",
        r"^claude(\[bot\])?$",
    ),
    Rule(
        "GitHub Copilot",
        ("copilot",),
        rf"{_TRAILER}(\mcopilot\M|github-copilot)",
        r"^(copilot|copilot-swe-agent)(\[bot\])?$",
    ),
    Rule(
        "Cursor",
        ("cursor",),
        rf"{_TRAILER}(cursoragent|cursor agent|@cursor\.(com|sh))|made with \[?cursor\M",
        r"^cursor(agent)?(\[bot\])?$",
    ),
    Rule(
        "Codex",
        ("codex", "@openai.com"),
        rf"{_TRAILER}(\mcodex\M|@openai\.com)|chatgpt\.com/codex/tasks/",
        r"^(chatgpt-codex-connector|codex)(\[bot\])?$",
    ),
    Rule(
        "Devin", ("devin",), rf"{_TRAILER}devin-ai-integration|app\.devin\.ai/sessions/", r"^devin-ai-integration(\[bot\])?$"
    ),
    Rule("aider", ("aider",), rf"{_TRAILER}\maider\M"),
    Rule("Gemini", ("gemini",), rf"{_TRAILER}\mgemini(-cli|-code-assist)?\M", r"^gemini-code-assist(\[bot\])?$"),
    Rule("Jules", ("jules",), rf"{_TRAILER}google-labs-jules|jules\.google\.com/task", r"^google-labs-jules(\[bot\])?$"),
    Rule("Windsurf", ("windsurf",), rf"{_TRAILER}\mwindsurf\M"),
    Rule("Amp", ("ampcode",), rf"{_TRAILER}amp@ampcode\.com|ampcode\.com/threads/"),
)
