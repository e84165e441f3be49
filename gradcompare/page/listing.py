"""The source under test with a verdict on each line; what has none is folded away."""

from __future__ import annotations

import ast
import difflib
import re
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup, escape
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from gradcompare.judging.verdict import Finding
from gradcompare.report import Report, place

CONTEXT = 3
"""Lines without a verdict that are shown around one that has one."""
MOST_FOLDED = 2_000
"""So many lines may be folded away in all; of a longer file those around are left out."""
LONGEST_STATEMENT = 30
"""Lines."""
LONGEST = 400
"""Characters of a line."""


@dataclass(frozen=True)
class Line:
    """A line of the source: its number as the reader counts, its code as HTML, and the findings made there."""

    number: int
    code: Markup
    place: str
    findings: tuple[Finding, ...] = ()
    fixes: tuple[tuple[str, Markup], ...] = ()
    """What should stand there instead, for each probable mistake, and the same with what is new marked."""
    removed: Markup | None = None
    """The code with what should go marked, where something should."""


@dataclass(frozen=True)
class Block:
    """Lines in a row, shown or folded away; `left_out` is how many are not even there."""

    lines: tuple[Line, ...]
    folded: bool = False
    left_out: int = 0
    cell: int | None = None
    """The code cell of a notebook that begins here."""


@dataclass
class Text:
    """A file's lines, and where its findings belong."""

    lines: Sequence[str]
    cells: Mapping[int, tuple[int, int]] = field(default_factory=dict)

    def number(self, line: int, cell: int | None) -> int:
        """The line of the text, of one that a notebook's reader counts from the beginning of its cell."""
        if cell is None:
            return line
        return next((n for n, place in self.cells.items() if place == (cell, line)), 0)

    def holds(self, line: int, source: str) -> bool:
        """Whether a line is one of a statement's: code can come from another file too."""
        if not 1 <= line <= len(self.lines) or not self.lines[line - 1].strip():
            return False
        first = _squeezed(source.strip().partition("\n")[0])
        near = [_squeezed(text) for text in self.lines[max(0, line - LONGEST_STATEMENT) : line]]
        return near[-1] in _squeezed(source) or any(first in text for text in near)


def listing(report: Report, clean: Callable[[str], str]) -> list[Block]:
    """The blocks of the source; empty where no line is known.

    `clean` makes characters visible that a page cannot hold.
    """
    text = Text(report.source.text.removesuffix("\n").split("\n"), report.source.cells) if report.source else Text([])
    found = _findings(report, text)
    if not found:
        return _without_text(report, clean)
    fixes = _fixes(report, text, found)
    marked = {*found, *fixes}
    shown = _shown(marked, text.lines)
    code = _highlighted([clean(line[:LONGEST]) for line in text.lines], shown)
    lines = {n: _line(n, text, code[n], found.get(n, []), fixes.get(n, []), clean) for n in code}
    return _blocks(lines, shown, text)


def _findings(report: Report, text: Text) -> dict[int, list[Finding]]:
    found: dict[int, list[Finding]] = {}
    for finding in report.tensors:
        if finding.line is not None:
            number = text.number(finding.line, finding.cell)
            if text.holds(number, finding.source):
                found.setdefault(number, []).append(finding)
    return found


def _fixes(report: Report, text: Text, found: Collection[int]) -> dict[int, list[str]]:
    """What should stand on a line, unless the findings on it turned out to belong to another file."""
    elsewhere = {text.number(f.line, f.cell) for f in report.tensors if f.line is not None} - set(found)
    fixes: dict[int, list[str]] = {}
    for diagnosis in report.diagnosis:
        line, fix = text.number(diagnosis.get("line") or 0, diagnosis.get("cell")), diagnosis.get("fix")
        if line and fix and line <= len(text.lines) and line not in elsewhere and fix not in fixes.get(line, []):
            fixes.setdefault(line, []).append(fix)
    return fixes


