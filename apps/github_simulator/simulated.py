"""A handle to a running simulator."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from apps.github_simulator.faults import fault_rules
from apps.github_simulator.model import PullRequest, Repository, ReviewState
from apps.github_simulator.rate_limits import Budget, Resource
from apps.github_simulator.server import REST_PREFIX
from apps.github_simulator.service import GitHub
from apps.github_simulator.synthetic import synthetic_repository
from apps.github_simulator.times import utc_now
from apps.github_simulator.traffic import SeenRequest

Result = TypeVar("Result")
_SECONDS = 30.0


class SimulatedGitHub:
    """A running simulator: its URLs, the requests it received, and the changes that can be made during a sync.

    Changes are applied between requests, never during one. Refer to a repository by its current name; an unknown
    repository, pull request or token raises KeyError.
    """

    def __init__(self, github: GitHub, *, loop: asyncio.AbstractEventLoop, url: str) -> None:
        self.url = url
        self.graphql_url = f"{url}/graphql"
        self.enterprise_url = url + REST_PREFIX
        self._github = github
        self._loop = loop

    # Requests and contents

    def stats(self) -> dict[str, Any]:
        """Return the statistics that `/_simulator/stats` serves."""
        return self._between_requests(self._github.traffic.stats)

    def requests(self) -> list[SeenRequest]:
        """Return the last 10,000 answered requests, oldest first."""
        return self._between_requests(lambda: list(self._github.traffic.seen))

    @property
    def repositories(self) -> list[Repository]:
        """All repositories, for comparison with what was synced; change them only with the methods of this class."""
        return self._between_requests(lambda: self._github.world.repositories)

    def repository(self, full_name: str) -> Repository:
        """Return a repository, with its `pull_requests` by number."""
        return self._between_requests(lambda: self._github.world.named(full_name))

    def pull_request(self, full_name: str, number: int) -> PullRequest:
        """Return a pull request, with its `commits`, `files` and `reviews`."""
        return self._between_requests(lambda: self._github.world.pull_request(full_name, number))

    # Accounts and limits

    def account_of(self, token: str) -> str:
        """Return the login of the token's account, as `stats()` reports it."""
        account = self._between_requests(lambda: self._github.accounts.of(token, now=utc_now()))
        if account is None:
            raise KeyError("the token is unknown, expired or revoked")
        return account.login

    def add_token(self, token: str, *, account: str, **entry: Any) -> None:
        """Accept the token; `entry` takes the keys of a tokens file: type, repositories, expires_at and scopes."""
        self._between_requests(lambda: self._github.accounts.add(token, {"account": account, **entry}))

    def expire_token(self, token: str) -> None:
        """Reject the token from now on."""
        self._between_requests(lambda: self._github.accounts.expire(token))

    def budget(self, account: str, resource: Resource = "graphql") -> Budget:
        """Return the account's current budget for the resource."""
        return self._between_requests(lambda: self._github.limits.budget(account, resource))

    def set_budget(
        self, account: str, resource: Resource = "graphql", *, remaining: int, reset_in: float | None = None
    ) -> None:
        """Set the points left, and if `reset_in` is given, let the window end in that many seconds."""
        limits = self._github.limits
        self._between_requests(lambda: limits.set_budget(account, resource, remaining=remaining, reset_in=reset_in))

    # Faults

    def add_faults(self, *faults: Mapping[str, Any]) -> None:
        """Add fault rules, which apply from now on."""
        self._between_requests(lambda: self._github.faults.add(fault_rules(faults)))

    def clear_faults(self) -> None:
        """Remove all fault rules."""
        self._between_requests(self._github.faults.clear)

    # Changes to repositories and pull requests

    def add_synthetic(self, pull_requests: int, *, seed: int) -> Repository:
        """Add the made-up repository `synthetic/repo-SEED` and return it."""
        repository = synthetic_repository(pull_requests, seed=seed, until=utc_now())
        self._between_requests(lambda: self._github.world.add(repository))
        return repository

    def archive(self, full_name: str, *, archived: bool = True) -> None:
        """Archive the repository, or unarchive it if `archived` is false."""
        self._between_requests(lambda: self._github.world.archive(full_name, archived=archived))

    def rename(self, full_name: str, new_full_name: str, *, to_user: bool = False) -> None:
        """Rename or transfer the repository (to an organization unless `to_user`); the old name redirects to it."""
        self._between_requests(lambda: self._github.world.rename(full_name, new_full_name, to_user=to_user))

    def remove(self, full_name: str) -> None:
        """Remove the repository and its pull requests."""
        self._between_requests(lambda: self._github.world.remove(full_name))

    def add_pull_request(self, full_name: str, *, title: str = "A new pull request", author: str = "octocat") -> PullRequest:
        """Open a pull request with one commit and one file, and return it."""
        return self._between_requests(lambda: self._github.world.add_pull_request(full_name, title=title, author=author))

    def remove_pull_request(self, full_name: str, number: int) -> None:
        """Remove the pull request."""
        self._between_requests(lambda: self._github.world.remove_pull_request(full_name, number))

    def touch(
        self, full_name: str, number: int, *, title: str | None = None, body: str | None = None, at: datetime | None = None
    ) -> None:
        """Edit the pull request and set its update time to `at`, by default now."""
        self._between_requests(lambda: self._github.world.touch(full_name, number, title=title, body=body, at=at))

    def force_push(
        self,
        full_name: str,
        number: int,
        *,
        messages: Sequence[str] = ("Force-pushed",),
        files: Sequence[str] | None = None,
    ) -> None:
        """Replace the commits with one per message and, if `files` is given, the files with one per path."""
        self._between_requests(lambda: self._github.world.force_push(full_name, number, messages=messages, files=files))

    def set_files(self, full_name: str, number: int, paths: Iterable[str]) -> None:
        """Replace the pull request's files with exactly these paths; there is no limit to their number."""
        self._between_requests(lambda: self._github.world.set_files(full_name, number, paths))

    def add_review(
        self, full_name: str, number: int, *, login: str | None = "reviewer", state: ReviewState = "APPROVED"
    ) -> None:
        """Add a review submitted now; a login of None stands for a deleted account."""
        self._between_requests(lambda: self._github.world.add_review(full_name, number, login=login, state=state))

    def keep_reviews(self, full_name: str, number: int, count: int) -> None:
        """Keep only the `count` oldest reviews of the pull request."""
        self._between_requests(lambda: self._github.world.keep_reviews(full_name, number, count))

    def _between_requests(self, action: Callable[[], Result]) -> Result:
        if self._loop.is_closed():  # the simulator has stopped, but its state can still be read
            return action()

        async def act() -> Result:
            return action()

        return asyncio.run_coroutine_threadsafe(act(), self._loop).result(_SECONDS)
