"""GitHub's REST endpoints for listing repositories and looking one up, and for accounts and their limits."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from apps.github_simulator import replies
from apps.github_simulator.accounts import Account
from apps.github_simulator.actors import Actor
from apps.github_simulator.model import Repository
from apps.github_simulator.rate_limits import Budget
from apps.github_simulator.replies import Reply, json_reply
from apps.github_simulator.world import World

ENTERPRISE_PREFIX = "/api/v3"
"""The path under which GitHub Enterprise serves REST."""

_PER_PAGE = 30
_PER_PAGE_LIMIT = 100
_REPOSITORY_DOCS = f"{replies.DOCS}/rest/repos/repos#get-a-repository"


@dataclass(frozen=True, kw_only=True)
class RestRequest:
    """A GET request; `base_url` is the root of the API as the client sees it, and `url` the request's without its query."""

    world: World
    account: Account
    budgets: Callable[[], Sequence[Budget]]
    base_url: str
    url: str
    path_parameters: Mapping[str, str]
    query: Mapping[str, str]
    if_none_match: str | None

    @property
    def repositories(self) -> list[Repository]:
        """The repositories that the account may see."""
        return self.account.visible(self.world.repositories)


RestHandler = Callable[[RestRequest], Reply]


def _user(request: RestRequest) -> Reply:
    if request.account.type == "Installation":
        return _not_for_installations()
    return _conditional(request, _account_json(request.account.actor, request.base_url))


def _organizations(request: RestRequest) -> Reply:
    """Answer with the organizations of what the token sees, if its scopes let it ask."""
    if request.account.type == "Installation":
        return _not_for_installations()
    if not {"read:org", "user"} & set(request.account.scopes):
        return replies.message(403, "You need at least read:org scope or user scope to list your organizations.")
    owners = {one.owner.login: one.owner for one in request.repositories if one.owner.typename == "Organization"}
    return _conditional(request, [_account_json(owner, request.base_url) for owner in owners.values()])


def _owner(request: RestRequest) -> Reply:
    owner = _find_owner(request)
    return replies.not_found() if owner is None else _conditional(request, _account_json(owner, request.base_url))


def _find_owner(request: RestRequest) -> Actor | None:
    """Return the owner in the path: an organization below `/orgs`, a user or an organization below `/users`."""
    organization = request.path_parameters.get("org")
    owner = request.world.find_owner(organization or request.path_parameters["owner"])
    return owner if owner is None or organization is None or owner.typename == "Organization" else None


def _not_for_installations() -> Reply:
    return replies.message(403, "Resource not accessible by integration")


def _visible_repositories(request: RestRequest) -> Reply:
    if request.account.type == "Installation":
        return _not_for_installations()
    return _page(request, request.repositories)


def _installation_repositories(request: RestRequest) -> Reply:
    if request.account.type != "Installation":
        text = "You must authenticate with an installation access token in order to list repositories for an installation."
        return replies.message(403, text)
    repositories = request.repositories
    selection = "all" if request.account.repositories is None else "selected"
    return _page(request, repositories, envelope={"total_count": len(repositories), "repository_selection": selection})


def _owned_repositories(request: RestRequest) -> Reply:
    owner = _find_owner(request)
    if owner is None:
        return replies.not_found(f"{replies.DOCS}/rest/repos/repos#list-organization-repositories")
    return _page(request, [one for one in request.repositories if one.owner == owner])


def _repository(request: RestRequest) -> Reply:
    full_name = f"{request.path_parameters['owner']}/{request.path_parameters['repo']}"
    repository = request.world.find_repository(full_name)
    if repository is None or not request.account.sees(repository):
        return replies.not_found(_REPOSITORY_DOCS)
    if repository.name_with_owner.lower() != full_name.lower():
        return replies.moved_permanently(f"{request.base_url}/repositories/{repository.database_id}")
    return _conditional(request, _repository_json(repository, request))


def _repository_by_id(request: RestRequest) -> Reply:
    wanted = request.path_parameters["id"]
    for repository in request.repositories:
        if str(repository.database_id) == wanted:
            return _conditional(request, _repository_json(repository, request))
    return replies.not_found(_REPOSITORY_DOCS)


