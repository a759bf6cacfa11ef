"""Run `manage.py trace [NAME]`: draw a run's trace, as a waterfall at a terminal, else as a tree with durations."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Collection, Sequence
from typing import Any

from django.core.management.base import CommandError

from apps import catalog
from apps.console.lookup import NotFoundError, asked_by, is_of_one_run, run_of, trace_ids, trace_of_task
from apps.console.reading import ReadingCommand
from apps.console.terminal.time_table import time_pieces
from apps.console.terminal.trace_tree import is_bad, tree_lines
from apps.console.terminal.waterfall import chosen, waterfall
from apps.explain.decomposition import Decomposition
from apps.explain.evidence import reserved_roots, time_in
from apps.explain.known_runs import KnownRun, Register, is_like
from apps.explain.parts import key_of
from apps.explain.runs_in_rows import Rows
from apps.explain.sources import spans_of_run
from apps.integrations.models import PipelineRun
from telemetry.reading import Files, Node, Span, roots_of
from telemetry.timestamps import unix_nanoseconds

_FULL_NAME = key_of(catalog.RepoSync, "full_name")
_SHOWN = 200


class Command(ReadingCommand):
    """Draw a run's trace."""

    help = "Draw a run's trace with durations, say where the time went, and which traces it is linked to."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take whose trace to draw, and what of it."""
        self.add_name(parser)
        parser.add_argument("--all-spans", action="store_true", help="every span on a line of its own, and no limit")
        parser.add_argument("--errors", action="store_true", help="only what failed or died, and what it is in")
        parser.add_argument("--repository", metavar="GLOB", help="only such repositories: 'acme/*', 'api-*'")

    def handle(self, *_: Any, **options: Any) -> None:
        """Draw the tree, the table of times, and the linked traces."""
        source, register = self.open()
        known, trace_id = self._named(register, options["name"], source=source)
        is_in_rows = known is not None and isinstance(register, Rows)
        run = PipelineRun.objects.get(pk=known.number) if known is not None and is_in_rows else None
        began = None if known is None else unix_nanoseconds(known.started_at)
        spans = spans_of_run(source if began is None else source.within(began), trace_id)
        if not spans:
            where = f"is in {source.traces}" if source.traces else "can be read: the environment names no file of spans"
            raise CommandError(f"No span of {f'run {known.number}' if known else trace_id} {where}.")
        runs = [] if run is None else [run]
        if known is not None:
            why = f": {known.cause}" if known.cause else ""
            self.say_wrapped(f"run {known.number}  {known.kind}  {known.state}{why}")
            self.say_wrapped(f"{known.names}  trace {trace_id}")
        if run is not None and run.ended_at is None:
            self.say_wrapped("It is still running: its root span comes when it ends.")
        time = time_in(spans, runs)
        self._draw(spans, time, options, reserved=reserved_roots(runs))
        self.say("")
        for line in time_pieces(time, width=self.width):
            self.say_pieces(line)
        for other, what in trace_ids(run)[1].items() if run is not None else ():
            self.say_wrapped(f"linked: {other}  {what}")

    def _named(self, register: Register, name: str | None, *, source: Files) -> tuple[KnownRun | None, str]:
        """Return the named run and its trace; for a trace that is not a run's, or a task in one, only the trace."""
        try:
            asked = asked_by(name) if name is not None else None
        except NotFoundError as error:
            raise CommandError(str(error)) from error
        if asked is not None and is_of_one_run(asked) and asked.number is None:
            known = run_of(register, asked, source=source)
            trace_id = asked.trace_id or trace_of_task(source, str(asked.task_id))
            if known is None and trace_id is not None:
                return None, trace_id
        known = self.chosen(register, name, source=source).run
        return known, known.trace_id

    def _draw(
        self, spans: Sequence[Span], time: Decomposition, options: dict[str, Any], *, reserved: Collection[str]
    ) -> None:
        roots = _chosen(spans, options)
        limit = None if options["all_spans"] else _SHOWN
        if self.width is None:
            for line in tree_lines(spans, roots=roots, reserved=reserved, each=options["all_spans"], limit=limit):
                self.say(line)
            return
        drawn = waterfall(
            spans, time, width=self.width, roots=roots, reserved=reserved, each=options["all_spans"], limit=limit
        )
        for pieces in drawn:
            self.say_pieces(pieces)


def _chosen(spans: Sequence[Span], options: dict[str, Any]) -> Sequence[Node]:
    """Return the trees that the options ask for."""
    roots: Sequence[Node] = roots_of(spans)
    if (pattern := options["repository"]) is not None:
        of_repositories = [span.attributes for span in spans if _FULL_NAME in span.attributes]
        names = {attributes[_FULL_NAME]: attributes.get("repo_id") for attributes in of_repositories}
        like = {repo_id for name, repo_id in names.items() if is_like(str(name), pattern)}
        if not like:
            there = ", ".join(sorted(map(str, names))) or "none"
            raise CommandError(f"No repository like {pattern!r} is in this trace: there are {there}.")
        roots = chosen(roots, lambda span: span.attributes.get("repo_id") in like, with_all_below=True)
    if options["errors"]:
        roots = chosen(roots, is_bad, with_all_below=False)
        if not roots:
            raise CommandError("Nothing in this trace failed or died.")
    return roots
