"""The handle of a running simulator."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from apps.github_simulator.fault_files import fault_rules
from apps.github_simulator.github_apps import GitHubApp, Installation
from apps.github_simulator.model import PullRequest, Repository, ReviewState
from apps.github_simulator.rate_limits import Budget, Resource
from apps.github_simulator.rest_api import ENTERPRISE_PREFIX
from apps.github_simulator.service import GitHub
from apps.github_simulator.synthetic import synthetic_repository
from apps.github_simulator.times import utc_now
from apps.github_simulator.traffic import SeenRequest

Result = TypeVar("Result")
_ACTION_SECONDS = 30.0  # far more than any action takes


class SimulatedGitHub:
    """Shows what a running simulator has seen, and changes what it holds during a sync.

    Every change takes effect between two requests, never during one. Methods take a repository's current name, and raise
    KeyError for a repository, pull request or token that does not exist.
    """

    def __init__(self, github: GitHub, *, loop: asyncio.AbstractEventLoop, url: str) -> None:
        """Control `github`, which `loop` serves at `url`."""
        self.url = url
        self.graphql_url = f"{url}/graphql"
        self.enterprise_url = url + ENTERPRISE_PREFIX
        self._github = github
        self._loop = loop

    # What it has seen and holds

    def stats(self) -> dict[str, Any]:
        """Return the content of `/_simulator/stats`."""
        return self._between_requests(self._github.traffic.stats)

    def requests(self) -> list[SeenRequest]:
        """Return the last 10,000 answered requests, oldest first."""
        return self._between_requests(lambda: list(self._github.traffic.seen))

    @property
    def repositories(self) -> list[Repository]:
        """All repositories, to compare with what was synced; only the methods below may change them."""
        return self._between_requests(lambda: self._github.world.repositories)

    def repository(self, full_name: str) -> Repository:
        """Return a repository, which has its `pull_requests` by number."""
        return self._between_requests(lambda: self._github.world.repository(full_name))

    def pull_request(self, full_name: str, number: int) -> PullRequest:
        """Return a pull request, which has its `commits`, `files` and `reviews`."""
        return self._between_requests(lambda: self._github.world.pull_request(full_name, number))

    # Accounts and limits

    def account_of(self, token: str) -> str:
        """Return the login of the token's account, as used in `stats()`."""
        account = self._between_requests(lambda: self._github.accounts.of(token, now=utc_now()))
        if account is None:
            raise KeyError("the token is unknown, expired or revoked")
        return account.login

    def add_token(self, token: str, *, account: str, **entry: Any) -> None:
        """Accept a token; `entry` is as in a tokens file (type, repositories, expires_at, scopes)."""
        self._between_requests(lambda: self._github.accounts.add(token, {"account": account, **entry}))

    def expire_token(self, token: str) -> None:
        """Reject a token from now on."""
        self._between_requests(lambda: self._github.accounts.expire(token))

    def install_at_owners(self) -> list[Installation]:
        """Install the app at the owner of every repository, to read what that owner has; return where it is installed."""

        def install() -> list[Installation]:
            owned: dict[str, list[str]] = {}
            for repository in self._github.world.repositories:
                owned.setdefault(repository.owner.login, []).append(repository.name_with_owner)
            found = [
                Installation(id=at, login=login, repositories=names) for at, (login, names) in enumerate(owned.items(), 1)
            ]
            self._app().installations = {each.id: each for each in found}
            return found

        return self._between_requests(install)

    def suspend_installation(self, installation_id: int) -> None:
        """Suspend an installation of the app: its tokens are refused, and no more are made."""
        self._between_requests(lambda: setattr(self._app().installations[installation_id], "is_suspended", True))

    def remove_installation(self, installation_id: int) -> None:
        """Remove the app from an account: its tokens are revoked."""

        def remove() -> None:
            for token in self._app().installations.pop(installation_id).tokens:
                self._github.accounts.expire(token)

        self._between_requests(remove)

    def expire_installation_tokens(self, installation_id: int) -> None:
        """Reject the tokens that were made for an installation so far."""

        def expire() -> None:
            for token in self._app().installations[installation_id].tokens:
                self._github.accounts.expire(token)

        self._between_requests(expire)

    def installation_tokens(self, installation_id: int) -> list[str]:
        """Return the tokens that were made for an installation, oldest first."""
        return self._between_requests(lambda: list(self._app().installations[installation_id].tokens))

    def _app(self) -> GitHubApp:
        if self._github.app is None:
            raise KeyError("there is no app")
        return self._github.app

    def budget(self, account: str, resource: Resource = "graphql") -> Budget:
        """Return the account's current budget."""
        return self._between_requests(lambda: self._github.limits.budget(account, resource))

    def set_budget(
        self, account: str, resource: Resource = "graphql", *, remaining: int, reset_in: float | None = None
    ) -> None:
        """Leave the account with `remaining` points until a reset in `reset_in` seconds (None: at the time already set)."""
        limits = self._github.limits
        self._between_requests(lambda: limits.set_budget(account, resource, remaining=remaining, reset_in=reset_in))

    # Faults

    def add_faults(self, *faults: Mapping[str, Any]) -> None:
        """Add fault rules, written as in a faults file; they count requests from now on."""
        self._between_requests(lambda: self._github.faults.add(fault_rules(faults)))

    def clear_faults(self) -> None:
        """Remove all fault rules."""
        self._between_requests(self._github.faults.clear)

    # Changes to repositories and pull requests

    def add_synthetic(self, pull_requests: int, *, seed: int, long_lists_every: int | None = None) -> Repository:
        """Add the synthetic repository `synthetic/repo-SEED` and return it; see `simulator` for `long_lists_every`."""
        repository = synthetic_repository(pull_requests, seed=seed, until=utc_now(), long_lists_every=long_lists_every)
        self._between_requests(lambda: self._github.world.add(repository))
        return repository

    def archive(self, full_name: str, *, archived: bool = True) -> None:
        """Archive the repository, or undo that."""
        self._between_requests(lambda: self._github.world.archive(full_name, archived=archived))

    def rename(self, full_name: str, new_full_name: str, *, to_user: bool = False) -> None:
        """Rename or transfer the repository and redirect its old name.

        A new owner is an organization, or a user if `to_user` is set.
        """
        self._between_requests(lambda: self._github.world.rename(full_name, new_full_name, to_user=to_user))

    def remove(self, full_name: str) -> None:
        """Delete the repository with its pull requests."""
        self._between_requests(lambda: self._github.world.remove(full_name))

    def add_pull_request(self, full_name: str, *, title: str = "A new pull request", author: str = "octocat") -> PullRequest:
        """Open a pull request with one commit and one file now."""
        return self._between_requests(lambda: self._github.world.add_pull_request(full_name, title=title, author=author))

    def remove_pull_request(self, full_name: str, number: int) -> None:
        """Delete the pull request, as GitHub's support can."""
        self._between_requests(lambda: self._github.world.remove_pull_request(full_name, number))

    def touch(
        self, full_name: str, number: int, *, title: str | None = None, body: str | None = None, at: datetime | None = None
    ) -> None:
        """Edit the pull request at `at`, by default now, which makes it the most recently updated one."""
        self._between_requests(lambda: self._github.world.touch(full_name, number, title=title, body=body, at=at))

    def force_push(
        self,
        full_name: str,
        number: int,
        *,
        messages: Sequence[str] = ("Force-pushed",),
        files: Sequence[str] | None = None,
    ) -> None:
        """Replace the pull request's commits, one per message, and its files, one per path, unless `files` is None."""
        self._between_requests(lambda: self._github.world.force_push(full_name, number, messages=messages, files=files))

    def set_files(self, full_name: str, number: int, paths: Iterable[str]) -> None:
        """Make the pull request change exactly these files, however many there are."""
        self._between_requests(lambda: self._github.world.set_files(full_name, number, paths))

    def add_review(
        self, full_name: str, number: int, *, login: str | None = "reviewer", state: ReviewState = "APPROVED"
    ) -> None:
        """Review the pull request now; a `login` of None stands for an account that has since been deleted."""
        self._between_requests(lambda: self._github.world.add_review(full_name, number, login=login, state=state))

    def keep_reviews(self, full_name: str, number: int, count: int) -> None:
        """Delete all reviews of the pull request except the `count` oldest."""
        self._between_requests(lambda: self._github.world.keep_reviews(full_name, number, count))

    def _between_requests(self, action: Callable[[], Result]) -> Result:
        """Run `action` on the server's event loop, or right here if the server has stopped."""
        if self._loop.is_closed():
            return action()

        async def act() -> Result:
            return action()

        return asyncio.run_coroutine_threadsafe(act(), self._loop).result(_ACTION_SECONDS)
