"""The contents of the simulated GitHub, and the changes that can be made to them during a sync."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from apps.github_simulator.actors import Actor, actor
from apps.github_simulator.git import ChangedFile, Commit, GitActor, object_id
from apps.github_simulator.model import PullRequest, Repository, Review, ReviewState
from apps.github_simulator.times import text_time

Node = Repository | PullRequest | Actor


class UnknownRepositoryError(KeyError):
    """The simulator does not have this repository or pull request."""


class World:
    """Repositories by name and by id; every change increments `version`, so that cached answers become stale."""

    def __init__(self, repositories: Iterable[Repository] = (), *, now: Callable[[], datetime]) -> None:
        self.version = 0
        self._now = now
        self._by_name: dict[str, Repository] = {}
        self._former_names: dict[str, Repository] = {}
        self._nodes: dict[str, Node] = {}
        self._ordered: dict[tuple[int, str], list[PullRequest]] = {}
        for repository in repositories:
            self.add(repository)

    @property
    def repositories(self) -> list[Repository]:
        """All repositories, in ascending order of id."""
        return sorted(self._by_name.values(), key=lambda repository: repository.database_id)

    def repository(self, full_name: str, *, follow_renames: bool = True) -> Repository | None:
        """Return the repository with this current or former name, ignoring case, or None."""
        key = full_name.lower()
        return self._by_name.get(key) or (self._former_names.get(key) if follow_renames else None)

    def node(self, node_id: str) -> Node | None:
        """Return the repository, pull request or owner with this global id, or None."""
        return self._nodes.get(node_id)

    def owner(self, login: str) -> Actor | None:
        """Return the user or organization with this login if it owns a repository, or None."""
        owners = (repository.owner for repository in self._by_name.values())
        return next((owner for owner in owners if owner.login.lower() == login.lower()), None)

    def ordered(self, repository: Repository, attribute: str) -> list[PullRequest]:
        """Return the repository's pull requests in ascending order of the attribute, then of id."""
        key = (repository.database_id, attribute)
        if key not in self._ordered:
            self._ordered[key] = sorted(
                repository.pull_requests.values(), key=lambda pr: (getattr(pr, attribute), pr.database_id)
            )
        return self._ordered[key]

    # Changes; each refers to its repository by the current name.

    def add(self, repository: Repository) -> None:
        """Add the repository, or index it again after a rename."""
        self._by_name[repository.name_with_owner.lower()] = repository
        self._nodes |= {repository.id: repository, repository.owner.id: repository.owner}
        self._nodes |= {pull_request.id: pull_request for pull_request in repository.pull_requests.values()}
        self._changed()

    def archive(self, full_name: str, *, archived: bool = True) -> None:
        """Archive the repository, or unarchive it if `archived` is false."""
        self.named(full_name).is_archived = archived
        self._changed()

    def rename(self, full_name: str, new_full_name: str, *, to_user: bool = False) -> None:
        """Rename or transfer the repository (to an organization unless `to_user`); the old name redirects to it."""
        repository = self.named(full_name)
        owner, name = new_full_name.split("/")
        del self._by_name[full_name.lower()]
        self._former_names[full_name.lower()] = repository
        repository.owner, repository.name = Actor(owner, "User" if to_user else "Organization"), name
        self.add(repository)

    def remove(self, full_name: str) -> None:
        """Remove the repository and its pull requests."""
        repository = self.named(full_name)
        del self._by_name[full_name.lower()]
        self._former_names = {old: to for old, to in self._former_names.items() if to is not repository}
        for node_id in (repository.id, *(pr.id for pr in repository.pull_requests.values())):
            self._nodes.pop(node_id, None)
        self._changed()

    def remove_pull_request(self, full_name: str, number: int) -> None:
        """Remove the pull request, as GitHub's support can."""
        pull_request = self.pull_request(full_name, number)
        del pull_request.repository.pull_requests[number]
        del self._nodes[pull_request.id]
        self._changed()

    def touch(
        self, full_name: str, number: int, *, title: str | None = None, body: str | None = None, at: datetime | None = None
    ) -> None:
        """Edit the pull request and set its update time to `at`, by default now."""
        pull_request = self.pull_request(full_name, number)
        pull_request.title = pull_request.title if title is None else title
        pull_request.body = pull_request.body if body is None else body
        self._updated(pull_request, at=at)

    def add_pull_request(self, full_name: str, *, title: str = "A new pull request", author: str = "octocat") -> PullRequest:
        """Open a pull request with one commit and one file, and return it."""
        repository = self.named(full_name)
        number = max(repository.pull_requests, default=0) + 1
        now = text_time(self._now())
        pull_request = PullRequest(
            repository=repository,
            number=number,
            title=title,
            body="",
            state="OPEN",
            author=actor(author),
            created_at=now,
            updated_at=now,
            head_ref_name=f"patch-{number}",
            head_repository=repository,
            commits=[self._commit(f"{full_name}#{number}", message=title, author=author)],
            files=[ChangedFile("README.md", 1, 0)],
        )
        repository.pull_requests[number] = pull_request
        self._nodes[pull_request.id] = pull_request
        self._changed()
        return pull_request

    def force_push(self, full_name: str, number: int, *, messages: Sequence[str], files: Sequence[str] | None) -> None:
        """Replace the commits with one per message and, if `files` is given, the files with one per path."""
        pull_request = self.pull_request(full_name, number)
        author = pull_request.author.login if pull_request.author else "ghost"
        pull_request.commits = [
            self._commit(f"{full_name}#{number}:{self.version}:{index}", message=message, author=author)
            for index, message in enumerate(messages)
        ]
        if files is not None:
            pull_request.files = [ChangedFile(path, 1, 1) for path in sorted(files)]
        self._updated(pull_request)

    def set_files(self, full_name: str, number: int, paths: Iterable[str]) -> None:
        """Replace the pull request's files with exactly these paths."""
        pull_request = self.pull_request(full_name, number)
        known = {file.path: file for file in pull_request.files}
        pull_request.files = [known.get(path) or ChangedFile(path, 1, 0, "ADDED") for path in sorted(set(paths))]
        self._updated(pull_request)

    def add_review(self, full_name: str, number: int, *, login: str | None, state: ReviewState = "APPROVED") -> None:
        """Add a review submitted now; a login of None stands for a deleted account."""
        pull_request = self.pull_request(full_name, number)
        now = text_time(self._now())
        newest = max((review.database_id for review in pull_request.reviews), default=pull_request.database_id * 10_000)
        review = Review(newest + 1, actor(login) if login else None, state, now, None if state == "PENDING" else now)
        pull_request.reviews = [*pull_request.reviews, review]
        self._updated(pull_request)

    def keep_reviews(self, full_name: str, number: int, count: int) -> None:
        """Keep only the `count` oldest reviews of the pull request."""
        pull_request = self.pull_request(full_name, number)
        pull_request.reviews = pull_request.reviews[:count]
        self._updated(pull_request)

    def pull_request(self, full_name: str, number: int) -> PullRequest:
        """Return the pull request, or raise UnknownRepositoryError."""
        try:
            return self.named(full_name).pull_requests[number]
        except KeyError:
            raise UnknownRepositoryError(f"{full_name}#{number} is not in this simulator") from None

    def named(self, full_name: str) -> Repository:
        """Return the repository with this current name, or raise UnknownRepositoryError."""
        try:
            return self._by_name[full_name.lower()]
        except KeyError:
            known = ", ".join(repository.name_with_owner for repository in self.repositories)
            raise UnknownRepositoryError(f"{full_name} is not in this simulator, which has {known}") from None

    def _commit(self, seed: str, *, message: str, author: str) -> Commit:
        now = text_time(self._now())
        return Commit(object_id(seed, now), message, GitActor(author, actor(author), now), now, now, 1, 1)

    def _updated(self, pull_request: PullRequest, *, at: datetime | None = None) -> None:
        pull_request.updated_at = text_time(at or self._now())
        self._changed()

    def _changed(self) -> None:
        self.version += 1
        self._ordered.clear()
