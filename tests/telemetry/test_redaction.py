"""Secrets are known by their shape, however often they were quoted on their way; what only looks like one stays."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from time import process_time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry import redaction
from telemetry._shapes import SURROUNDED, TOKENS
from telemetry.redaction import REDACTED, add_shapes, is_secret_name, redact
from tests.telemetry.canary import CANARY, SECRETS

QUOTINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "inside a sentence": lambda secret: f"GitHub said no to {secret} (401)",
    "repr": repr,
    "repr of a repr": lambda secret: repr([repr(secret)]),
    "an exception's repr": lambda secret: repr(RuntimeError(f"no: {[secret]}")),
    "JSON": json.dumps,
    "JSON in JSON": lambda secret: json.dumps({"body": json.dumps({"text": secret})}),
    "a URL's parameter": lambda secret: f"https://host/path?q={quote(secret, safe='')}&page=2",
    "a form": lambda secret: f"q={quote_plus(secret)}&page=2",
}


@pytest.mark.parametrize("quoting", QUOTINGS)
def test_a_secret_is_taken_out_in_every_quoting(quoting: str) -> None:
    """Of every shape, alone and all together."""
    said = QUOTINGS[quoting]
    assert [secret for secret in SECRETS if CANARY in redact(said(secret))] == []
    assert CANARY not in redact(said(" ".join(SECRETS)))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"https://user:{CANARY}@example.org/a", f"https://{REDACTED}@example.org/a"),
        (f"GET /user?access_token={CANARY}&page=2", f"GET /user?access_token={REDACTED}&page=2"),
        (f'{{"client_secret": "{CANARY}", "page": 2}}', f'{{"client_secret": "{REDACTED}", "page": 2}}'),
        (f"{{'password': '{CANARY}', 'page': 2}}", f"{{'password': '{REDACTED}', 'page': 2}}"),
        (f"token ghp_{CANARY}0123456789 is bad", f"token {REDACTED} is bad"),
        (f"-----BEGIN RSA PRIVATE KEY-----\n{CANARY}\n-----END RSA PRIVATE KEY-----\nbye", f"{REDACTED}\nbye"),
        (
            f"https://h/?next=https%3A%2F%2Fuser%3A{CANARY}%40example.org%2Fa",
            f"https://h/?next=https%3A%2F%2F{REDACTED}%40example.org%2Fa",
        ),
        (rf'"{{\"access_token\": \"{CANARY}\", \"page\": 2}}"', rf'"{{\"access_token\": \"{REDACTED}\", \"page\": 2}}"'),
    ],
)
def test_what_surrounds_a_secret_stays(text: str, left: str) -> None:
    """It helps whoever reads."""
    assert redact(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "",
        "libuv/libuv",
        "github/docs",
        "octo-org/token-bucket",
        "octo-org/basic_auth",
        "git@github.com:octo-org/repo.git",
        "https://github.com/octo-org/repo/pull/7?tab=files",
        "https://pypi.org/project/requests/@latest",
        "https://api.github.com/repos/{owner}/{repo}",
        "basic authentication is required",
        "Bearer tokens are not accepted here",
        "unexpected token: x",
        "the token expired",
        "a passing build, a monkey, a keyboard",
        "sync.api.graphql",
        "apps.integrations.tasks.sync_repository[8f14e45f-ceea-467f-9d2a-3c1a3b7b0a11]",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "9b74c9897bac770ffc029102a200c5de8b0a4a3e",
        "KeyError: 'team_id'",
        "primary key violated: key (id)=(12) exists",
        "node_id=MDExOlB1bGxSZXF1ZXN0MQ==",
        "100%40 of 5",
        "ghost_town",
        "merge of 9b74c9897bac770ffc029102a200c5de8b0a4a3e into main",
        "http://127.0.0.1:8000/path?mail=a@b.example",
        "v1.2.3",
        "the cookie banner, a tokenizer, asia and europe",
        "sk-learn and task-runner-with-a-long-name",
        "password reset by e-mail",
        "--no-password-check",
        "Add basic Psycopg3Connector docs",
        "Add basic Psycopg3Cursors docs",
        "renovate/pypi-django-vulnerability",
        "https://github.com/octo-org/tokenizer/commit/9b74c9897bac770ffc029102a200c5de8b0a4a3e",
        "fix the token-bucket (9b74c9897bac770ffc029102a200c5de8b0a4a3e)",
        "unexpected token: identifier",
        'A team is {"slug", "token", "repositories"}',
        "{'key': 'password', 'rule': 'required'}",
        'password=""',
        "http://127.0.0.1:8000/path/a@b",
        "redis://host:6379/0 and mail to a@b.example",
        "docker run -p 8080:80 -u 1000:1000 image",
        "sig=1",
        "the password is required, the token is expired, the pin is 1234",
        "/repos/octo-org/repo/pulls?state=closed&page=2",
        "state=primary_limit_waiting_now and session=3",
        "http --auth basic host",
        "return code=0",
        "a co-pilot's re-use of mongo -h host",
        "cc:ada@example.org, and mailto:ada@example.org",
        "npm:react@18.2.0/index.js of python:3.11@sha256:9b74c9897bac770ffc029102a200c5de8b0a4a3e",
        "PWD=/home/ann9/work, pass=3, pass: 17/17, pass: 0.25s, 12 pass, 3 fail",
        "pass: everything, a pass-through: yes, the access key is F5",
        "('keys', 3) at 12:30, see git@github.com:octo-org/repo.git",
        '{"url":"redis://host:6379","mail":"a@b.example"}',
        "{'password': None, 'token': None, 'secret': False}, password=None, api_key = null; client_secret=undefined",
        '{"password": null, "access_token": false}',
        "if password == None or self.password == None: raise",
        "def login(user: str, password: str, api_key: str | None = None, secret: bytes) -> Token:",
        "password: ${DB_PASSWORD}, password=***, GITHUB_TOKEN: ${{ secrets.GITHUB_TOKEN }}, password = '%(password)s'",
        "csrf_token: {% csrf_token %} api_key={{ key }}",
        "permissions: id-token: write",
        "Cookie: fix banner",
        "docs: cookies: explain SameSite",
        "set-cookie: keep order; cookies: 3 of 4 rejected, then it failed with 500",
        "cookie=False, cookies=None",
        "ssh://git@github.com:22/octo-org/repo.git and git+ssh://git@github.com/octo-org/repo",
        "docker://alpine:3.19@sha256:9b74c9897bac770ffc029102a200c5de8b0a4a3e",
        "sk-1234-fix-login-of-users, feature/sess-1234-something-very-long, SK-2024-01-15",
        "state=closed_2026_01_01_merged, session=planning-2026-01-15-notes, ?state=MERGED_OR_CLOSED_2026",
        "mysql -h host -P 3306 -u ann",
        "['redis://host:6379','a@b.example']",
        "a bearer of 2 flags, bearer: none, auth: SAML, auth=required, auth=('oidc')",
        "a handler(worker, sig='SIGTERM', how='Warm'), signature: verified, {'sig': 'SIGTERM'}",
        "git+ssh://git@host/repo.git@v1, sk-internationalization-of-the-texts",
        'the field "password"\n\nThen the next paragraph',
        "a key-0123-of-words, xai-and-groq-models, gsk_ and r8_ names",
        "the error 'no password' ' or token', 'the password is ' + value, the API key rotation-for-2026-customers",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    """Names, ids, addresses and sentences are no secrets."""
    assert redact(text) == text


_HEX = "0123456789abcdef0123456789abcdef01234567"
_MADE = "Zx9" * 12

OF_VENDORS = {
    "GitHub's user tokens before 2021": f"Bad credentials for {_HEX}",
    "GitHub's installation tokens before 2021": f"v1.{_HEX}",
    "GitLab": f"glpat-{_MADE[:20]}",
    "GitLab's triggers": f"glptt-{_MADE[:20]}",
    "GitLab's runners": f"glrt-{_MADE[:20]}",
    "Slack's bots": f"xoxb-1234567890-{_MADE}",
    "Slack's users": f"xoxp-1234567890-{_MADE}",
    "Slack's applications": f"xapp-1-A0-{_MADE}",
    "Slack's webhooks": f"https://hooks.slack.com/services/T0/B0/{_MADE}",
    "AWS's key ids": "AKIAIOSFODNN7EXAMPLE",
    "AWS's temporary key ids": "ASIAIOSFODNN7EXAMPLE",
    "AWS's keys": "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "OpenAI": f"sk-{_MADE}",
    "OpenAI's projects": f"sk-proj-{_MADE}",
    "Anthropic": f"sk-ant-api03-{_MADE}",
    "Stripe": f"sk_live_{_MADE}",
    "Stripe's restricted keys": f"rk_live_{_MADE}",
    "Stripe's test keys": f"sk_test_{_MADE}",
    "Stripe's webhooks": f"whsec_{_MADE}",
    "Google's API keys": f"AIza{_MADE[:35]}",
    "Google's access tokens": f"ya29.{_MADE}",
    "Google's client secrets": f"GOCSPX-{_MADE[:28]}",
    "npm": f"npm_{_MADE}",
    "PyPI": f"pypi-AgEIcHlwaS5vcmc{_MADE}",
    "a cookie": f"Cookie: theme=dark; sid={_MADE}",
    "a cookie that is set": f"Set-Cookie: sid={_MADE}; Path=/; HttpOnly",
    "cookies in a mapping": f"{{'Cookie': 'sid={_MADE}'}}",
    "an option": f"psql --password {_MADE} --host db",
    "an option with an equals sign": f"deploy --api-key={_MADE}",
    "an option of several words": f"run --github-token {_MADE}",
    "a password with a slash": f"postgresql://ann:a/b{_MADE}@db:5432/app",
    "pairs of names": repr([("password", "hunter2" + _MADE), ("token", _MADE)]),
    "a password without a scheme": f"psql ann:{_MADE}@db:5432",
    "a password without a scheme, before a path": f"mysql+ann:{_MADE}@10.0.0.5/app",
    "a password of a kind of its own": f"DSN=ann:hunter{_MADE[:3]}!@db.example/app",
    "a signature of AWS": f"https://b.s3.amazonaws.com/k?X-Amz-Date=1&X-Amz-Signature={_MADE}&x=1",
    "a credential of AWS": f"https://b.s3.amazonaws.com/k?X-Amz-Credential={_MADE}%2F20260101&x=1",
    "a session of AWS": f"https://b.s3.amazonaws.com/k?X-Amz-Security-Token={_MADE}",
    "a signature of Azure": f"https://a.blob.core.windows.net/c?sv=2024&sig={_MADE}%3D&se=2026",
    "a signature of Google": f"https://storage.googleapis.com/b/o?X-Goog-Signature={_MADE}",
    "a signature in a quoted URL": f"next=https%3A%2F%2Fb%2Fk%3FX-Amz-Signature%3D{_MADE}",
    "a signature at the beginning": f"sig={_MADE}&se=2026",
    "a signature in HTML": f"https://a.blob/c?sv=1&amp;sig={_MADE}",
    "a code of OAuth": f"GET /callback?code={_MADE}&page=2",
    "a session id": f"sessionid={_MADE}",
    "a user token of GitHub's in a parameter": f"?access_token={_HEX}",
    "a password with a slash after digits": f"postgresql://ann:12/{_MADE}@db:5432/app",
    "a password after an escaped line end": "failed\\nAKIAIOSFODNN7EXAMPLE",
    "a token after an escaped letter": f"state%3Dxoxb-1-{_MADE}",
    "names of two words": json.dumps({"clientSecret": _MADE, "accessToken": _MADE, "privateKey": _MADE, "authKey": _MADE}),
    "keys of ours": f"SYNCTRACE_ENCRYPTION_KEYS={_MADE}",
    "a password by its short name": f"DB_PASS={_MADE}",
    "a connection string": f"Server=db;Uid=sa;Pwd={_MADE};",
    "a passcode": f"passcode: {_MADE}",
    "a token of Django's forms": f"csrfmiddlewaretoken={_MADE}",
    "a list under a secret's name": str({"passwords": [_MADE, _MADE]}),
    "a pair": str(("Authorization", _MADE)),
    "pairs of a server": str([(b"authorization", f"Bearer {_MADE}".encode()), (b"cookie", f"sid={_MADE}".encode())]),
    "a name and its value": str([{"name": "Authorization", "value": _MADE}]),
    "cookies in a list": str({"set-cookie": [f"sid={_MADE}", f"b={_MADE}"]}),
    "a quoted cookie": f'Cookie: a=b; sid="{_MADE}"; c=d',
    "a digest": f'Authorization: Digest username="ann", response="{_MADE}"',
    "a scheme of AWS": f"Authorization: AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature={_MADE}",
    "an API key as a scheme": f"Authorization: ApiKey {_MADE}",
    "XML": f"<login><password>{_MADE}</password></login>",
    "Go": f"password := {_MADE}",
    "arguments": str(["psql", "--password", _MADE]),
    "arguments in JSON": json.dumps(["deploy", "--secret-key", _MADE]),
    "an option with one dash": f"consul -token {_MADE}",
    "curl": f"curl -u ann:{_MADE} https://host/",
    "curl at length": f"curl --user ann:{_MADE} https://host/",
    "mysql": f"mysqldump -u root -p{_MADE} app",
    "sshpass": f"sshpass -p {_MADE} ssh host",
    "docker": f"docker login -u ann -p {_MADE} registry",
    "redis-cli": f"redis-cli -h host -a {_MADE}",
    "PuTTY": f"PuTTY-User-Key-File-2: ssh-rsa Private-Lines: 1 {_MADE}",
    "Hugging Face": f"hf_{_MADE}",
    "SendGrid": f"SG.{_MADE[:22]}.{_MADE}",
    "Docker Hub": f"dckr_pat_{_MADE}",
    "Vault": f"hvs.{_MADE}",
    "Telegram": f"https://api.telegram.org/bot123456789:AA{_MADE[:33]}/getMe",
    "a sentence": f"the password is {_MADE}.",
    "a sentence about a key": f"Your API key was '{_MADE}'",
    "a session": f"session={_MADE}; Path=/",
    "a state of OAuth": f"GET /callback?state={_MADE}&page=2",
    "a nonce in a quoted URL": f"next=https%3A%2F%2Fb%2Fk%3Fnonce%3D{_MADE}",
    "a user and a password as an option": f"http --auth ann:{_MADE} host",
    "a password by its name in a shell": f"PWD={_MADE}",
    "a password by half its name": f"user=ann pass={_MADE}",
    "half a name in JSON": json.dumps({"user": "ann", "pass": _MADE}),
    "a name with a blank": f"secret key: {_MADE}, API key: {_MADE}",
    "an account's key": f"AccountName=a;AccountKey={_MADE}{_MADE}==;EndpointSuffix=core.windows.net",
    "Figma": f"figd_{_MADE}",
    "Supabase": f"sbp_{_HEX}",
    "Notion": f"ntn_{_MADE}",
    "Tailscale": f"tskey-auth-{_MADE}",
    "Atlassian": f"ATATT3xFfGF0{_MADE}",
    "Sentry": f"sntrys_{_MADE}",
    "Grafana": f"glsa_{_MADE}",
    "Postman": f"PMAK-{_MADE}",
    "New Relic": f"NRAK-{_MADE[:27]}",
    "RubyGems": f"rubygems_{_HEX}01234567",
    "Pulumi": f"pul-{_HEX}",
    "PlanetScale": f"pscale_tkn_{_MADE}",
    "Discord's webhooks": f"https://discord.com/api/webhooks/1/{_MADE}",
    "Slack's webhooks for governments": f"https://hooks.slack-gov.com/services/T0/B0/{_MADE}",
    "Microsoft's webhooks": f"https://acme.webhook.office.com/webhookb2/{_MADE}@{_MADE}/IncomingWebhook/{_MADE}/1",
    "a scheme that nobody knows": f"Authorization: GenieKey {_MADE}",
    "a scheme of Django's": f"Authorization: JWT {_MADE}",
    "a scheme and an account": f"Authorization: SharedKey ann:{_MADE}",
    "a scheme and a parameter": f'Authorization: Token token="{_MADE}"',
    "a scheme without its header": f'sent Bearer "{_MADE}"',
    "a scheme as a name": f"bearer={_MADE}, or Bearer: {_MADE}",
    "cookies in a mapping of a mapping": str({"cookies": {"sid": _MADE, "b": "2"}, "n": 1}),
    "cookies in a list of mappings": str({"cookies": [{"name": "sid", "value": _MADE}, {"name": "b", "value": _MADE}]}),
    "cookies of requests": f"<RequestsCookieJar[<Cookie sid={_MADE} for a.example/>, <Cookie b={_MADE} for a.example/>]>",
    "cookies of the standard library": f"<SimpleCookie: b='1' sid='{_MADE}'>, <Morsel: sid={_MADE}; Path=/>",
    "a password with a quote": f'postgresql://ann:a"{_MADE}@db:5432/app',
    "a password with an apostrophe": f"amqp://ann:{_MADE}'{_MADE}@mq/app",
    "a user's password in HTTP with a quote": f'https://ann:a"{_MADE}@host/app',
    "a password in SQL": f"ALTER ROLE ann WITH PASSWORD '{_MADE}'",
    "a password in MySQL": f"CREATE USER ann IDENTIFIED WITH caching_sha2_password BY '{_MADE}'",
    "a password in a sentence, quoted": f"got password '{_MADE}' for ann",
    "a password of MySQL in a variable": f"MYSQL_PWD={_MADE} mysql",
    "a password in a pair": f"get(url, auth=('ann', '{_MADE}'))",
    "a password in a pair of bytes": f"credentials=(b'ann', b'{_MADE}')",
    "a password in a pair's class": f"HTTPBasicAuth('ann', '{_MADE}')",
    "npm's settings": f"//registry.example/:_auth={_MADE}",
    "Docker's settings": json.dumps({"auths": {"registry.example": {"auth": _MADE}}}),
    "an option behind a tab": f"psql --password\t{_MADE}",
    "an option on the next line": f"deploy --password \\\n    {_MADE}",
    "an option in a column": f"--password             {_MADE}",
    "an option with underscores": f"deploy --db_password {_MADE} --api_key {_MADE}",
    "an option in one word": f"deploy --dbpassword {_MADE}",
    "settings in columns": f"password            = {_MADE}\napi_key\t\t\t\t\t:\t{_MADE}",
    "a long string": f"password = \"\"\"{_MADE}\"\"\", secret = '''{_MADE}'''",
    "HTML's entities": f"{{&quot;password&quot;: &quot;{_MADE}&quot;, &#x27;api_key&#x27;: &#x27;{_MADE}&#x27;}}",
    "a field of a form in HTML": f'<input name="password" type="text" value="{_MADE}">',
    "a part of a form": f'Content-Disposition: form-data; name="password"\r\n\r\n{_MADE}\r\n--x',
    "a quote in JSON in JSON": json.dumps(json.dumps({"password": f'a"{_MADE}'})),
    "a numbered name": f"TOKEN_2={_MADE} SECRET_KEY_1={_MADE}",
    "a folded header": f"Authorization: Bearer\r\n {_MADE}",
    "a folded cookie": f"Cookie: a=b;\r\n sid={_MADE}",
    "a password with an @ and a slash": f"postgres://ann:a@b/{_MADE}@host/app",
    "an address that is quoted in part": f"redis%3A//%3A{_MADE}%40host/0",
    "an address that is quoted twice": f"redis%253A%252F%252Fann%253A{_MADE}%2540host%252F0",
    "a part of an address": f"SplitResult(scheme='https', netloc='ann:{_MADE}@db.example', path='/x')",
    ".netrc": f"machine github.com\nlogin ann\npassword {_MADE}",
    "a signature in JSON": json.dumps({"X-Amz-Signature": _MADE, "sig": _MADE, "signature": _MADE}),
    "a signature of OAuth": f'oauth_signature="{_MADE}"',
    "a session of somebody's": f"_gitlab_session={_MADE}; PHPSESSID={_MADE}",
    "a scheme as a name in JSON": json.dumps({"bearer": _MADE}),
    "GitHub's installation tokens in capitals": f"V1.{_HEX.upper()}",
    "OpenAI in small letters": f"sk-{'abcdefghijklmnopqrstuvwxyz'}{_MADE[:4]}, sk-proj-{'abcdefghijklmnopqrstuvwxyz' * 2}",
    "Google's API keys of any length": f"AIza{_MADE}{_MADE}",
    "Groq": f"gsk_{_MADE}{_MADE}",
    "xAI": f"xai-{_MADE}",
    "Replicate": f"r8_{_MADE}",
    "Heroku": f"HRKU-AA{_MADE}",
    "Mailgun": f"key-{_HEX[:32]}",
    "Doppler": f"dp.pt.{_MADE}",
    "Bitbucket": f"ATBB{_MADE[:28]}",
    "Azure": f"abc8Q~{_MADE[:34]}",
    "Terraform": f"ab1.atlasv1.{_MADE}{_MADE}",
    "XML with an attribute": f'<wsse:Password Type="text">{_MADE}</wsse:Password>',
    "XML with any characters": f"<password><![CDATA[{_MADE}]]></password>",
    "an API key in a sentence": f"Incorrect API key provided: {_MADE}.",
    "an API key without a verb": f"API key {_MADE} is invalid",
}


@pytest.mark.parametrize("quoting", ["plain", "inside a sentence", "repr", "JSON", "JSON in JSON"])
@pytest.mark.parametrize("vendor", OF_VENDORS)
def test_secrets_of_vendors_are_known(vendor: str, quoting: str) -> None:
    """By their documented prefixes, or by what stands before them."""
    left = redact(QUOTINGS[quoting](OF_VENDORS[vendor]))
    assert REDACTED in left
    assert not [
        secret for secret in (_HEX, _MADE, _MADE[:20], "IOSFODNN7EXAMPLE", "wJalrXUtnFEMI", "bPxRfiCY") if secret in left
    ]


@pytest.mark.parametrize("said", ["password: >-\n  {}", "db:\n  password: |\n    {}\n  host: db"])
def test_a_secret_below_its_name_is_known(said: str) -> None:
    """As YAML has it; what follows its line stays."""
    left = redact(said.format(_MADE))
    assert left == said.format(REDACTED)


@pytest.mark.parametrize(
    "said",
    [
        "token='{}'",
        "namespace(token='{}')",
        "{{'token': '{}', 'n': 1}}",
        '{{"token": "{}"}}',
        "(b'token': b'{}')",
        'token = "{}"',
    ],
)
def test_a_quoted_token_may_be_short(said: str) -> None:
    """Where the name is a field's: `unexpected token: 'x'` is not."""
    assert redact(said.format("hunter2")) == said.format(REDACTED)
    assert redact("unexpected token: 'x'") == "unexpected token: 'x'"


