"""What a user may see and do: the only rule, for every page, file and stream of the console."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import Case, F, Model, Q, QuerySet, When

from apps.integrations.models import ApiLane, PipelineRun, PointsSpent, RepoSync
from apps.pulls.models import PullRequest
from apps.repositories.models import GitHubConnection, TrackedRepository
from apps.teams.models import Membership, Team

_M = TypeVar("_M", bound=Model)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """The teams whose data somebody sees (None for all), and those in which they may act.

    Members see what their teams have; owners also connect its accounts, and start, resume and cancel its runs; staff see and
    may do everything. Two users of the same sight see the same pages.
    """

    teams: frozenset[int] | None
    owned: frozenset[int]

    @classmethod
    def of(cls, user: AbstractBaseUser | AnonymousUser) -> Sight:
        """Return what a user sees: nothing unless they are signed in and active."""
        if not (user.is_authenticated and user.is_active):
            return cls(teams=frozenset(), owned=frozenset())
        if getattr(user, "is_staff", False):
            return cls.by(is_staff=True, roles={})
        roles = Membership.objects.filter(user_id=user.pk).values_list("team_id", "role")
        return cls.by(is_staff=False, roles=dict(roles))

    @classmethod
    def by(cls, *, is_staff: bool, roles: Mapping[int, str]) -> Sight:
        """Return what somebody with these roles, by team, sees."""
        if is_staff:
            return cls(teams=None, owned=frozenset())
        owned = frozenset(team for team, role in roles.items() if role == Membership.Role.OWNER)
        return cls(teams=frozenset(roles), owned=owned)

    def may_act_for(self, team_id: int) -> bool:
        """Return whether they may connect accounts of a team, and start, resume and cancel its runs."""
        return self.teams is None or team_id in self.owned

    @property
    def may_act(self) -> bool:
        """Whether they may do so for any team."""
        return self.teams is None or bool(self.owned)

    @property
    def may_make_teams(self) -> bool:
        """Whether they may create a team, which nobody owns yet."""
        return self.teams is None

    def teams_to_act_for(self) -> QuerySet[Team]:
        """Return the teams for which they may."""
        return Team.objects.all() if self.teams is None else Team.objects.filter(pk__in=self.owned)

    def require_acting_for(self, team_id: int) -> None:
        """Raise PermissionDenied unless they may act for a team."""
        if not self.may_act_for(team_id):
            raise PermissionDenied

    def has(self, team_id: int) -> bool:
        """Return whether they see what a team has."""
        return self.teams is None or team_id in self.teams

    def all_teams(self) -> QuerySet[Team]:
        """Return the teams they see."""
        return self._within(Team.objects.all(), "pk")

    def runs(self) -> QuerySet[PipelineRun]:
        """Return the runs they see."""
        return self._within(PipelineRun.objects.all(), "team")

    def repo_syncs(self) -> QuerySet[RepoSync]:
        """Return the repositories in runs that they see."""
        return self._within(RepoSync.objects.all(), "run__team")

    def repositories(self) -> QuerySet[TrackedRepository]:
        """Return the tracked repositories they see."""
        return self._within(TrackedRepository.objects.all(), "team")

    def memberships(self) -> QuerySet[Membership]:
        """Return who belongs to the teams they see."""
        return self._within(Membership.objects.all(), "team")

    def connections(self) -> QuerySet[GitHubConnection]:
        """Return the connections with accounts that they see."""
        return self._within(GitHubConnection.objects.all(), "team")

    def lanes(self) -> QuerySet[ApiLane]:
        """Return what is known of the limits of the accounts that they see."""
        return ApiLane.objects.filter(account__in=self.connections().values("account"))

    def points_spent(self) -> QuerySet[PointsSpent]:
        """Return the points spent with accounts they see, even by others, whose identity only `team_if_seen` shows."""
        return PointsSpent.objects.filter(connection__account__in=self.connections().values("account"))

    def team_if_seen(self, path: str) -> Case | F:
        """Return an expression for the team at `path` of a row, null if they do not see the team."""
        return F(path) if self.teams is None else Case(When(**{f"{path}__in": self.teams}, then=F(path)))

    def pull_requests(self) -> QuerySet[PullRequest]:
        """Return the pull requests they see."""
        return self._within(PullRequest.objects.all(), "repository__team")

    def _within(self, rows: QuerySet[_M], path: str) -> QuerySet[_M]:
        return rows if self.teams is None else rows.filter(Q(**{f"{path}__in": self.teams}))
