"""Tokens recognizable by themselves: the prefixes that each vendor uses.

GitHub (https://docs.github.com/authentication/keeping-your-account-and-data-secure/about-authentication-to-github), GitLab
(https://docs.gitlab.com/security/tokens/#token-prefixes), Slack (https://api.slack.com/authentication/token-types), AWS
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html), Stripe (https://docs.stripe.com/keys), and
GitHub's list of what it scans for (https://docs.github.com/code-security/secret-scanning/introduction/supported-secret-scanning-patterns).
"""

from __future__ import annotations

import re

from telemetry._shapes.quoting import SLUG
from telemetry._shapes.shape import REDACTED, Shape

START = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrtbf])|(?<=%[0-9A-Fa-f]{2})|(?<=\\x[0-9a-f]{2})|(?<=\\u[0-9a-f]{4}))"
"""Where a word begins, also after an escaped character of a quotation: `\\nAKIA…`, `%3DAKIA…`."""


def _token(name: str, pattern: str, *starts: str) -> Shape:
    return Shape(name=name, pattern=re.compile(START + pattern), starts=starts)


TOKENS: tuple[Shape, ...] = (
    Shape(
        name="GitHub",  # tokens of installations may carry a JWT, hence the dots
        pattern=re.compile(r"(?:gh[pousr]_[A-Za-z0-9_.-]{10,}|github_pat_[A-Za-z0-9_]{10,})"),
        starts=("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    ),
    _token("GitHub's installations before 2021", r"(?i:v1\.[0-9a-f]{40})", "v1."),
    _token("GitLab", r"gl(?:pat|ptt|rtr?|dt|oas|cbt|ft|wt|imt|soat|agent|ffct)-[A-Za-z0-9_.-]{16,}", "gl"),
    _token("Slack", r"x(?:ox[a-z]|app)[.-][A-Za-z0-9.-]{10,}", "xox", "xapp-"),
    Shape(
        name="webhooks of Slack, Discord and Microsoft",
        pattern=re.compile(
            r"(hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/|discord(?:app)?\.com/api/webhooks/"
            r"|webhook\.office\.com/webhookb2/)[A-Za-z0-9@/_-]{10,}"
        ),
        starts=("hooks.slack", "discord", "webhook.office"),
        replacement=rf"\1{REDACTED}",
    ),
    _token("AWS", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16,24}(?![A-Za-z0-9])", "akia", "asia", "abia", "acca"),
    _token(
        "OpenAI and Anthropic",
        rf"(?:sk|sess)-(?!{SLUG})(?=[A-Za-z_-]{{0,80}}(?:[0-9]|[a-z][A-Z])|[A-Za-z_-]{{0,32}}[a-z]{{24}})[A-Za-z0-9_-]{{20,}}",
        "sk-",
        "sess-",
    ),
    _token("Stripe", r"(?:[rs]k_(?:live|test)|whsec)_[A-Za-z0-9]{10,}", "sk_", "rk_", "whsec_"),
    _token(
        "Google",
        r"(?:AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_-]{10,}|GOCSPX-[A-Za-z0-9_-]{20,}|1//0[A-Za-z0-9_-]{30,})",
        *("aiza", "ya29.", "gocspx-", "1//0"),
    ),
    _token("npm", r"npm_[A-Za-z0-9]{20,}", "npm_"),
    _token("PyPI", r"pypi-Ag[A-Za-z0-9_-]{16,}", "pypi-ag"),
    _token(
        "Groq, xAI, Replicate, Heroku, Mailgun and Doppler",
        r"(?:gsk_|xai-|r8_|HRKU-AA|key-|dp\.(?:pt|st|ct|sa)\.)(?=[A-Za-z_-]{0,80}[0-9])[A-Za-z0-9_]{32,}",
        *("gsk_", "xai-", "r8_", "hrku-", "key-", "dp."),
    ),
    _token("Bitbucket", r"AT(?:BB[A-Za-z0-9]{24,}|CTT3xFf[A-Za-z0-9_=-]{20,})", "atbb", "atctt3xff"),
    Shape(name="Azure", pattern=re.compile(r"(?<=[A-Za-z0-9_~.-]{3}\d)Q~[A-Za-z0-9_~.-]{31,34}"), starts=("q~",)),
    Shape(name="HashiCorp", pattern=re.compile(r"(?<=\.)atlasv1\.[A-Za-z0-9_-]{40,}"), starts=("atlasv1.",)),
    _token("Docker", r"dckr_[a-z]{2,8}_[A-Za-z0-9_-]{20,}", "dckr_"),
    _token("Hugging Face", r"hf_[A-Za-z0-9]{30,}", "hf_"),
    _token("SendGrid", r"SG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,}", "sg."),
    _token("DigitalOcean", r"do[opr]_v1_[0-9a-f]{64}", "dop_", "doo_", "dor_"),
    _token("Shopify", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}", "shp"),
    _token("Vault", r"hv[sbr]\.[A-Za-z0-9_-]{24,}", "hvs.", "hvb.", "hvr."),
    _token("Databricks", r"dapi[0-9a-f]{32}(?![A-Za-z0-9])", "dapi"),
    _token("Linear", r"lin_(?:api|oauth)_[A-Za-z0-9]{32,}", "lin_"),
    _token("Telegram", r"(?:bot)?\d{8,10}:AA[A-Za-z0-9_-]{33}(?![A-Za-z0-9_-])", "bot"),
    _token(
        "Figma, Supabase and Notion",
        r"(?:fig[dou]r?_|sb[ps]_|ntn_)(?=[A-Za-z_-]{0,80}[0-9])[A-Za-z0-9_-]{24,}",
        "fig",
        "sbp_",
        "sbs_",
        "ntn_",
    ),
    _token("Tailscale", r"tskey-[a-z]+-[A-Za-z0-9-]{16,}", "tskey-"),
    _token("Atlassian", r"ATATT3xFf[A-Za-z0-9_=-]{20,}", "atatt3xff"),
    _token("Sentry and Grafana", r"(?:sntry[su]_|gl(?:sa|c)_)[A-Za-z0-9_+/=.-]{24,}", "sntry", "glsa_", "glc_"),
    _token("Postman and New Relic", r"(?:PMAK|NRAK)-[A-Za-z0-9-]{24,}", "pmak-", "nrak-"),
    _token("RubyGems and Pulumi", r"(?:rubygems_|pul-)[0-9a-f]{40,}", "rubygems_", "pul-"),
    _token("PlanetScale", r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.-]{24,}", "pscale_"),
    _token("age", r"AGE-SECRET-KEY-1[A-Z0-9]{20,}", "age-secret-key-1"),
    Shape(
        name="JWT",
        pattern=re.compile(
            r"(?:(?<![A-Za-z0-9_-])|(?<=\\[nrt])|(?<=%[0-9A-F]{2}))eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?"
        ),
        starts=("eyj",),
    ),
)
"""Every text with a token contains a run of fourteen letters, digits, `_`, `-`, `.`, `/` or `:`."""