_ADDRESSES = [
    f"{scheme}://ann:{password}{CANARY}@host.example/app"
    for scheme in ("postgresql", "mysql+pymysql", "mongodb+srv", "amqps", "rediss", "smtp", "https")
    for password in ("a@b", "a:b", "a/b", "a#b", "a?b", "a'b", 'a"b', "a&b", "a%b", "12/b")
    if (scheme, password) != ("https", "12/b")  # there, a path behind a port may hold an @
]


@pytest.mark.parametrize("address", _ADDRESSES)
def test_a_password_in_an_address_may_have_any_character(address: str) -> None:
    """Encoded or not; what stands behind the host stays."""
    for quoting in QUOTINGS.values():
        left = redact(quoting(address))
        assert CANARY not in left
        assert "host.example" in left


_FERNET_KEYS = [base64.urlsafe_b64encode(bytes([number]) * 31 + b"\xff").decode() for number in (1, 90, 250)]

LISTS_OF_KEYS = {
    "a variable": f"SYNCTRACE_ENCRYPTION_KEY={','.join(_FERNET_KEYS)}",
    "a variable with blanks": f"SYNCTRACE_ENCRYPTION_KEYS={', '.join(_FERNET_KEYS)}",
    "words": f"none of the keys: {', '.join(_FERNET_KEYS)} fits",
    "a repr": f"keys = {_FERNET_KEYS!r}",
    "a repr of bytes": repr({"keys": [key.encode() for key in _FERNET_KEYS]}),
    "a secret's name": repr({"encryption_keys": tuple(_FERNET_KEYS)}),
    "JSON": json.dumps({"keys": _FERNET_KEYS}),
    "a pair": repr([("keys", _FERNET_KEYS)]),
    "a pair of a secret's name": repr([("encryption_keys", _FERNET_KEYS)]),
    "JSON of a secret's name": json.dumps({"passwords": _FERNET_KEYS, "n": 1}),
}


