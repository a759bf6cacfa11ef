"""Everything the simulated GitHub holds, and the changes that people may make to it during a sync."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from apps.github_simulator.actors import Actor, actor
from apps.github_simulator.git import ChangedFile, Commit, GitActor
from apps.github_simulator.identity import object_id
from apps.github_simulator.model import PullRequest, Repository, Review, ReviewState
from apps.github_simulator.times import format_time

Node = Repository | PullRequest | Actor
SortKey = Callable[[PullRequest], tuple[str, int]]


class UnknownRepositoryError(KeyError):
    """The simulator has no such repository or pull request."""


class World:
    """Repositories by name and id. Every change increments `version`, so that answers cached before it can be dropped."""

    def __init__(self, repositories: Iterable[Repository] = (), *, now: Callable[[], datetime]) -> None:
        """Start with `repositories`; `now` dates later changes."""
        self.version = 0
        self._now = now
        self._by_name: dict[str, Repository] = {}
        self._former_names: dict[str, Repository] = {}
        self._nodes: dict[str, Node] = {}
        self._ordered: dict[tuple[int, SortKey], list[PullRequest]] = {}
        for repository in repositories:
            self.add(repository)

    @property
    def repositories(self) -> list[Repository]:
        """All repositories in the order of their ids."""
        return sorted(self._by_name.values(), key=lambda repository: repository.database_id)

    def find_repository(self, full_name: str, *, follow_renames: bool = True) -> Repository | None:
        """Return the repository that has this name or had it before, if there is one; case is ignored."""
        key = full_name.lower()
        return self._by_name.get(key) or (self._former_names.get(key) if follow_renames else None)

    def find_node(self, node_id: str) -> Node | None:
        """Return the repository, pull request or owner with this global id, if there is one."""
        return self._nodes.get(node_id)

    def find_owner(self, login: str) -> Actor | None:
        """Return the user or organization that owns a repository here, if there is one; case is ignored."""
        owners = (repository.owner for repository in self._by_name.values())
        return next((owner for owner in owners if owner.login.lower() == login.lower()), None)

    def ordered(self, repository: Repository, *, by: SortKey) -> list[PullRequest]:
        """Return the repository's pull requests in ascending order of the key `by`."""
        key = (repository.database_id, by)
        if key not in self._ordered:
            self._ordered[key] = sorted(repository.pull_requests.values(), key=by)
        return self._ordered[key]

    # The methods below take a repository's current name, and raise UnknownRepositoryError for any other.

    def repository(self, full_name: str) -> Repository:
        """Return the repository of this name."""
        try:
            return self._by_name[full_name.lower()]
        except KeyError:
            known = ", ".join(repository.name_with_owner for repository in self.repositories)
            raise UnknownRepositoryError(f"{full_name} is not in this simulator, which has {known}") from None

    def pull_request(self, full_name: str, number: int) -> PullRequest:
        """Return the repository's pull request of this number."""
        try:
            return self.repository(full_name).pull_requests[number]
        except KeyError:
            raise UnknownRepositoryError(f"{full_name}#{number} is not in this simulator") from None

    def add(self, repository: Repository) -> None:
        """Add a repository."""
        self._by_name[repository.name_with_owner.lower()] = repository
        self._nodes |= {repository.id: repository, repository.owner.id: repository.owner}
        self._nodes |= {pull_request.id: pull_request for pull_request in repository.pull_requests.values()}
        self._changed()

    def archive(self, full_name: str, *, archived: bool = True) -> None:
        """Archive the repository, or undo that."""
        self.repository(full_name).is_archived = archived
        self._changed()

    def rename(self, full_name: str, new_full_name: str, *, to_user: bool = False) -> None:
        """Rename or transfer the repository and redirect its old name.

        A new owner is an organization, or a user if `to_user` is set.
        """
        repository = self.repository(full_name)
        owner, name = new_full_name.split("/")
        del self._by_name[full_name.lower()]
        self._former_names[full_name.lower()] = repository
        repository.owner, repository.name = Actor(owner, "User" if to_user else "Organization"), name
        self.add(repository)

    def remove(self, full_name: str) -> None:
        """Delete the repository with its pull requests."""
        repository = self.repository(full_name)
        del self._by_name[full_name.lower()]
        self._former_names = {old: to for old, to in self._former_names.items() if to is not repository}
        for node_id in (repository.id, *(pull_request.id for pull_request in repository.pull_requests.values())):
            self._nodes.pop(node_id, None)
        self._changed()

    def add_pull_request(self, full_name: str, *, title: str = "A new pull request", author: str = "octocat") -> PullRequest:
        """Open a pull request with one commit and one file now."""
        repository = self.repository(full_name)
        number = max(repository.pull_requests, default=0) + 1
        now = format_time(self._now())
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
            files=[ChangedFile(path="README.md", additions=1, deletions=0)],
        )
        repository.pull_requests[number] = pull_request
        self._nodes[pull_request.id] = pull_request
        self._changed()
        return pull_request

    def remove_pull_request(self, full_name: str, number: int) -> None:
        """Delete the pull request, as GitHub's support can."""
        pull_request = self.pull_request(full_name, number)
        del pull_request.repository.pull_requests[number]
        del self._nodes[pull_request.id]
        self._changed()

    def touch(
        self, full_name: str, number: int, *, title: str | None = None, body: str | None = None, at: datetime | None = None
    ) -> None:
        """Edit the pull request at `at`, by default now, which makes it the most recently updated one."""
        pull_request = self.pull_request(full_name, number)
        pull_request.title = pull_request.title if title is None else title
        pull_request.body = pull_request.body if body is None else body
        self._updated(pull_request, at=at)

    def force_push(self, full_name: str, number: int, *, messages: Sequence[str], files: Sequence[str] | None) -> None:
        """Replace the pull request's commits, one per message, and its files, one per path, unless `files` is None."""
        pull_request = self.pull_request(full_name, number)
        author = pull_request.author.login if pull_request.author else "ghost"
        pull_request.commits = [
            self._commit(f"{full_name}#{number}:{self.version}:{index}", message=message, author=author)
            for index, message in enumerate(messages)
        ]
        if files is not None:
            pull_request.files = [ChangedFile(path=path, additions=1, deletions=1) for path in sorted(files)]
        self._updated(pull_request)

    def set_files(self, full_name: str, number: int, paths: Iterable[str]) -> None:
        """Make the pull request change exactly these files; those that it changed already stay as they are."""
        pull_request = self.pull_request(full_name, number)
        current = {file.path: file for file in pull_request.files}
        pull_request.files = [
            current.get(path) or ChangedFile(path=path, additions=1, deletions=0, change_type="ADDED")
            for path in sorted(set(paths))
        ]
        self._updated(pull_request)

    def add_review(self, full_name: str, number: int, *, login: str | None, state: ReviewState = "APPROVED") -> None:
        """Review the pull request now; a `login` of None stands for an account that has since been deleted."""
        pull_request = self.pull_request(full_name, number)
        now = format_time(self._now())
        newest = max((review.database_id for review in pull_request.reviews), default=pull_request.review_id(0))
        review = Review(
            database_id=newest + 1,
            author=actor(login) if login else None,
            state=state,
            created_at=now,
            submitted_at=None if state == "PENDING" else now,
        )
        pull_request.reviews = [*pull_request.reviews, review]
        self._updated(pull_request)

    def keep_reviews(self, full_name: str, number: int, count: int) -> None:
        """Delete all reviews of the pull request except the `count` oldest."""
        pull_request = self.pull_request(full_name, number)
        pull_request.reviews = pull_request.reviews[:count]
        self._updated(pull_request)

    def _commit(self, seed: str, *, message: str, author: str) -> Commit:
        now = format_time(self._now())
        return Commit(
            oid=object_id(seed, now),
            message=message,
            author=GitActor(name=author, user=actor(author), date=now),
            authored_date=now,
            committed_date=now,
            additions=1,
            deletions=1,
        )

    def _updated(self, pull_request: PullRequest, *, at: datetime | None = None) -> None:
        pull_request.updated_at = format_time(at or self._now())
        self._changed()

    def _changed(self) -> None:
        self.version += 1
        self._ordered.clear()
