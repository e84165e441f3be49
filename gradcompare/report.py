"""What was found, as text and as JSON."""

from __future__ import annotations

import json
import math
import platform
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import metadata
from typing import Any

import numpy as np

from gradcompare.judging.verdict import WRONG, Finding, overall, worse
from gradcompare.picture import Picture

SCHEMA = 1

SAYS = {
    "ok": "ok",
    "fault": "WRONG",
    "inherited": "right, given the {inherited_from}",
    "kink": "ok (at a kink: another valid derivative)",
    "scaled": "{factor} times the gradient",
    "shape": "WRONG SHAPE: {shape}, should be {expected_shape}",
    "dtype": "WRONG DTYPE: {dtype}",
    "nonfinite": "NOT FINITE",
    "undecided": "undecided: rounding could explain anything here",
    "missing": "not in the reference: nothing to compare it with",
}
"""What the text report says of each verdict on a tensor."""


WRONG_COST = "wrong cost"
"""The name of the mistake in a diagnosis where the gradients are right, for another cost than the file's own."""
SAYS_NOTHING_OF = "This says nothing of the update rule, the learning rate, the data or the initialisation."
"""What the gradients of a file do not tell."""


@dataclass(frozen=True)
class Source:
    """The text of a file under test, and of a notebook line -> (number of the code cell, line in it), both from 1."""

    text: str
    cells: Mapping[int, tuple[int, int]] = field(default_factory=dict)


@dataclass
class Report:
    """The outcome of `compare` or `check`: `str(report)` is the text, `to_dict()` what `--json` writes."""

    verdict: str
    tensors: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    reference: str = "autograd"
    cases: dict[str, int] = field(default_factory=lambda: {"drawn": 1, "decided": 1, "at_kink": 0, "undecided": 0})
    subject: dict[str, Any] = field(default_factory=lambda: {"file": None, "interface": None, "functions": []})
    assumed: list[str] = field(default_factory=list)
    diagnosis: list[dict[str, Any]] = field(default_factory=list)
    smallest_case: dict[str, Any] | None = None
    factor: str | None = None
    """What a constant factor is that is another number in each network, "m" for one."""
    precisions: Sequence[str] = ()
    scale: float = 1.0
    """What dZ and dA carry by convention, of one network: 1, or m where they are derivatives of the summed loss."""
    draw: Callable[[], Picture | None] | None = field(default=None, repr=False, compare=False)
    """Works the picture out."""
    source: Source | None = field(default=None, repr=False, compare=False)
    """The file under test, for the page."""

    @cached_property
    def picture(self) -> Picture | None:
        """One of the networks, for the page; worked out when it is asked for."""
        return None if self.draw is None else self.draw()

    def __getstate__(self) -> dict[str, Any]:
        """Plain data: the picture, and no longer what it is worked out from."""
        return {**self.__dict__, "picture": self.picture, "draw": None}

    @property
    def first_fault(self) -> Finding | None:
        """The first tensor, in the order of the computation, that is wrong by its own fault."""
        own = [f for f in self.tensors if f.verdict in (*WRONG, "scaled")]
        return own[0] if own and self.verdict in ("wrong", "scaled") else None

    def __bool__(self) -> bool:
        return self.verdict == "agrees"

    def __str__(self) -> str:
        return text(self)

    def to_dict(self) -> dict[str, Any]:
        """The JSON report, schema 1: plain dicts, lists, strings and numbers; numbers that are not finite are
        strings."""
        first = self.first_fault
        return _plain(
            {
                "schema": SCHEMA,
                "verdict": self.verdict,
                "subject": self.subject,
                "assumed": self.assumed,
                "reference": self.reference,
                "cases": self.cases,
                "tensors": [_row(finding) for finding in self.tensors],
                "first_fault": first
                and {
                    "name": first.name,
                    "line": first.line,
                    "source": first.source or None,
                    "calls": list(first.calls),
                },
                "diagnosis": self.diagnosis,
                "smallest_case": self.smallest_case,
                "notes": self.notes,
                "versions": versions(),
            }
        )

    def to_json(self) -> str:
        """`to_dict` as text."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False, ensure_ascii=False)

    def to_html(self) -> str:
        """The report as a page: one HTML file that loads nothing from outside itself."""
        from gradcompare.page import page

        return page(self)

    def _repr_html_(self) -> str:
        """The page, where a notebook displays the report."""
        from gradcompare.page import frame

        return frame(self)


def merge(reports: Sequence[Report]) -> Report:
    """Of several networks: each tensor's worst finding, every note once, and the verdict on all."""
    findings: dict[str, Finding] = {}
    undecided: Counter[str] = Counter()
    for report in reports:
        for finding in report.tensors:
            findings[finding.name] = worse(findings.get(finding.name, finding), finding)
            undecided[finding.name] += finding.verdict == "undecided"
    for name, finding in findings.items():
        if finding.verdict in ("ok", "undecided"):  # a network that decides nothing says nothing against the others
            findings[name] = finding.but(verdict="undecided" if 2 * undecided[name] > len(reports) else "ok")
    cases = {key: sum(report.cases[key] for report in reports) for key in reports[0].cases}
    never = _never_decided(reports, undecided, list(findings.values()))
    if never:
        freed = sum(
            report.cases["undecided"]
            for report in reports
            if all(f.name in never for f in report.tensors if f.verdict == "undecided")
        )
        cases |= {"decided": cases["decided"] + freed, "undecided": cases["undecided"] - freed}
    notes = {re.sub(r"[-\d.e]+", "#", note): note for report in reversed(reports) for note in reversed(report.notes)}
    return Report(
        overall(list(findings.values()), decided=cases["decided"], drawn=cases["drawn"]),
        list(findings.values()),
        list(notes.values())[::-1],
        reference="numerical" if any(report.reference == "numerical" for report in reports) else "autograd",
        cases=cases,
        precisions=tuple(dict.fromkeys(p for report in reports for p in report.precisions)),
    )