@pytest.mark.parametrize("form", LISTS_OF_KEYS)
def test_no_key_of_a_list_is_shown(form: str) -> None:
    """Neither the first, which stands beside the name, nor those behind it; what follows the list stays."""
    left = redact(LISTS_OF_KEYS[form])
    assert REDACTED in left
    assert [key for key in _FERNET_KEYS if key in left or key[:30] in left] == []
    assert not form.startswith("words") or left.endswith(" fits")


@pytest.mark.parametrize("password", ["s3cret", "s3cre7!", "s3cre7!!"])
def test_credentials_of_the_basic_scheme_are_known_by_their_colon(password: str) -> None:
    """Also without the equals signs that fill them up, in a text that does not say whose header it was."""
    encoded = base64.b64encode(f"ann:{password}".encode()).decode()
    for sent in (encoded, encoded.rstrip("=")):
        assert redact(f"sent Basic {sent}") == f"sent Basic {REDACTED}"


def test_what_equals_signs_fill_up_is_no_word_behind_basic() -> None:
    """Whether or not it has a colon in it: credentials may be made in other ways."""
    encoded = base64.b64encode(b"s3cret-of-ann").decode()
    assert encoded.endswith("==")
    assert redact(f"sent Basic {encoded}") == f"sent Basic {REDACTED}"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"Private-Lines: 2\n{_MADE}\n{_MADE}\nPrivate-MAC: 00", f"Private-Lines: 2\n{REDACTED}Private-MAC: 00"),
        (
            f"state={_MADE}&next=https%3a%2f%2fann:{_MADE}%40host%2fa",
            f"state={REDACTED}&next=https%3a%2f%2f{REDACTED}%40host%2fa",
        ),
        (f"\u0130stanbul: xoxb-1-{_MADE}, \u0130zmir: glpat-{_MADE}", f"\u0130stanbul: {REDACTED}, \u0130zmir: {REDACTED}"),
    ],
    ids=["over several lines", "in small letters", "behind a letter whose small one is longer"],
)
def test_a_secret_is_known_however_it_is_written(text: str, left: str) -> None:
    """And what follows it stays."""
    assert redact(text) == left


