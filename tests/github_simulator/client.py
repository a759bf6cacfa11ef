"""An HTTP client of the simulator, for its tests."""

from __future__ import annotations

from typing import Any

import requests

from apps.github_simulator.testing import SimulatedGitHub

TOKEN = "ghp_test"

PAGE = """
query Page($owner: String!, $name: String!, $first: Int!, $after: String) {
  rateLimit { cost limit remaining used resetAt nodeCount }
  repository(owner: $owner, name: $name) {
    nameWithOwner
    isArchived
    pullRequests(first: $first, after: $after, orderBy: {field: UPDATED_AT, direction: DESC}) {
      totalCount
      pageInfo { hasNextPage endCursor }
      nodes {
        id fullDatabaseId databaseId number title body state isDraft url createdAt updatedAt mergedAt closedAt
        additions deletions changedFiles baseRefName headRefName headRefOid reviewDecision
        author { __typename login }
        mergedBy { login }
        headRepository { nameWithOwner }
        mergeCommit { oid }
        reviews(first: 100) {
          totalCount
          pageInfo { hasNextPage endCursor }
          nodes { id fullDatabaseId state body submittedAt author { __typename login } }
        }
        commits(first: 100) {
          totalCount
          pageInfo { hasNextPage endCursor }
          nodes { commit { oid message authoredDate committedDate additions deletions author { name user { login } } } }
        }
        files(first: 100) {
          totalCount
          pageInfo { hasNextPage endCursor }
          nodes { path additions deletions changeType }
        }
      }
    }
  }
}
"""


class Client:
    """Sends requests of one account to one simulator."""

    def __init__(self, github: SimulatedGitHub, token: str = TOKEN) -> None:
        self.github = github
        self.session = requests.Session()
        self.session.headers["authorization"] = f"bearer {token}"

    def post(self, query: str, *, timeout: float = 10, **variables: Any) -> requests.Response:
        """Post a query with variables and return the response."""
        payload = {"query": query, "variables": variables}
        return self.session.post(self.github.graphql_url, json=payload, timeout=timeout)

    def graphql(self, query: str, **variables: Any) -> dict[str, Any]:
        """Post a query with variables and return the JSON of the response."""
        answer: dict[str, Any] = self.post(query, **variables).json()
        return answer

    def page(self, full_name: str, *, first: int = 10, after: str | None = None) -> dict[str, Any]:
        """Return one page of a repository's pull requests with their reviews, commits and files."""
        owner, name = full_name.split("/")
        answer = self.graphql(PAGE, owner=owner, name=name, first=first, after=after)
        connection: dict[str, Any] = answer["data"]["repository"]["pullRequests"]
        return connection

    def numbers(self, full_name: str, *, first: int) -> list[int]:
        """Return the numbers of all pull requests in the order in which the pages list them."""
        numbers: list[int] = []
        after = None
        while True:
            connection = self.page(full_name, first=first, after=after)
            numbers += [node["number"] for node in connection["nodes"]]
            if not connection["pageInfo"]["hasNextPage"]:
                return numbers
            after = connection["pageInfo"]["endCursor"]

    def get(self, path: str, *, timeout: float = 10, **headers: str) -> requests.Response:
        """Send a REST request without following redirects; the header If-None-Match is written `if_none_match=`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.session.get(self.github.url + path, headers=named, timeout=timeout, allow_redirects=False)