def _never_decided(reports: Sequence[Report], undecided: Counter[str], findings: Sequence[Finding]) -> set[str]:
    """The tensors of which no network decides anything, as of a bias before a batch normalisation, whose gradient is 0
    but for rounding; none where they are most of what there is."""
    every = [finding for report in reports for finding in report.tensors]
    seen, beyond = Counter(f.name for f in every), {f.name for f in every if not f.error <= f.bound < math.inf}
    never = {name for name, times in undecided.items() if times == seen[name] and name not in beyond}
    claims = [finding.name for finding in findings if not finding.witness]
    return never if 2 * sum(name in never for name in claims) <= len(claims) else set()


def versions() -> dict[str, str]:
    """The versions that a report can depend on."""
    packages = {name: metadata.version(name) for name in ("gradcompare", "numpy", "torch", "hypothesis")}
    return {"python": platform.python_version(), **packages}


_ROW = (
    *("name", "of", "line", "cell", "occurrence", "dtype", "verdict", "error", "bound"),
    *("bound_reference", "bound_claim", "ratio", "shape", "factor", "inherited_from", "witness"),
)


def _row(finding: Finding) -> dict[str, Any]:
    return {name: getattr(finding, name) for name in _ROW}


def _plain(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {str(k): _plain(v) for k, v in tree.items()}
    if isinstance(tree, list | tuple):
        return [_plain(v) for v in tree]
    if isinstance(tree, np.ndarray):
        return _plain(tree.tolist())
    if isinstance(tree, np.generic):
        tree = tree.item()
    if isinstance(tree, float) and not math.isfinite(tree):
        return str(tree)
    return tree


# ---- text ------------------------------------------------------------------------------------------------------------


def text(report: Report, *, verbose: bool = False) -> str:
    """The report for a reader who knows nothing of this project: where lines are known, a verdict on each."""
    by_line = source_lines(report)
    parts = [headline(report), by_line or table(report), probably(report), table(report) if by_line and verbose else ""]
    last = (smallest_network(report), footer(report), worst_entry(report, verbose=verbose))
    parts.append("\n".join(line for line in last if line))
    return "\n\n".join(part for part in parts if part)


def source_lines(report: Report) -> str:
    """The user's own lines, each with the verdict on what it made; empty where no lines are known."""
    lines: dict[tuple[int | None, int], list[Finding]] = {}
    for finding in report.tensors:
        if finding.line is not None:
            lines.setdefault((finding.cell, finding.line), []).append(finding)
    if not lines:
        return ""
    first = report.first_fault
    width = min(max(len(findings[0].source) for findings in lines.values()), 72)
    shown = []
    for (_, line), findings in sorted(lines.items(), key=lambda item: _first(item[1], report)):
        mark = ">" if first is not None and first in findings else " "
        shown.append(
            f" {mark} {line:>4}   {_cut(findings[0].source, width):<{width}}   {_verdicts(findings, report)}".rstrip()
        )
    rest = [f for f in report.tensors if f.line is None and f.verdict not in ("ok", "missing")]
    shown += [f"          {called(f)}: {says(f, report)}" for f in rest]
    return "\n".join(shown)


def _first(findings: Sequence[Finding], report: Report) -> int:
    return min(report.tensors.index(finding) for finding in findings)


def _cut(source: str, width: int) -> str:
    return source if len(source) <= width else source[: width - 3] + "..."


def _verdicts(findings: Sequence[Finding], report: Report) -> str:
    """The verdict on a line: a word if it made one thing, each by name if several and they differ."""
    worst: dict[str, Finding] = {}
    for finding in findings:
        worst[called(finding)] = worse(worst.get(called(finding), finding), finding)
    words = {says(finding, report) for finding in worst.values()}
    if len(words) == 1:
        return words.pop()
    return ", ".join(f"{name} {says(finding, report)}" for name, finding in worst.items())


def probably(report: Report) -> str:
    """The diagnosis, with the corrected line; of several each with its line."""
    blocks = []
    for found in report.diagnosis:
        fix = f"\n{found['line'] or '':>7}   {found['fix']}" if found.get("fix") else ""
        several = len(report.diagnosis) > 1 and not fix and found["line"] is not None
        where = f" ({place(found['line'], found.get('cell'))})" if several else ""
        blocks.append(f"Probably{where}: {found['says']}{fix}")
    return "\n".join(blocks)


def headline(report: Report) -> str:
    """The verdict in a sentence."""
    file = report.subject.get("file")
    first = report.first_fault
    factor = factor_of(first, report) if first is not None else "a constant"
    direction = ": the right direction, not the length" if not factor.startswith("-") else ": the opposite direction"
    sentence = {
        "agrees": "agrees with PyTorch's gradient, within what rounding can explain.",
        "wrong": f"wrong. It first goes wrong at {_place(first)}." if first else "wrong.",
        "scaled": f"scaled. Every parameter's gradient is {factor} times what it should be{direction}.",
        "undecided": "undecided. Rounding could explain too much here to say more.",
        "unfinished": "unfinished.",
        "error": "not checked.",
    }[report.verdict]
    return f"{file}: {sentence}" if file else sentence


def factor_of(finding: Finding, report: Report | None = None) -> str:
    """The constant by which a gradient is too large: its name, if it has one, or its number in one of the networks."""
    if report is not None and report.factor is not None:
        return report.factor
    return "a constant" if finding.factor is None else f"{finding.factor:.6g}"


def _place(finding: Finding) -> str:
    where = "" if finding.line is None else f"{place(finding.line, finding.cell)}, "
    return f"{where}{called(finding)}"


def called(finding: Finding) -> str:
    """What a reader calls a tensor: its name; if that is only ours, `dz#2`, the code's variable, else without ours."""
    plain = re.sub(r"\(line \d+\)|#\d+", "", finding.name)
    own = finding.variable if plain != finding.name else ""
    return plain if not own or own.startswith("return") else own


def place(line: int, cell: int | None) -> str:
    """A line as its reader looks for it: "line 12", or "cell 3, line 4"."""
    return f"line {line}" if cell is None else f"cell {cell}, line {line}"


def says(finding: Finding, report: Report | None = None) -> str:
    """The verdict on a tensor, in words."""
    source = next((f for f in report.tensors if f.name == finding.inherited_from), None) if report is not None else None
    where = "above" if source is None or source.line is None else f"of {place(source.line, source.cell)}"
    return SAYS[finding.verdict].format(
        inherited_from=f"{finding.inherited_from if source is None else called(source)} {where}",
        factor=factor_of(finding, report),
        shape=finding.shape,
        expected_shape=finding.expected_shape,
        dtype=finding.dtype,
    )


def table(report: Report) -> str:
    """A row for each tensor."""
    header = ("", "tensor", "shape", "error", "bound", "error / bound", "")
    first = report.first_fault
    rows = [
        header,
        *(
            (
                ">" if first is not None and f.name == first.name else "",
                f.name,
                " x ".join(map(str, f.shape)) or "scalar",
                *(
                    ("", "", "")
                    if f.verdict in ("shape", "dtype", "missing")
                    else map(number, (f.error, f.bound, f.ratio))
                ),
                says(f, report),
            )
            for f in report.tensors
        ),
    ]
    if len(rows) == 1:
        return ""
    widths = [max(len(row[i]) for row in rows) for i in range(len(header))]
    right = {3, 4, 5}
    lines = [
        "  ".join(
            cell.rjust(w) if i in right else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "\n".join(line.rstrip() for line in lines)


def number(x: float) -> str:
    """Two digits are enough to see a magnitude."""
    return "0" if x == 0 else f"{x:.2g}"


def smallest_network(report: Report) -> str:
    """The smallest network that shows the fault, in a line."""
    case = report.smallest_case
    if case is None:
        return ""
    samples = "one sample" if case["m"] == 1 else f"{case['m']} samples"
    again = f": gradcompare check {report.subject['file']} --seed {case['seed']}" if report.subject.get("file") else ""
    return f"Smallest network that shows it: {'-'.join(map(str, case['sizes']))}, {samples}{again}"


def worst_entry(report: Report, *, verbose: bool = False) -> str:
    """The worst entry of the first fault, both values, and what rounding could explain; nothing of a step, of which the
    direction is wrong and no number was compared."""
    f = report.first_fault
    if f is None or f.verdict in ("shape", "dtype") or not f.dtype:
        return ""
    where = f"Worst entry of {called(f)}: {list(f.worst)} is" if f.shape else f"{called(f)} is"
    more = " --verbose shows every tensor." if f.line is not None and not verbose else ""
    is_, should_be = told_apart(f.claim, f.reference)
    return f"{where} {is_}, should be {should_be}; rounding could explain {number(f.bound)}.{more}"


def told_apart(one: float, other: float) -> tuple[str, str]:
    """Two numbers with as many digits as it takes to see that they differ, and no fewer than six."""
    texts = [(f"{one:.{digits}g}", f"{other:.{digits}g}") for digits in (6, 9, 12, 17)]
    return next((pair for pair in texts if pair[0] != pair[1]), texts[0])


def footer(report: Report) -> str:
    """How many networks, in which precision, against what; and the notes."""
    lines = [checked(report)] if report.cases["drawn"] else []
    lines += [f"Assumed: {assumed}." for assumed in report.assumed]
    if report.verdict == "agrees" and report.subject.get("interface"):
        lines.append(SAYS_NOTHING_OF)
    return "\n".join([*lines, *(f"Note: {note}" for note in report.notes)])


def checked(report: Report) -> str:
    """How many networks, in which precision, against what, in a sentence."""
    n = report.cases["drawn"]
    against = {"autograd": "PyTorch's gradient of {}", "numerical": "central differences of {}"}[
        report.reference
    ].format("your own forward pass" if report.subject.get("interface") else "the reference")
    return f"Checked: {n} network{'s' * (n != 1)}, {' and '.join(report.precisions)}, against {against}." if n else ""