HIDING = ["\x1b[0m", "\x1b[1;32m", "\x1b[m", "\x1b[K", "\\x1b[35m", "\\u001b[0m", "\u200b", "\xad", "\ufeff", "\u202e", "\0"]


@given(st.data())
def test_a_secret_is_taken_out_whatever_hides_in_it(data: st.DataObject) -> None:
    """Colours of a terminal and characters that nobody sees may stand anywhere, also inside it or just before it."""
    secret = data.draw(st.sampled_from(SECRETS))
    said = f"GitHub said no to {secret} (401)"
    places = st.dictionaries(st.integers(0, len(said)), st.sampled_from(HIDING), min_size=1)
    for at, hiding in sorted(data.draw(places).items(), reverse=True):
        said = said[:at] + hiding + said[at:]
    shown = redact(said)
    for hiding in HIDING:
        shown = shown.replace(hiding, "")
    assert CANARY not in shown


@pytest.mark.parametrize("hiding", HIDING)
@pytest.mark.parametrize("vendor", OF_VENDORS)
def test_a_secret_in_colour_is_a_secret(vendor: str, hiding: str) -> None:
    """Each begins at a colour's end as it does at a blank."""
    secret = OF_VENDORS[vendor]
    assert redact(f"{hiding}{secret}{hiding}") != f"{hiding}{secret}{hiding}"


