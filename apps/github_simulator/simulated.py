"""The handle of a running simulator."""

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
    """Where a simulator listens, what it saw, and what may happen at GitHub while somebody syncs.

    Every change is made between two requests, never during one. Repositories are named as they are called now; a
    repository, pull request or token that is not there raises KeyError.
    """

    def __init__(self, github: GitHub, *, loop: asyncio.AbstractEventLoop, url: str) -> None:
        self.url = url
        self.graphql_url = f"{url}/graphql"
        self.enterprise_url = url + REST_PREFIX
        self._github = github
        self._loop = loop

    # What it saw

    def stats(self) -> dict[str, Any]:
        """What `/_simulator/stats` answers."""
        return self._between_requests(self._github.traffic.stats)

    def requests(self) -> list[SeenRequest]:
        """The requests that were answered, oldest first (the last 10,000)."""
        return self._between_requests(lambda: list(self._github.traffic.seen))

    @property
    def repositories(self) -> list[Repository]:
        """Everything it holds, to compare what was synced with. Not to be changed but by the methods here."""
        return self._between_requests(lambda: self._github.world.repositories)

    def repository(self, full_name: str) -> Repository:
        """One repository, with its `pull_requests` by number."""
        return self._between_requests(lambda: self._github.world.named(full_name))

    def pull_request(self, full_name: str, number: int) -> PullRequest:
        """One pull request, with its `commits`, `files` and `reviews`."""
        return self._between_requests(lambda: self._github.world.pull_request(full_name, number))

    # Accounts and limits

    def account_of(self, token: str) -> str:
        """The login of the token's account, as in `stats()`."""
        account = self._between_requests(lambda: self._github.accounts.of(token, now=utc_now()))
        if account is None:
            raise KeyError("the token is unknown, expired or revoked")
        return account.login

    def add_token(self, token: str, *, account: str, **entry: Any) -> None:
        """The token is good; `entry` is as in a tokens file (type, repositories, expires_at, scopes)."""
        self._between_requests(lambda: self._github.accounts.add(token, {"account": account, **entry}))

    def expire_token(self, token: str) -> None:
        """The token is bad from now on."""
        self._between_requests(lambda: self._github.accounts.expire(token))

    def budget(self, account: str, resource: Resource = "graphql") -> Budget:
        """What the account has left."""
        return self._between_requests(lambda: self._github.limits.budget(account, resource))

    def set_budget(
        self, account: str, resource: Resource = "graphql", *, remaining: int, reset_in: float | None = None
    ) -> None:
        """The account has so many points left, until the reset in `reset_in` seconds (None: when it would be anyway)."""
        limits = self._github.limits
        self._between_requests(lambda: limits.set_budget(account, resource, remaining=remaining, reset_in=reset_in))

    # Faults

    def add_faults(self, *faults: Mapping[str, Any]) -> None:
        """These rules count from now on."""
        self._between_requests(lambda: self._github.faults.add(fault_rules(faults)))

    def clear_faults(self) -> None:
        """Nothing fails any more."""
        self._between_requests(self._github.faults.clear)

    # What happens to repositories and pull requests

    def add_synthetic(self, pull_requests: int, *, seed: int) -> Repository:
        """`synthetic/repo-SEED` is there, too."""
        repository = synthetic_repository(pull_requests, seed=seed, until=utc_now())
        self._between_requests(lambda: self._github.world.add(repository))
        return repository

    def archive(self, full_name: str, *, archived: bool = True) -> None:
        """The repository is archived, or no longer."""
        self._between_requests(lambda: self._github.world.archive(full_name, archived=archived))

    def rename(self, full_name: str, new_full_name: str, *, to_user: bool = False) -> None:
        """The repository has a new name, or owner (an organization unless `to_user`); the old one leads to it."""
        self._between_requests(lambda: self._github.world.rename(full_name, new_full_name, to_user=to_user))

    def remove(self, full_name: str) -> None:
        """The repository is gone."""
        self._between_requests(lambda: self._github.world.remove(full_name))

    def add_pull_request(self, full_name: str, *, title: str = "A new pull request", author: str = "octocat") -> PullRequest:
        """A pull request with one commit and one file was opened now."""
        return self._between_requests(lambda: self._github.world.add_pull_request(full_name, title=title, author=author))

    def remove_pull_request(self, full_name: str, number: int) -> None:
        """The pull request is gone."""
        self._between_requests(lambda: self._github.world.remove_pull_request(full_name, number))

    def touch(
        self, full_name: str, number: int, *, title: str | None = None, body: str | None = None, at: datetime | None = None
    ) -> None:
        """Edit the pull request, at a given moment or now: it moves to the front of those ordered by UPDATED_AT."""
        self._between_requests(lambda: self._github.world.touch(full_name, number, title=title, body=body, at=at))

    def force_push(
        self,
        full_name: str,
        number: int,
        *,
        messages: Sequence[str] = ("Force-pushed",),
        files: Sequence[str] | None = None,
    ) -> None:
        """The pull request has other commits, one a message, and other files, one a path (None: the same)."""
        self._between_requests(lambda: self._github.world.force_push(full_name, number, messages=messages, files=files))

    def set_files(self, full_name: str, number: int, paths: Iterable[str]) -> None:
        """The pull request changes exactly these files, however many."""
        self._between_requests(lambda: self._github.world.set_files(full_name, number, paths))

    def add_review(
        self, full_name: str, number: int, *, login: str | None = "reviewer", state: ReviewState = "APPROVED"
    ) -> None:
        """The pull request was reviewed now; no login stands for a deleted account."""
        self._between_requests(lambda: self._github.world.add_review(full_name, number, login=login, state=state))

    def keep_reviews(self, full_name: str, number: int, count: int) -> None:
        """The pull request has only its `count` oldest reviews."""
        self._between_requests(lambda: self._github.world.keep_reviews(full_name, number, count))

    def _between_requests(self, action: Callable[[], Result]) -> Result:
        if self._loop.is_closed():  # it has ended, and can still be looked at
            return action()

        async def act() -> Result:
            return action()

        return asyncio.run_coroutine_threadsafe(act(), self._loop).result(_SECONDS)
