"""Draw a trace as a waterfall: a line for each span or group, with a bar on the run's time axis.

Work is solid, in the colour of what it did; a wait is dotted, in the colour of what it was for; a mere container is a
thin line. Failures and deaths are red, and `*` marks the path that decided how long the run took.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from rich.cells import cell_len

from apps.console.terminal.colours import ASIDE, BAD, OF_PART, PLAIN, STRONG, Pieces
from apps.console.terminal.fitting import wrapped
from apps.console.terminal.time_axis import Axis, axis_over
from apps.console.terminal.trace_tree import Entry, duration, entries_of
from apps.explain.activities import ROOT
from apps.explain.decomposition import Decomposition
from apps.explain.idle import at_work
from apps.explain.parts import WAITING, Part, part_of
from telemetry import visible
from telemetry.reading import Node, Span, roots_of

_WORK, _WAIT, _CONTAINS, _IDLE, _NOTHING = "█", "░", "─", "┊", " "
_DURATION_WIDTH = 9
_LABELS_AT = _DURATION_WIDTH + 3  # the mark of the critical path, and two spaces
_NARROWEST_BAR, _WIDEST_BAR = 16, 60
_BAR_SHARE = 0.34

Cells = list[tuple[str, str]]
"""For each column of the axis, the character drawn there and its colour."""


def waterfall(
    spans: Sequence[Span],
    time: Decomposition,
    *,
    width: int,
    reserved: Collection[str] = (),
    roots: Sequence[Node] | None = None,
    each: bool = False,
    limit: int | None = None,
) -> Iterator[Pieces]:
    """Yield the waterfall's lines, at most `limit` spans or groups.

    `roots` are the trees shown, by default all; with `each`, every span has its own line.
    """
    columns = max(_NARROWEST_BAR, min(_WIDEST_BAR, int(width * _BAR_SHARE)))
    axis = axis_over(time.start_ns, time.end_ns, columns, at_work(spans))
    critical = time.on_path(spans)
    layout = _Layout(width=width, axis=axis, time=time)
    yield layout.scale()
    shown = entries_of(spans, roots_of(spans) if roots is None else roots, reserved=reserved, each=each)
    for number, (depth, entry) in enumerate(shown):
        if number == limit:
            yield [(f"… and more: {len(spans):,} spans in all; --all-spans shows each, --errors what failed", ASIDE)]
            break
        yield from layout.lines(depth, entry, is_critical=any(span.span_id in critical for span in entry.spans))
    yield from layout.legend()


class _Layout:
    """Lays out a waterfall's lines for a terminal's width: duration, mark, label, and the bar on the right."""

    def __init__(self, *, width: int, axis: Axis, time: Decomposition) -> None:
        self._width, self._axis, self._time = width, axis, time
        self._room = max(1, width - _LABELS_AT - axis.columns - 1)  # for a label beside its bar

    def scale(self) -> Pieces:
        """Return the heading, which says how long the axis is."""
        whole = duration(self._time.wall_sec * 1000)
        scale = f"0{whole:>{self._axis.columns - 1}}"
        return [(" " * (_LABELS_AT + self._room + 1) + scale, ASIDE)]

    def lines(self, depth: int, entry: Entry, *, is_critical: bool) -> Iterator[Pieces]:
        """Yield an entry with its bar next to its label, whose words are not broken."""
        colour = BAD if entry.is_bad else PLAIN
        first, rest = self._label(entry.label, depth)
        head = f"{duration(entry.duration_ms):>{_DURATION_WIDTH}} "
        line = [(head, ASIDE), ("* " if is_critical else "  ", STRONG), (first, colour)]
        before_bar = self._room + 1 - cell_len(first)
        if before_bar < 1:  # its first word takes the bar's room, so the bar goes below
            yield line
            line, before_bar = [], _LABELS_AT + self._room + 1
        yield [*line, (" " * before_bar, PLAIN), *_joined(self._bar(entry))]
        yield from ([(" " * _LABELS_AT + one, colour)] for one in rest)

    def legend(self) -> Iterator[Pieces]:
        """Yield the meaning of signs that the table of times does not explain."""
        signs = "* on the path that decided how long it took  █ work  ░ a wait  ─ contains others"
        for one in wrapped(signs, self._width):
            yield [(one, ASIDE)]
        for idle in self._axis.idle:
            length = duration((idle.end_ns - idle.start_ns) / 1e6)
            begins = duration((idle.start_ns - self._axis.start_ns) / 1e6)
            said = f"{_IDLE} nothing was at work for {length} from {begins} on: left out of the axis"
            for one in wrapped(said, self._width, hang=2):
                yield [(one, ASIDE)]

    def _label(self, label: str, depth: int) -> tuple[str, list[str]]:
        """Return the text next to the bar, and the lines below, which may be as wide as the terminal."""
        indent = "  " * min(depth, self._room // 6)
        words = visible(label).split(" ")
        first = indent + words[0]
        at = 1
        while at < len(words) and cell_len(f"{first} {words[at]}") <= self._room:
            first, at = f"{first} {words[at]}", at + 1
        rest = " ".join(words[at:]).strip()
        hang = f"{indent}  "
        below = wrapped(rest, self._width - _LABELS_AT - len(hang)) if rest else []
        return first.rstrip(), [hang + one for one in below]

    def _bar(self, entry: Entry) -> Cells:
        axis = self._axis
        cells: Cells = [(_NOTHING, PLAIN)] * axis.columns
        for idle in axis.idle:
            cells[min(idle.column, axis.columns - 1)] = (_IDLE, ASIDE)
        if entry.spans[0].name == ROOT and entry.spans[0].start_ns <= self._time.start_ns:
            for stretch in self._time.path:
                _paint(cells, axis.cells(stretch.start_ns, stretch.end_ns), _sign(stretch.part), OF_PART[stretch.part])
            return cells
        for span in entry.spans:
            sign, colour = _drawn(span)
            _paint(cells, axis.cells(span.start_ns, span.end_ns), sign, BAD if entry.is_bad else colour)
        return cells


def _drawn(span: Span) -> tuple[str, str]:
    part = part_of(span)
    return (_CONTAINS, ASIDE) if part is None else (_sign(part), OF_PART[part])


def _sign(part: Part) -> str:
    return _WAIT if part in WAITING else _WORK


def _paint(cells: Cells, columns: range, sign: str, colour: str) -> None:
    for column in columns:
        if column < len(cells):
            cells[column] = (sign, colour)


def _joined(cells: Cells) -> Iterator[tuple[str, str]]:
    """Yield neighbours of the same colour as one piece."""
    text, colour = "", PLAIN
    for sign, its_colour in cells:
        if its_colour != colour and text:
            yield text, colour
            text = ""
        text, colour = text + sign, its_colour
    yield text, colour


def chosen(roots: Sequence[Node], wanted: Callable[[Span], bool], *, with_all_below: bool) -> list[Node]:
    """Return the trees reduced to the wanted spans, their ancestors and, if asked for, their descendants."""
    found = []
    for node in roots:
        below = chosen(node.children, wanted, with_all_below=with_all_below)
        if wanted(node.span):
            found.append(node if with_all_below else Node(node.span, tuple(below)))
        elif below:
            found.append(Node(node.span, tuple(below)))
    return found