@pytest.mark.parametrize("text", ["\x1b[31mred\x1b[0m", "a\u200bb", r"C:\x1b[0m", "\u202eabc", "a\0b", r"\d+\["])
def test_what_hides_no_secret_stays(text: str) -> None:
    """It is made visible where it is shown, also beside a secret."""
    assert redact(text) == text
    assert redact(f"{text} password={CANARY}, {text}") == f"{text} password={REDACTED} {text}"


@pytest.mark.parametrize("secret", [*OF_VENDORS.values(), *SECRETS, *LISTS_OF_KEYS.values()])
def test_what_is_redacted_stays_as_it_is(secret: str) -> None:
    """Text goes through here more than once on its way."""
    once = redact(secret)
    assert redact(once) == once


def test_an_application_adds_shapes_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every match is taken out, also of texts that were looked at before."""
    monkeypatch.setattr(redaction._Known, "added", ())
    assert redact("badge 4711-ABCD") == "badge 4711-ABCD"
    add_shapes([r"\b\d{4}-[A-Z]{4}\b"])
    assert redact("badge 4711-ABCD") == f"badge {REDACTED}"
    with pytest.raises(ValueError, match=r"'\(' is not a regular expression: "):
        add_shapes(["("])


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("password", True),
        ("client_secret", True),
        ("X-Api-Key", True),
        ("access_token", True),
        ("http.request.header.authorization", True),
        ("HTTP_COOKIE", True),
        ("accessToken", True),
        ("clientSecret", True),
        ("dbPassword", True),
        ("passwords", True),
        ("authToken2", True),
        ("PGPASSWORD", True),
        ("dbpassword", True),
        ("GITHUBTOKEN", True),
        ("storage_key", True),
        ("password_confirmation", True),
        ("db_pass", True),
        ("sig", True),
        ("X-Goog-Signature", True),
        ("bearer", True),
        ("signature", False),
        ("bypass", False),
        ("privateKeyPem", True),
        ("SECRET_KEY_FALLBACKS", True),
        ("--api-key", True),
        ("tokens", False),
        ("token_count", False),
        ("secretary", False),
        ("key", False),
        ("primary_key", False),
        ("password_reset", False),
        ("input_tokens", False),
        ("compass", False),
    ],
)
def test_names_of_secrets(name: str, secret: bool) -> None:
    """The whole last word of a name says it."""
    assert is_secret_name(name) is secret


BEGINNINGS = sorted({start for shape in (*SURROUNDED, *TOKENS) for start in shape.starts})
RUBBISH = [
    *BEGINNINGS,
    *(
        "gh",
        "eyJ",
        "eyJ.",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN%20",
        "authorization: bearer ",
        "authorization: digest ",
    ),
    *("token=", "basic+", "access_token", "access_token=", 'access_token="', 'access_token=\\"', "access_token%3D%22"),
    *("%5C", "%5C%5C%22access_token", "\\", '\\"', "%3A%2F%2Fa%40", "key=", "password ", "--password ", "cookie: ", 'a="'),
    *("cookies={", "cookies: [{'a': 'b'}, {", "cookie: a", "<Cookie a=", "sk-1-ab", "state=ab-1", "api key ab-1", '://a:"b'),
    *(
        "identified by '",
        "identified with a by ",
        "password 'a",
        "auth=('a', '",
        "auth(",
        "'token': '",
        "token='a",
        "_auth=",
    ),
    *("%3A%2F%2Fa%3A%2F", "authorization: a ", 'authorization: token="', "bearer: '", "<password a", "<password><![CDATA["),
    *("password: |\n  ", "password=${a", "password={{", "cookie: ${a"),
    *("password=['", "password', '", "password>", "://a:", "://a:/", "token 0", "AKIA", "v1.0", " ", "a", "+", "mariadb-"),
]


@pytest.mark.parametrize("rubbish", RUBBISH)
def test_rubbish_costs_time_in_proportion_to_its_length(rubbish: str) -> None:
    """Eight times as much text costs nothing like sixty-four times as much, as an expression that backtracks would."""
    small, large = (f"secret {rubbish * (length // len(rubbish))} password" for length in (1_000, 8_000))
    assert _best(large) < 30 * max(_best(small), 0.0005)


def _best(text: str) -> float:
    """Processor seconds of the quickest of a few."""
    return min(_seconds(text) for _ in range(3))


def _seconds(text: str) -> float:
    before = process_time()
    redact(text)
    return process_time() - before


def test_a_clean_text_is_remembered_and_no_other() -> None:
    """Up to 128 characters, 8192 of them; a text with a secret is never kept in memory."""
    redaction.clean_texts.clear()
    short, long = "x y " * 32, "x y " * 32 + "z"
    for text in (short, long, f"password={CANARY}"):
        redact(text)
    assert redaction.clean_texts == {short}
    for number in range(8191):
        redact(f"text {number}")
    assert len(redaction.clean_texts) == 8192
    redact(short)
    assert len(redaction.clean_texts) == 8192
    redact("one more")
    assert redaction.clean_texts == {"one more"}


@pytest.mark.parametrize(("length", "is_secret"), [(255, True), (256, True), (257, False)])
def test_a_name_is_looked_at_up_to_the_length_of_a_key(length: int, is_secret: bool) -> None:
    """What is longer is a text that somebody made a name of, and takes too long to look at."""
    assert is_secret_name("x" * (length - len("_password")) + "_password") is is_secret
