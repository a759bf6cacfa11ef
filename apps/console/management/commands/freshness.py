"""Run `manage.py freshness`: list repositories against their teams' promises, worst first, and what to do."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError

from apps.console.freshness_reports import FreshnessReport, report_on
from apps.console.terminal.colours import BAD, FINE, PLAIN, STRONG, UNDECIDED
from apps.console.terminal.printing import PrintingCommand, text
from apps.integrations.freshness import Freshness, with_freshness
from apps.repositories.models import TrackedRepository
from apps.teams.models import Team
from apps.utils import clock
from telemetry.timestamps import iso_seconds

_COLOURS: Mapping[Freshness, str] = {
    Freshness.NEEDS_YOU: BAD,
    Freshness.FAILED: BAD,
    Freshness.DELAYED: UNDECIDED,
    Freshness.NEVER_SYNCED: PLAIN,
    Freshness.ON_TIME: FINE,
}


class Command(PrintingCommand):
    """List how fresh repositories are."""

    help = "List repositories against their teams' promises, worst first: how fresh each is, why, and what to do about it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take which repositories to list, and how."""
        parser.add_argument("--team", metavar="SLUG", type=text, help="only this team's")
        parser.add_argument("--late", action="store_true", help="only those that are not on time")
        parser.add_argument("--check", action="store_true", help="exit with 1 unless each is on time, for a monitor")
        parser.add_argument("--format", choices=("text", "json"), default="text", help="json: one object per repository")

    def handle(self, *_: Any, **options: Any) -> None:
        """List them."""
        rows = TrackedRepository.objects.select_related("team")
        if (slug := options["team"]) is not None:
            if not Team.objects.filter(slug=slug).exists():
                raise CommandError(f"There is no team {slug}.")
            rows = rows.filter(team__slug=slug)
        now = clock.now()
        ordered = with_freshness(rows, now=now).order_by("freshness", "full_name", "pk")
        found = report_on(ordered, now=now)
        late = [each for each in found if each.state != Freshness.ON_TIME]
        for each in late if options["late"] else found:
            self.say_json(_as_json(each)) if options["format"] == "json" else self._say_report(each)
        if options["format"] == "text" and not found:
            self.say_wrapped("No repository is tracked yet.")
        if options["check"] and late:
            raise CommandError(f"{len(late)} of {len(found)} are not on time.")

    def _say_report(self, each: FreshnessReport) -> None:
        name = f"{each.repository.full_name}  team {each.repository.team.slug}"
        self.say_pieces([(each.state.word.ljust(_WIDTH), _COLOURS[each.state]), ("  ", PLAIN), (name, STRONG)])
        for said in filter(None, (each.sentence, each.advice)):
            self.say_wrapped(f"{' ' * _WIDTH}  {said}")


_WIDTH = max(len(state.word) for state in Freshness)


def _as_json(each: FreshnessReport) -> dict[str, Any]:
    return {
        "repository": each.repository.full_name,
        "team": each.repository.team.slug,
        "state": each.state.word,
        "fresh_at": None if each.fresh_at is None else iso_seconds(each.fresh_at),
        "promised_hours": each.repository.team.promised_hours,
        "run": None if each.newest is None else each.newest.run_id,
        "sentence": each.sentence,
        "advice": each.advice,
    }
