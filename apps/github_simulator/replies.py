"""GitHub's replies as recorded: refusals, failures, and the headers around them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import orjson

from apps.github_simulator.graphql_errors import error_payload
from apps.github_simulator.rate_limits import Budget

DOCS = "https://docs.github.com"
_REST_LIMIT_DOCS = f"{DOCS}/rest/overview/rate-limits-for-the-rest-api"
_SECONDARY_DOCS = f"{DOCS}/en/free-pro-team@latest/rest/overview/resources-in-the-rest-api#secondary-rate-limits"
_JSON = "application/json; charset=utf-8"
_HTML = "text/html; charset=utf-8"

Api = Literal["graphql", "rest"]
Delivery = Literal["whole", "cut", "slow", "hang", "reset"]


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One reply; `delivery` is how it reaches the client, and `seconds` how long that takes if it is slow or hangs."""

    status: int = 200
    body: bytes = b""
    content_type: str = _JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    delivery: Delivery = "whole"
    seconds: float = 0.0

    def with_headers(self, headers: Mapping[str, str]) -> Reply:
        """Return the reply with these headers added; those it has already take precedence."""
        return replace(self, headers={**headers, **self.headers})


def json_reply(payload: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Return `payload` as a JSON reply."""
    return Reply(status=status, body=orjson.dumps(payload), headers=headers or {})


def json_message(status: int, text: str) -> Reply:
    """Return an error of GitHub's gateway: a message alone."""
    return json_reply({"message": text}, status=status)


def message(status: int, text: str, *, docs: str = f"{DOCS}/rest", **more: Any) -> Reply:
    """Return a REST error: a message with a link to the documentation."""
    return json_reply({"message": text, **more, "documentation_url": docs, "status": str(status)}, status=status)


def budget_headers(budget: Budget) -> dict[str, str]:
    """Return the `x-ratelimit` headers."""
    return {
        "x-ratelimit-limit": str(budget.limit),
        "x-ratelimit-remaining": str(budget.remaining),
        "x-ratelimit-used": str(budget.used),
        "x-ratelimit-reset": str(budget.reset),
        "x-ratelimit-resource": budget.resource,
    }


def bad_credentials() -> Reply:
    """Return the reply to an unknown, expired or revoked token."""
    return message(401, "Bad credentials")


def requires_authentication(api: Api) -> Reply:
    """Return the reply to a request without a token."""
    if api == "graphql":
        docs = f"{DOCS}/graphql/guides/forming-calls-with-graphql#authenticating-with-graphql"
        return message(401, "This endpoint requires you to be authenticated.", docs=docs)
    return message(401, "Requires authentication")


def not_found(docs: str = f"{DOCS}/rest") -> Reply:
    """Return REST's reply for something that does not exist or that the account may not see."""
    return message(404, "Not Found", docs=docs)


def moved_permanently(url: str) -> Reply:
    """Return REST's reply for the former name of a repository that now is at `url`."""
    docs = f"{DOCS}/rest/guides/best-practices-for-using-the-rest-api#follow-redirects"
    payload = {"message": "Moved Permanently", "url": url, "documentation_url": docs}
    return json_reply(payload, status=301, headers={"location": url})


def primary_limit(api: Api, account_label: str) -> Reply:
    """Return the reply to an account without points: status 200 with an error in GraphQL, 403 in REST."""
    text = f"API rate limit exceeded for {account_label}."
    if api == "graphql":
        return json_reply({"errors": [error_payload("RATE_LIMITED", text)]})
    return message(403, text, docs=_REST_LIMIT_DOCS)


def primary_limit_variant(api: Api, account_label: str) -> Reply:
    """Return the variant of the primary limit's reply that has been observed: another error type, 429 in REST."""
    text = f"API rate limit already exceeded for {account_label}."
    if api == "graphql":
        error = {"type": "RATE_LIMIT", "code": "graphql_rate_limit", "message": text}
        return json_reply({"errors": [error]})
    return message(429, text, docs=_REST_LIMIT_DOCS)


def secondary_limit(*, status: int = 403, retry_after: int | None = None) -> Reply:
    """Return the reply to too many requests at once or per minute."""
    payload = {
        "documentation_url": _SECONDARY_DOCS,
        "message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
    }
    return json_reply(payload, status=status, headers={} if retry_after is None else {"retry-after": str(retry_after)})


def query_timeout(request_id: str, *, data: object = None) -> Reply:
    """Return the reply to a query that ran for over ten seconds; `data` has been observed as null and as "null"."""
    text = (
        "Something went wrong while executing your query. This may be the result of a timeout, or it could be a "
        f"GitHub bug. Please include `{request_id}` when reporting this issue."
    )
    return json_reply({"data": data, "errors": [{"message": text}]}, status=502)


def page(status: int, html: str) -> Reply:
    """Return an HTML page."""
    return Reply(status=status, body=html.encode(), content_type=_HTML)


def bad_gateway_page() -> Reply:
    """Return the HTML page of GitHub's proxy."""
    return page(
        502,
        "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n"
        "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n",
    )


def limit_page(status: int) -> Reply:
    """Return the HTML page about too many requests that GitHub's edge answers with, in place of either API's JSON."""
    words = "You have triggered an abuse detection mechanism." if status == 403 else "Too many requests."
    return page(status, f"<!DOCTYPE html>\n<html><body><h1>Whoa there!</h1><p>{words}</p></body></html>\n")


def proxy_authentication() -> Reply:
    """Return what a proxy answers that wants a user and a password."""
    reply = page(407, "<html><body><h1>407 Proxy Authentication Required</h1></body></html>")
    return reply.with_headers({"proxy-authenticate": 'Basic realm="proxy"'})


def gateway_timeout() -> Reply:
    """Return the reply of either API when nothing behind the proxy answered in time."""
    text = "We couldn't respond to your request in time. Sorry about that. Please try resubmitting your request."
    return json_message(504, text)


def server_error() -> Reply:
    """Return the reply to a request that failed inside GitHub."""
    return json_message(500, "Server Error")


def unicorn_page() -> Reply:
    """Return an HTML page in place of JSON, with a status of success."""
    return page(200, "<!DOCTYPE html>\n<html><body><h1>We'll be back soon.</h1></body></html>\n")


SAML_MESSAGE = (
    "Resource protected by organization SAML enforcement. "
    "You must grant your Personal Access token access to this organization."
)
SAML_EXTENSIONS = {"saml_failure": True}


def saml_headers(organization: str) -> dict[str, str]:
    """Return the header that tells where to grant the token access."""
    request = f"https://github.com/orgs/{organization}/sso?authorization_request=ABCDEF"
    return {"x-github-sso": f"required; url={request}"}


def ip_not_allowed_message(organization: str) -> str:
    """Return the message for an address that is not on the organization's allow list."""
    return (
        "Although you appear to have the correct authorization credentials, "
        f"the `{organization}` organization has an IP allow list enabled, "
        "and your IP address is not permitted to access this resource."
    )