def _shown(marked: Collection[int], lines: Sequence[str]) -> set[int]:
    near = {n + d for n in marked for d in range(-CONTEXT, CONTEXT + 1)}
    shown = {n for n in near if 1 <= n <= len(lines)}
    blank = {n for n in shown if not lines[n - 1].strip()}
    while edges := {n for n in shown & blank if not {n - 1, n + 1} <= shown}:
        shown -= edges
    for n in sorted(shown):  # a fold of a line or two hides nothing worth hiding
        gap = range(n + 1, min((k for k in shown if k > n), default=n))
        shown |= set(gap) if len(gap) <= CONTEXT else set()
    return shown


def _highlighted(lines: Sequence[str], shown: Collection[int]) -> dict[int, Markup]:
    """The HTML of the lines that are shown or folded away, by number."""
    first, last = min(shown), max(shown)
    room = max(MOST_FOLDED - (last - first), 0)
    begin, end = max(1, first - room // 2), min(len(lines), last + room // 2)
    formatter = HtmlFormatter(nowrap=True, classprefix="c-")
    html = highlight("\n".join(lines[begin - 1 : end]), PythonLexer(stripnl=False, ensurenl=False), formatter)
    return {begin + i: Markup(line) for i, line in enumerate(html.split("\n")[: end - begin + 1])}


def _line(
    n: int, text: Text, code: Markup, findings: Sequence[Finding], fixes: Sequence[str], clean: Callable[[str], str]
) -> Line:
    cell, number = text.cells.get(n, (None, n))
    before = text.lines[n - 1]
    removed, added = None, []
    for fix in fixes if is_statement(before) else ():
        gone, new = changed(clean(before.strip()), clean(fix))
        indent = Markup(clean(before[: len(before) - len(before.lstrip())]))
        removed = removed or indent + gone
        added.append((fix, indent + new))
    return Line(number, code, place(number, cell), tuple(findings), tuple(added), removed)


def is_statement(line: str) -> bool:
    """Whether it is a statement on a line of its own, and not a part of one."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(line.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def changed(before: str, after: str) -> tuple[Markup, Markup]:
    """Two statements, what differs marked in each: `<del>` in the first and `<ins>` in the second."""
    a, b = re.findall(r"\w+|\s+|.", before), re.findall(r"\w+|\s+|.", after)
    gone, new = Markup(""), Markup("")
    for what, i, j, k, n in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        left, right = escape("".join(a[i:j])), escape("".join(b[k:n]))
        gone += left if what == "equal" else Markup("<del>{}</del>").format(left) if left else ""
        new += right if what == "equal" else Markup("<ins>{}</ins>").format(right) if right else ""
    return gone, new


def _blocks(lines: Mapping[int, Line], shown: Collection[int], text: Text) -> list[Block]:
    blocks: list[Block] = []
    begin = min(lines)
    if begin > 1:
        blocks.append(Block((), folded=True, left_out=begin - 1))
    run: list[int] = []
    for n in sorted(lines):
        new_cell = text.cells.get(n, (None,))[0] != text.cells.get(n - 1, (None,))[0]
        if run and ((n in shown) != (run[-1] in shown) or new_cell):
            blocks.append(_block(run, lines, shown, text))
            run = []
        run.append(n)
    blocks.append(_block(run, lines, shown, text))
    if max(lines) < len(text.lines):
        blocks.append(Block((), folded=True, left_out=len(text.lines) - max(lines)))
    return blocks


def _block(run: Sequence[int], lines: Mapping[int, Line], shown: Collection[int], text: Text) -> Block:
    cell = text.cells.get(run[0], (None,))[0]
    begins = cell is not None and text.cells.get(run[0] - 1, (None,))[0] != cell
    return Block(tuple(lines[n] for n in run), run[0] not in shown, cell=cell if begins else None)


def _without_text(report: Report, clean: Callable[[str], str]) -> list[Block]:
    """Where the file's text is not at hand: the statements that findings know."""
    by_line: dict[tuple[int, int], list[Finding]] = {}
    for finding in report.tensors:
        if finding.line is not None and finding.source:
            by_line.setdefault((finding.cell or 0, finding.line), []).append(finding)
    lines = []
    for (cell, number), findings in sorted(by_line.items()):
        code = _highlighted([clean(findings[0].source.partition("\n")[0][:LONGEST])], [1])[1]
        lines.append(Line(number, code, place(number, cell or None), tuple(findings)))
    return [Block(tuple(lines))] if lines else []


def _squeezed(code: str) -> str:
    return "".join(code.split())
