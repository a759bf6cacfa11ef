"""Run `manage.py invite NAME`: print a link that lets somebody choose a password, once."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from apps.console.invitations import invite
from apps.console.terminal.printing import PrintingCommand
from apps.teams.models import Membership, Team

_MOST_HOURS = 24 * 30


class Command(PrintingCommand):
    """Invite a user."""

    help = "Print a link that lets somebody choose a password, once: a new user, or one who has lost theirs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the user's name, and what the user may see."""
        parser.add_argument("name", metavar="NAME", help="the user's name")
        parser.add_argument("--team", metavar="SLUG", help="a team the user is to belong to; it is made if there is none")
        parser.add_argument("--role", choices=Membership.Role.values, default=Membership.Role.MEMBER)
        parser.add_argument("--staff", action="store_true", help="let the user see every team, and Django's admin")
        parser.add_argument("--first", action="store_true", help="do so only while nobody has an account")
        parser.add_argument("--hours", type=int, default=48, help="how long the link works (48)")

    def handle(self, *_: Any, **options: Any) -> None:
        """Invite, and print the link."""
        name, slug = options["name"], options["team"]
        try:
            User(username=name).clean_fields(exclude=["password"])
            if slug is not None:
                Team(slug=slug, name=slug).clean_fields()
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        if not 0 < options["hours"] <= _MOST_HOURS:
            raise CommandError(f"--hours is a number from 1 to {_MOST_HOURS}.")
        if not (slug or options["staff"] or User.objects.filter(username=name).exists()):
            raise CommandError(f"{name} would see nothing: add --team SLUG, or --staff.")
        if options["first"] and User.objects.exists():
            self.say(f"The console: {settings.SYNCTRACE_WEB_URL}")
            return
        team = None if slug is None else Team.objects.get_or_create(slug=slug, defaults={"name": slug})[0]
        invited = invite(
            username=name,
            team=team,
            role=options["role"],
            is_staff=options["staff"],
            lasts=timedelta(hours=options["hours"]),
        )
        if options["first"]:
            self.say_wrapped("Nobody has an account yet. Choose a password at:")
        self.say(invited.link)
        self.say_wrapped(f"It works once, until {invited.invitation.expires_at:%Y-%m-%d %H:%M} UTC.")