def _rate_limit(request: RestRequest) -> Reply:
    resources = {
        budget.resource: {
            "limit": budget.limit,
            "used": budget.used,
            "remaining": budget.remaining,
            "reset": budget.reset,
        }
        for budget in request.budgets()
    }
    return json_reply({"resources": resources, "rate": resources["core"]})


REST_ENDPOINTS: Mapping[str, RestHandler] = {
    "/user": _user,
    "/user/repos": _visible_repositories,
    "/user/orgs": _organizations,
    "/users/{owner}": _owner,
    "/users/{owner}/repos": _owned_repositories,
    "/orgs/{org}": _owner,
    "/orgs/{org}/repos": _owned_repositories,
    "/installation/repositories": _installation_repositories,
    "/repos/{owner}/{repo}": _repository,
    "/repositories/{id}": _repository_by_id,
    "/rate_limit": _rate_limit,
}
"""The handler of each route."""

FREE_ENDPOINTS = {"/rate_limit"}
"""The routes that are not charged and always answer."""


def _page(request: RestRequest, repositories: Sequence[Repository], *, envelope: Mapping[str, Any] | None = None) -> Reply:
    per_page = min(_number(request.query.get("per_page"), _PER_PAGE), _PER_PAGE_LIMIT)
    page = _number(request.query.get("page"), 1)
    shown = [_repository_json(one, request) for one in repositories[(page - 1) * per_page : page * per_page]]
    payload = shown if envelope is None else {**envelope, "repositories": shown}
    return _conditional(request, payload, links=_links(request, page, math.ceil(len(repositories) / per_page)))


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() and int(text) > 0 else default


def _links(request: RestRequest, page: int, pages: int) -> dict[str, str]:
    """Return the Link header: `prev` and `first` except on the first page, `next` and `last` except on the last."""
    relations = {"prev": page - 1, "first": 1} if page > 1 else {}
    if page < pages:
        relations |= {"next": page + 1, "last": pages}
    links = [
        f'<{request.url}?{urlencode({**request.query, "page": number})}>; rel="{relation}"'
        for relation, number in relations.items()
    ]
    return {"link": ", ".join(links)} if links else {}


def _conditional(request: RestRequest, payload: object, *, links: Mapping[str, str] | None = None) -> Reply:
    """Return the payload with its ETag, or 304, which is not charged, to a client that has it already."""
    reply = json_reply(payload)
    headers = {"etag": f'W/"{sha256(reply.body).hexdigest()}"', "cache-control": "private, max-age=60, s-maxage=60"}
    if request.if_none_match == headers["etag"]:
        return Reply(status=304, headers=headers)
    return reply.with_headers({**headers, **(links or {})})


def _account_json(account: Actor, base_url: str) -> dict[str, Any]:
    kind = "orgs" if account.typename == "Organization" else "users"
    return {
        "login": f"{account.login}[bot]" if account.typename == "Bot" else account.login,
        "id": account.database_id,
        "node_id": account.id,
        "avatar_url": account.avatar_url,
        "url": f"{base_url}/{kind}/{account.login}",
        "html_url": account.url,
        "repos_url": f"{base_url}/{kind}/{account.login}/repos",
        "type": account.typename,
        "site_admin": False,
        "name": account.name,
    }


def _repository_json(repository: Repository, request: RestRequest) -> dict[str, Any]:
    url = f"{request.base_url}/repos/{repository.name_with_owner}"
    return {
        "id": repository.database_id,
        "node_id": repository.id,
        "name": repository.name,
        "full_name": repository.name_with_owner,
        "private": repository.is_private,
        "owner": _account_json(repository.owner, request.base_url),
        "html_url": repository.url,
        "description": repository.description,
        "fork": repository.is_fork,
        "url": url,
        "pulls_url": f"{url}/pulls{{/number}}",
        "created_at": repository.created_at,
        "updated_at": repository.updated_at,
        "pushed_at": repository.pushed_at,
        "clone_url": f"{repository.url}.git",
        "size": 1_024,
        "stargazers_count": 0,
        "watchers_count": 0,
        "language": None,
        "forks_count": 0,
        "open_issues_count": sum(pr.state == "OPEN" for pr in repository.pull_requests.values()),
        "archived": repository.is_archived,
        "disabled": repository.is_disabled,
        "visibility": repository.visibility.lower(),
        "default_branch": repository.default_branch,
        "permissions": {"admin": False, "maintain": False, "push": False, "triage": False, "pull": True},
    }
